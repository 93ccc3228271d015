//! Entries of indexes: committed with records, and listed in order.

use std::ops::Bound;

use super::commits::{absent, put};
use super::harness::{Harness, IndexHarness};
use super::suite::{Checked, Ended, Suite, Test, in_shard, is_written, sample};
use crate::Codec;
use crate::key::{Key, KeyBuilder};
use crate::record::{Metadata, NewRecord, Record};
use crate::store::{
    ClaimQuery, Commit, CommitScope, EntryQuery, IndexStore, ListQuery, Store, StoreExt, Write,
};

pub(super) async fn run<H: IndexHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        entries_come_in_order: "entries come in the order of the bytes of their keys, or in the reverse",
        a_range_has_its_entries_and_no_others: "a range has the entries between its bounds, of this index alone",
        entry_pages_lead_on: "an entry that existed all the time MUST be in exactly one page",
        an_entry_page_keeps_to_its_limit: "a page MUST hold at most as many entries as its limit",
        entries_go_with_their_commit: "a commit MUST take entries with other writes and conditions, all or none",
        an_entry_is_added_once: "to add an entry that is there, and to remove one that is not, MUST do nothing",
        entries_stay: "an entry MUST NOT expire",
        an_entry_page_has_the_other_record: "a page MUST have the record that the query also asks for",
        a_claim_comes_with_its_records: "a claim and the record beside it MUST be as `get_many` returns them, and the records of its entity, if there are any, of the same moment",
        entries_of_a_shard_go_with_its_records: "a store whose commits have a scope of one shard MUST take its entries with its other keys",
        entries_are_found_by_their_shards: "a shard that had entries all the time MUST be on exactly one of the pages, and a store that keeps shards apart MUST show one alone",
        entries_are_no_records_of_other_prefixes: "a list of other keys shows no entry",
        store_says_that_it_keeps_indexes: "a store that implements it sets the capability",
    );
}

const INDEX: &str = "by_city";

/// The key of an entry of an index, with the index as the part that all share.
fn entry(index: &str, rest: &str) -> Key {
    KeyBuilder::entry("user", index, rest, true, &[]).finish_entry()
}

/// The same key in a shard.
fn within(shard: &str, key: Key) -> Key {
    key.placed_with(&in_shard("user", shard, 1, None))
}

impl<H: Harness<Store: IndexStore>> Test<'_, H> {
    /// The same key where one commit may have it together with all others: in a shard, unless the
    /// store commits any keys.
    fn together(&self, key: Key) -> Key {
        if self.can.limits.commit_scope == CommitScope::AnyKeys { key } else { within("1", key) }
    }

    fn entry(&self, index: &str, rest: &str) -> Key {
        self.together(entry(index, rest))
    }

    fn index(&self) -> Key {
        self.entry(INDEX, "")
    }

    async fn add(&self, entries: &[&str]) -> Checked {
        let writes = entries.iter().map(|rest| Write::AddEntry(self.entry(INDEX, rest))).collect::<Vec<_>>();
        let commit = self.store.commit(Vec::new(), writes.into()).await?;
        check!(commit == Commit::Done, "a commit of entries without conditions ended with {commit:?}");
        Ok(())
    }

    async fn entries(&self, query: &EntryQuery) -> Checked<Vec<String>> {
        let index = entry(INDEX, "");
        let page = self.store.entries(query).await?;
        Ok(page.keys().map(|key| key.strip_prefix(index.as_str()).unwrap_or(key).to_owned()).collect())
    }

    async fn all(&self) -> Checked<Vec<String>> {
        self.entries(&EntryQuery::new(self.index())).await
    }
}

/// Entries whose order is that of bytes, and no other.
const SOME: [&str; 6] = ["B!1!", "a!1!", "a!10!", "a!2!", "a%20b!1!", "é!1!"];

