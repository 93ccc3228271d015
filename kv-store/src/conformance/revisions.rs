//! Revisions: each state of a record has another one, and none repeats.

use std::collections::HashSet;

use super::commits::{put, unchanged};
use super::harness::AtomicHarness;
use super::suite::{Checked, Suite, Test, group, sample};
use crate::key::Key;
use crate::record::Revision;
use crate::store::{Entry, ListQuery, StoreExt, Write};

pub(super) async fn run<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        reads_agree_on_the_revision: "get, get_many and a list give the same revision, and a read does not change it",
        every_write_gives_a_new_revision: "every Put and Update MUST give a revision that no record had before",
        a_created_record_is_not_the_deleted_one: "a revision never repeats, also after delete and re-create with equal bytes",
        keys_have_revisions_of_their_own: "no two records have the same revision, also if written together with equal bytes",
    );
}

async fn reads_agree_on_the_revision<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("r:1", "group");
    t.put(&key, &sample(1)).await?;
    let revision = t.revision(&key).await?;
    for found in t.store.read_many(&[key.clone(), key.clone()]).await? {
        let batched = found.map(|record| record.revision);
        check!(batched.as_ref() == Some(&revision), "get_many gives {batched:?}, and get {revision:?}");
    }
    for (name, entry) in t.list(&ListQuery::new(key.clone())).await? {
        let Entry::Record(record) = entry else {
            check!(false, "`{name}` is listed as {entry:?}");
            continue;
        };
        check!(record.revision == revision, "a list gives {:?}, and get {revision:?}", record.revision);
    }
    let again = t.revision(&key).await?;
    check!(again == revision, "the revision was {revision:?}, and is {again:?} without a write");
    t.done(vec![unchanged(&key, &revision)], vec![put(&key, 2)]).await
}

/// Collects revisions, and fails if one repeats.
async fn collect<H: AtomicHarness>(t: &Test<'_, H>, key: &Key, seen: &mut HashSet<Revision>) -> Checked {
    let revision = t.revision(key).await?;
    check!(!seen.contains(&revision), "`{key}` has the revision {revision:?} again");
    seen.insert(revision);
    Ok(())
}

async fn every_write_gives_a_new_revision<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("r:1", "group");
    let mut seen = HashSet::new();
    // The same bytes each time: nothing but the write itself tells the states apart.
    for _ in 0..20 {
        t.put(&key, &sample(1)).await?;
        collect(&t, &key, &mut seen).await?;
        t.put_all(&[(key.clone(), sample(1))]).await?;
        collect(&t, &key, &mut seen).await?;
        t.done(Vec::new(), vec![put(&key, 1)]).await?;
        collect(&t, &key, &mut seen).await?;
        t.done(Vec::new(), vec![Write::Update(key.clone(), sample(1))]).await?;
        collect(&t, &key, &mut seen).await?;
        t.done(Vec::new(), vec![put(&key, 1), Write::Update(key.clone(), sample(1))]).await?;
        collect(&t, &key, &mut seen).await?;
    }
    for old in seen.iter().filter(|old| old.token().is_some()).take(10) {
        let commit = t.commit(vec![unchanged(&key, old)], Vec::new()).await?;
        let current = t.revision(&key).await?;
        check!(
            (commit == crate::store::Commit::Done) == (*old == current),
            "{old:?} against {current:?} ended with {commit:?}"
        );
    }
    Ok(())
}

async fn a_created_record_is_not_the_deleted_one<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("r:1", "group");
    let mut seen = HashSet::new();
    for _ in 0..10 {
        t.put(&key, &sample(1)).await?;
        let revision = t.revision(&key).await?;
        collect(&t, &key, &mut seen).await?;
        t.delete(&key).await?;
        t.put(&key, &sample(1)).await?;
        t.refused(0, vec![unchanged(&key, &revision)], vec![put(&key, 2)]).await?;
        collect(&t, &key, &mut seen).await?;
        t.done(Vec::new(), vec![Write::Delete(key.clone()), put(&key, 1)]).await?;
        t.refused(0, vec![unchanged(&key, &revision)], vec![put(&key, 2)]).await?;
        collect(&t, &key, &mut seen).await?;
    }
    Ok(())
}

async fn keys_have_revisions_of_their_own<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let keys: Vec<Key> = (0..20).map(|number| group("r:1", &format!("group{number}"))).collect();
    let mut seen = HashSet::new();
    t.done(Vec::new(), keys.iter().map(|key| put(key, 1)).collect()).await?;
    for key in &keys {
        collect(&t, key, &mut seen).await?;
    }
    t.put_all(&keys.iter().map(|key| (key.clone(), sample(1))).collect::<Vec<_>>()).await?;
    for key in &keys {
        collect(&t, key, &mut seen).await?;
    }
    Ok(())
}
