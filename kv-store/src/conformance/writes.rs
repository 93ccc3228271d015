//! The writes of a commit.

use super::commits::{absent, present, put};
use super::harness::AtomicHarness;
use super::suite::{Checked, Suite, Test, group, sample};
use crate::record::Expiry;
use crate::store::{ListQuery, Write};

pub(super) async fn run<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_commit_makes_all_its_writes: "if all conditions hold all writes are made",
        a_later_write_of_one_key_remains: "of two writes of one key in a commit the later one MUST remain",
        an_update_replaces_value_and_metadata: "Update writes value and metadata",
        an_update_of_nothing_is_a_put: "if there is no record, an Update is a Put",
        a_touch_leaves_the_rest: "Touch sets the expiry and nothing else",
        a_touch_of_nothing_does_nothing: "if there is no record, a Touch does nothing",
        a_delete_removes: "Delete removes the record, and succeeds if there is none",
        what_is_committed_is_listed: "what a commit wrote MUST be seen by every later read, a list too",
    );
}

async fn a_commit_makes_all_its_writes<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [new, updated, touched, deleted] =
        ["new", "updated", "touched", "deleted"].map(|name| group("c:1", name));
    for (key, number) in [&updated, &touched, &deleted].into_iter().zip(1..) {
        t.put(key, &sample(number)).await?;
    }
    let writes = vec![
        put(&new, 11),
        Write::Update(updated.clone(), sample(12)),
        Write::Touch(touched.clone(), Expiry::After(t.ttl())),
        Write::Delete(deleted.clone()),
    ];
    t.done(vec![absent(&new), present(&updated)], writes).await?;
    t.holds(&new, &sample(11)).await?;
    t.holds(&updated, &sample(12)).await?;
    t.holds(&touched, &sample(2)).await?;
    t.is_absent(&deleted).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&touched).await
}

async fn a_later_write_of_one_key_remains<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("c:1", "group");
    let update = |number| Write::Update(key.clone(), sample(number));
    t.done(Vec::new(), vec![put(&key, 1), put(&key, 2)]).await?;
    t.holds(&key, &sample(2)).await?;
    t.done(Vec::new(), vec![put(&key, 3), update(4)]).await?;
    t.holds(&key, &sample(4)).await?;
    t.done(Vec::new(), vec![update(5), put(&key, 6)]).await?;
    t.holds(&key, &sample(6)).await?;
    t.done(Vec::new(), vec![put(&key, 7), Write::Delete(key.clone())]).await?;
    t.is_absent(&key).await?;
    t.done(Vec::new(), vec![Write::Delete(key.clone()), put(&key, 8)]).await?;
    t.holds(&key, &sample(8)).await?;
    // An update after a delete of the same commit stands on nothing.
    t.done(Vec::new(), vec![Write::Delete(key.clone()), update(9)]).await?;
    t.holds(&key, &sample(9)).await.map(drop)
}

async fn an_update_replaces_value_and_metadata<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("c:1", "group");
    let mut first = sample(1);
    let set = first.metadata.set_foreign("theirs", "kept by collections, not by stores".into());
    check!(set.is_ok(), "the suite's own member was refused: {set:?}");
    t.put(&key, &first).await?;
    t.done(Vec::new(), vec![Write::Update(key.clone(), sample(2))]).await?;
    t.holds(&key, &sample(2)).await?;
    t.done(Vec::new(), vec![Write::Update(key.clone(), first.clone())]).await?;
    t.holds(&key, &first).await.map(drop)
}

async fn an_update_of_nothing_is_a_put<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let (lasting, expiring) = (group("c:1", "lasting"), group("c:1", "expiring"));
    let record = sample(2).with_expiry(Expiry::After(t.ttl()));
    let writes = vec![Write::Update(lasting.clone(), sample(1)), Write::Update(expiring.clone(), record)];
    t.done(vec![absent(&lasting)], writes).await?;
    t.holds(&lasting, &sample(1)).await?;
    t.holds(&expiring, &sample(2)).await?;
    t.pass(t.ttl()).await;
    t.holds(&lasting, &sample(1)).await?;
    t.is_absent(&expiring).await
}

async fn a_touch_leaves_the_rest<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("c:1", "group");
    let mut written = sample(1);
    let set = written.metadata.set_foreign("theirs", serde_json::json!({ "a": [1, null] }));
    check!(set.is_ok(), "the suite's own member was refused: {set:?}");
    t.put(&key, &written).await?;
    for expiry in [Expiry::After(t.ttl()), Expiry::After(2 * t.ttl()), Expiry::Never] {
        t.done(vec![present(&key)], vec![Write::Touch(key.clone(), expiry)]).await?;
        t.holds(&key, &written).await?;
    }
    // Whether a touch gives a new revision is the store's choice; the one that is read now has to
    // hold.
    let read = t.standing(&key).await?;
    t.done(vec![super::commits::unchanged(&key, &read.revision)], vec![put(&key, 2)]).await
}

async fn a_touch_of_nothing_does_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let (absent_key, other) = (group("c:1", "absent"), group("c:1", "other"));
    for expiry in [Expiry::Never, Expiry::After(t.ttl())] {
        t.done(Vec::new(), vec![Write::Touch(absent_key.clone(), expiry), put(&other, 1)]).await?;
        t.is_absent(&absent_key).await?;
        t.holds(&other, &sample(1)).await?;
        let listed = t.list_keys(&ListQuery::new(absent_key.clone())).await?;
        check!(listed.is_empty(), "a touch of nothing made {listed:?}");
        t.done(vec![absent(&absent_key)], Vec::new()).await?;
    }
    Ok(())
}

async fn a_delete_removes<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let (deleted, never) = (group("c:1", "deleted"), group("c:1", "never"));
    t.put(&deleted, &sample(1)).await?;
    let writes = vec![Write::Delete(deleted.clone()), Write::Delete(never.clone())];
    t.done(vec![present(&deleted), absent(&never)], writes).await?;
    t.is_absent(&deleted).await?;
    t.is_absent(&never).await?;
    t.done(vec![absent(&deleted)], vec![put(&deleted, 2)]).await
}

async fn what_is_committed_is_listed<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b] = ["a", "b"].map(|name| group("c:1", name));
    t.done(Vec::new(), vec![put(&a, 1), put(&b, 2)]).await?;
    let mut keys = t.list_keys(&ListQuery::new(super::suite::key("c:1:"))).await?;
    keys.sort_unstable();
    check!(keys == ["c:1:a", "c:1:b"], "after a commit of two records a list shows {keys:?}");
    t.done(Vec::new(), vec![Write::Delete(a), put(&b, 3)]).await?;
    let keys = t.list_keys(&ListQuery::new(super::suite::key("c:1:"))).await?;
    check!(keys == ["c:1:b"], "after one was deleted a list shows {keys:?}");
    Ok(())
}