async fn entries_come_in_order<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&["a!2!", "é!1!", "B!1!", "a%20b!1!", "a!10!", "a!1!"]).await?;
    let found = t.all().await?;
    check!(found == SOME, "the entries come as {found:?}");
    let mut found = t.entries(&EntryQuery::new(t.index()).with_reverse(true)).await?;
    found.reverse();
    check!(found == SOME, "the reverse of the reverse is {found:?}");
    Ok(())
}

async fn a_range_has_its_entries_and_no_others<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&SOME).await?;
    let others = ["by_cit", "by_city2"].map(|index| Write::AddEntry(t.entry(index, "a!1!")));
    let commit = t.store.commit(Vec::new(), others.into_iter().collect()).await?;
    check!(commit == Commit::Done, "a commit of entries without conditions ended with {commit:?}");
    let key = |rest: &str| entry(INDEX, rest).into_string();
    let all = Bound::Included(t.index().into_string());
    for (from, to, expected) in [
        (Bound::Included(key("a!1!")), Bound::Included(key("a!2!")), &SOME[1..4]),
        (Bound::Excluded(key("a!1!")), Bound::Excluded(key("a!2!")), &SOME[2..3]),
        (Bound::Included(key("a!")), Bound::Excluded(key("a\"")), &SOME[1..4]),
        (all, Bound::Excluded(key("a")), &SOME[..1]),
        (Bound::Included(key("a!2!")), Bound::Included(key("a!1!")), &[]),
        (Bound::Excluded(key("a!1!")), Bound::Excluded(key("a!1!")), &[]),
    ] {
        for is_reverse in [false, true] {
            let range = (from.clone(), to.clone());
            let query = EntryQuery::new(t.index()).with_range(range.0, range.1);
            let mut found = t.entries(&query.with_reverse(is_reverse)).await?;
            if is_reverse {
                found.reverse();
            }
            check!(found == expected, "the range {from:?} to {to:?} has {found:?}");
        }
    }
    let found = t.all().await?;
    check!(found == SOME, "the whole index has {found:?}");
    Ok(())
}

async fn entry_pages_lead_on<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&SOME).await?;
    for is_reverse in [false, true] {
        let mut query = EntryQuery::new(t.index()).with_reverse(is_reverse).with_limit(2);
        let mut found = Vec::new();
        loop {
            let page = t.store.entries(&query).await?;
            found.extend(page.keys().map(str::to_owned));
            check!(found.len() <= SOME.len(), "the pages show entries twice: {found:?}");
            let Some(next) = page.next else { break };
            let (from, to) = (query.from.clone(), query.to.clone());
            let next = Bound::Excluded(next);
            query = if is_reverse { query.with_range(from, next) } else { query.with_range(next, to) };
        }
        if is_reverse {
            found.reverse();
        }
        let expected = SOME.map(|rest| entry(INDEX, rest).into_string());
        check!(found == expected, "the pages have {found:?}");
    }
    Ok(())
}

async fn an_entry_page_keeps_to_its_limit<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&SOME).await?;
    for limit in 1..=7 {
        let page = t.store.entries(&EntryQuery::new(t.index()).with_limit(limit)).await?;
        check!(page.len() <= limit, "a page of at most {limit} entries has {}", page.len());
    }
    Ok(())
}

async fn entries_go_with_their_commit<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    let record = t.together(Key::from_text("user:1"));
    let writes = vec![put(&record, 1), Write::AddEntry(t.entry(INDEX, "a!1!"))];
    let commit = t.store.commit(vec![absent(&record)], writes.into()).await?;
    check!(commit == Commit::Done, "a commit whose condition holds ended with {commit:?}");
    let found = t.all().await?;
    check!(found == ["a!1!"], "after a commit that adds an entry there are {found:?}");
    let writes = vec![
        Write::RemoveEntry(t.entry(INDEX, "a!1!")),
        Write::AddEntry(t.entry(INDEX, "b!1!")),
        Write::Delete(record.clone()),
    ];
    let commit = t.store.commit(vec![absent(&record)], writes.clone().into()).await?;
    check!(commit == Commit::Conflict(0), "a commit whose condition does not hold ended with {commit:?}");
    let found = t.all().await?;
    check!(found == ["a!1!"], "after a conflict there are {found:?}");
    let commit = t.store.commit(Vec::new(), writes.into()).await?;
    check!(commit == Commit::Done, "a commit without conditions ended with {commit:?}");
    let found = t.all().await?;
    check!(found == ["b!1!"], "after a commit that moves an entry there are {found:?}");
    check!(t.store.read(&record).await?.is_none(), "the record that the commit deleted is there");
    Ok(())
}

async fn an_entry_is_added_once<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&["a!1!", "a!1!"]).await?;
    t.add(&["a!1!"]).await?;
    let found = t.all().await?;
    check!(found == ["a!1!"], "an entry that was added three times is there as {found:?}");
    let remove = |rest| Write::RemoveEntry(t.entry(INDEX, rest));
    let commit =
        t.store.commit(Vec::new(), vec![remove("b!1!"), remove("a!1!"), remove("a!1!")].into()).await?;
    check!(commit == Commit::Done, "a commit that removes entries ended with {commit:?}");
    let found = t.all().await?;
    check!(found.is_empty(), "after the removal there are {found:?}");
    Ok(())
}

async fn entries_stay<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&SOME).await?;
    t.pass(t.ttl() * 3).await;
    let found = t.all().await?;
    check!(found == SOME, "after some time there are {found:?}");
    Ok(())
}

async fn an_entry_page_has_the_other_record<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    let [there, absent] = ["user!!by_city!", "user!!other!"].map(Key::from_text);
    let index = t.index();
    t.put(&there, &sample(7)).await?;
    for entries in [&[][..], &SOME] {
        t.add(entries).await?;
        for limit in [1, 1_000] {
            let query = EntryQuery::new(index.clone()).with_limit(limit);
            let page = t.store.entries(&query.clone().with_also(there.clone())).await?;
            check!(
                page.len() == entries.len().min(limit),
                "beside a record there are {} entries",
                page.len()
            );
            let Some(record) = page.also else {
                return Err(Ended::failed("the page has no record beside it".to_owned()));
            };
            check!(is_written(&record, &sample(7)), "the record beside the page is {record:?}");
            for query in [query.clone(), query.with_also(absent.clone())] {
                let also = t.store.entries(&query).await?.also;
                check!(also.is_none(), "a page without a record beside it has {also:?}");
            }
        }
    }
    // A range without keys is no reason to leave the record out.
    let nothing =
        EntryQuery::new(index).with_range(Bound::Excluded("b".to_owned()), Bound::Excluded("a".to_owned()));
    let page = t.store.entries(&nothing.with_also(there)).await?;
    check!(page.is_empty() && page.also.is_some(), "beside an empty range there is {:?}", page.also);
    Ok(())
}

async fn a_claim_comes_with_its_records<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    let [also, absent] = ["user!!email!", "user!!other!"].map(Key::from_text);
    t.put(&also, &sample(7)).await?;
    let text = |value: &str| NewRecord::new(value.to_owned(), Metadata::new(1, Codec::Json));
    for (claim, value) in [
        ("plain", Some("\"user:7\"")),
        ("escaped", Some("\"user:\\\"7\"")),
        ("quoted", Some("\"user:\\\\\"")),
        ("of nobody", Some("\"user:8\"")),
        ("no text", Some("7")),
        ("absent", None),
    ] {
        let key = Key::from_text(format!("user!email!{claim}!"));
        if let Some(value) = value {
            t.store.put(key.clone(), text(value)).await?;
        }
        t.put(&Key::from_text("user:7"), &sample(1)).await?;
        t.put(&Key::from_text("user:7:prefs"), &sample(2)).await?;
        let groups = [None, Some("prefs"), Some("stats")];
        for beside in [&also, &absent] {
            let query = ClaimQuery::new(key.clone(), beside.clone()).with_groups(groups);
            let found = t.store.claim(&query).await?;
            let read = found.claim.as_ref().map(|record| &record.value[..]);
            check!(read == value.map(str::as_bytes), "the claim {claim:?} is read as {read:?}");
            let is_right = found.also.as_ref().map(|record| is_written(record, &sample(7)));
            check!(is_right == (beside == &also).then_some(true), "beside the claim there is {is_right:?}");
            let Some(records) = found.records else { continue };
            check!(matches!(claim, "plain" | "of nobody"), "the claim {claim:?} has led to records");
            let is_there = |record: &Option<Record>, number| {
                record.as_ref().map(|record| is_written(record, &sample(number)))
            };
            let expected = (claim == "plain").then_some(true);
            check!(records.len() == groups.len(), "{} groups are {}", groups.len(), records.len());
            check!(
                is_there(&records[0], 1) == expected
                    && is_there(&records[1], 2) == expected
                    && records[2].is_none(),
                "the claim {claim:?} has led to {records:?}"
            );
        }
    }
    Ok(())
}

async fn entries_of_a_shard_go_with_its_records<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    let can = t.can.limits.commit_scope != CommitScope::OneEntity;
    t.needs(can, "the store commits one entity at a time, by its limits")?;
    let record = in_shard("user", "a", 1, None);
    let entries = ["by_city", "by_age"].map(|index| within("a", entry(index, "a!1!")));
    let mut writes = vec![put(&record, 1)];
    writes.extend(entries.iter().cloned().map(Write::AddEntry));
    for expected in [Commit::Done, Commit::Conflict(0)] {
        let commit = t.store.commit(vec![absent(&record)], writes.clone().into()).await?;
        check!(commit == expected, "a commit of a record and its entries ended with {commit:?}");
    }
    for entry in &entries {
        let query = EntryQuery::new(entry.clone());
        let found = t.store.entries(&query).await?.len();
        check!(found == 1, "an index has {found} entries after one was committed");
    }
    check!(t.store.read(&record).await?.is_some(), "the record of the commit is not there");
    Ok(())
}

async fn entries_are_found_by_their_shards<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    let can = t.can.limits.commit_scope != CommitScope::OneEntity;
    t.needs(can, "the store commits one entity at a time, by its limits")?;
    let shards = ["", "1", "10", "a b", "{}", "é"];
    let mut expected = Vec::new();
    for (shard, number) in shards.iter().zip(1..) {
        for index in ["by_cit", "by_city", "by_city2"] {
            let key = within(shard, entry(index, &format!("{number}!")));
            let commit = t.store.commit(Vec::new(), Write::AddEntry(key.clone()).into()).await?;
            check!(commit == Commit::Done, "a commit of an entry ended with {commit:?}");
            if index == INDEX {
                expected.push(key.into_string());
            }
        }
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = t.store.entry_shards(&entry(INDEX, ""), after.as_ref()).await?;
        for index in &page.indexes {
            let entries = t.store.entries(&EntryQuery::new(index.clone())).await?;
            let is_apart = t.can.indexes_by_shard && entries.len() != 1;
            check!(!is_apart, "one shard has {} entries", entries.len());
            found.extend(entries.keys().map(str::to_owned));
        }
        check!(found.len() <= expected.len(), "the shards have entries twice: {found:?}");
        after = page.indexes.last().cloned();
        if !page.has_more || after.is_none() {
            break;
        }
    }
    found.sort();
    check!(found == expected, "the shards have {found:?}");
    Ok(())
}

async fn entries_are_no_records_of_other_prefixes<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    t.add(&SOME).await?;
    let page = t.store.page(&ListQuery::new(Key::from_text("user:"))).await?;
    check!(page.is_empty(), "a list of other keys shows {} entries", page.len());
    Ok(())
}

async fn store_says_that_it_keeps_indexes<H: IndexHarness>(t: Test<'_, H>) -> Checked {
    check!(t.can.indexes, "the store keeps indexes, and its capabilities do not say so");
    Ok(())
}
