//! Commits: all writes if all conditions hold, and none otherwise.

use super::harness::AtomicHarness;
use super::suite::{Checked, Ended, Suite, Test, group, in_shard, sample};
use crate::key::Key;
use crate::record::{Expiry, Metadata, NewRecord, Revision};
use crate::store::{Commit, CommitScope, Condition, Expect, Store, StoreExt, Write};

pub(super) async fn run<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        absent_holds_of_nothing: "Absent holds where there is no record, and not where there is one",
        present_holds_of_any: "Present holds where there is a record, and not where there is none",
        a_revision_holds_of_one_state: "a revision holds of the record in the state that was read, and of no other",
        a_conflict_tells_its_place: "Conflict tells the place of a condition that did not hold",
        a_conflict_tells_the_least_place: "if several conditions do not hold, Conflict MUST name the least of their positions",
        conditions_alone_are_checked: "a commit of conditions alone MUST check them",
        a_commit_of_an_entity_is_one_step: "a commit of one entity's groups is one step, however many they are",
        a_commit_of_a_shard_is_one_step: "a commit of keys of one shard is one step, however many they are, unless the scope is one entity",
        a_commit_of_any_keys_is_one_step: "a commit of any keys is one step, however many they are, if the scope is any keys",
        a_commit_beyond_the_scope_writes_nothing: "a commit of keys beyond the scope MUST fail and write nothing",
        a_conflict_writes_nothing: "if a condition does not hold nothing MUST be written",
        conditions_guard_other_keys: "a condition on a key that is not written counts",
        several_conditions_on_one_key: "all conditions on one key have to hold",
        an_empty_commit_is_done: "a commit without conditions, or without writes, is done",
        a_failed_commit_writes_nothing: "after a failure nothing MUST have been written",
    );
}

impl<H: AtomicHarness> Test<'_, H> {
    pub(super) fn needs_commits(&self) -> Checked {
        self.needs(self.can.compare_and_swap, "the store lacks compare-and-swap, by its capabilities")
    }

    pub(super) async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Checked<Commit> {
        let commit = self.store.commit(conditions, writes.into()).await?;
        self.settle().await;
        Ok(commit)
    }

    /// A commit whose conditions hold.
    pub(super) async fn done(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Checked {
        let commit = self.commit(conditions, writes).await?;
        check!(commit == Commit::Done, "a commit whose conditions hold ended with {commit:?}");
        Ok(())
    }

    /// A commit whose condition at this place does not hold.
    pub(super) async fn refused(
        &self,
        place: usize,
        conditions: Vec<Condition>,
        writes: Vec<Write>,
    ) -> Checked {
        let commit = self.commit(conditions, writes).await?;
        check!(
            commit == Commit::Conflict(place),
            "a commit whose condition {place} does not hold ended with {commit:?}"
        );
        Ok(())
    }

    pub(super) async fn revision(&self, key: &Key) -> Checked<Revision> {
        Ok(self.standing(key).await?.revision)
    }
}

pub(super) fn absent(key: &Key) -> Condition {
    Condition::new(key.clone(), Expect::Absent)
}

pub(super) fn present(key: &Key) -> Condition {
    Condition::new(key.clone(), Expect::Present)
}

pub(super) fn unchanged(key: &Key, revision: &Revision) -> Condition {
    Condition::new(key.clone(), Expect::Revision(revision.clone()))
}

pub(super) fn put(key: &Key, number: u32) -> Write {
    Write::Put(key.clone(), sample(number))
}

fn groups<const N: usize>() -> [Key; N] {
    std::array::from_fn(|number| group("c:1", &format!("group{number}")))
}

async fn absent_holds_of_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [key] = groups();
    t.done(vec![absent(&key)], vec![put(&key, 1)]).await?;
    t.holds(&key, &sample(1)).await?;
    t.refused(0, vec![absent(&key)], vec![put(&key, 2)]).await?;
    t.holds(&key, &sample(1)).await?;
    t.delete(&key).await?;
    t.done(vec![absent(&key)], vec![put(&key, 3)]).await?;
    t.holds(&key, &sample(3)).await.map(drop)
}

async fn present_holds_of_any<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [key] = groups();
    t.refused(0, vec![present(&key)], vec![put(&key, 1)]).await?;
    t.is_absent(&key).await?;
    t.put(&key, &sample(2)).await?;
    t.done(vec![present(&key)], vec![put(&key, 3)]).await?;
    t.holds(&key, &sample(3)).await.map(drop)
}

async fn a_revision_holds_of_one_state<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [key, other] = groups();
    t.put(&key, &sample(1)).await?;
    let first = t.revision(&key).await?;
    // Writes of other keys leave the state that was read.
    t.put(&other, &sample(9)).await?;
    t.done(vec![unchanged(&key, &first)], vec![put(&key, 2)]).await?;
    t.refused(0, vec![unchanged(&key, &first)], vec![put(&key, 3)]).await?;
    let second = t.revision(&key).await?;
    t.refused(0, vec![unchanged(&other, &second)], vec![put(&key, 3)]).await?;
    t.holds(&key, &sample(2)).await?;
    // A plain put is seen, too.
    t.put(&key, &sample(4)).await?;
    t.refused(0, vec![unchanged(&key, &second)], vec![put(&key, 5)]).await?;
    t.delete(&key).await?;
    t.refused(0, vec![unchanged(&key, &second)], vec![put(&key, 5)]).await?;
    t.is_absent(&key).await
}

async fn a_conflict_tells_its_place<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b, c, new] = groups();
    for (key, number) in [&a, &b, &c].into_iter().zip(1..) {
        t.put(key, &sample(number)).await?;
    }
    let revision = t.revision(&b).await?;
    let holding = [present(&a), unchanged(&b, &revision), absent(&new), present(&c)];
    for place in 0..holding.len() {
        let mut conditions = holding.to_vec();
        if let Some(condition) = conditions.get_mut(place) {
            condition.expect = match condition.expect {
                Expect::Absent => Expect::Present,
                Expect::Present => Expect::Absent,
                Expect::Revision(_) => Expect::Revision(Revision::random()),
            };
        }
        t.refused(place, conditions, vec![put(&new, 5)]).await?;
        t.is_absent(&new).await?;
    }
    t.done(holding.to_vec(), vec![put(&new, 6)]).await
}

async fn a_conflict_tells_the_least_place<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b, gone, new] = groups();
    t.put(&a, &sample(1)).await?;
    t.put(&b, &sample(2)).await?;
    let revision = t.revision(&b).await?;
    let holding = [present(&a), unchanged(&b, &revision), absent(&gone), absent(&new)];
    let failing = [
        absent(&a),
        unchanged(&b, &Revision::random()),
        present(&gone),
        unchanged(&new, &Revision::random()),
    ];
    for first in 0..holding.len() {
        for second in first + 1..holding.len() {
            let fails = |place| place == first || place == second;
            let mixed = holding.iter().zip(&failing).enumerate();
            let mixed = mixed.map(|(place, (holds, not))| if fails(place) { not } else { holds });
            let conditions: Vec<_> = mixed.cloned().collect();
            t.refused(first, conditions.clone(), vec![put(&new, 3)]).await?;
            t.refused(first, conditions, Vec::new()).await?;
            t.is_absent(&new).await?;
        }
    }
    Ok(())
}

async fn conditions_alone_are_checked<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b] = groups();
    t.put(&a, &sample(1)).await?;
    let revision = t.revision(&a).await?;
    t.done(vec![unchanged(&a, &revision), absent(&b)], Vec::new()).await?;
    t.put(&b, &sample(2)).await?;
    t.refused(1, vec![unchanged(&a, &revision), absent(&b)], Vec::new()).await?;
    t.put(&a, &sample(3)).await?;
    t.refused(0, vec![unchanged(&a, &revision), present(&b)], Vec::new()).await?;
    t.holds(&a, &sample(3)).await?;
    t.holds(&b, &sample(2)).await.map(drop)
}

/// As many keys as a transaction may well have.
const MANY: u32 = 200;

async fn a_commit_of_an_entity_is_one_step<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    a_commit_is_one_step(t, |number| group("c:1", &format!("group{number}"))).await
}

async fn a_commit_of_a_shard_is_one_step<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let can = t.can.limits.commit_scope != CommitScope::OneEntity;
    t.needs(can, "the store commits one entity only, by its limits")?;
    // Several entities, whose keys have no beginning in common.
    a_commit_is_one_step(t, |number| {
        let (prefix, group) = if number % 2 == 0 { ("c", Some("main")) } else { ("other", None) };
        in_shard(prefix, "1", number, group)
    })
    .await
}

async fn a_commit_of_any_keys_is_one_step<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let can = t.can.limits.commit_scope == CommitScope::AnyKeys;
    t.needs(can, "the store commits one shard or one entity only, by its limits")?;
    a_commit_is_one_step(t, |number| group(&format!("c:{number}"), "main")).await
}

async fn a_commit_beyond_the_scope_writes_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b] = match t.can.limits.commit_scope {
        CommitScope::AnyKeys => return Err(Ended::Skipped("the store commits any keys, by its limits")),
        CommitScope::OneShard => ["1", "2"].map(|shard| in_shard("c", shard, 1, None)),
        CommitScope::OneEntity => ["c:1", "c:2"].map(|entity| group(entity, "main")),
    };
    for (conditions, writes) in
        [(vec![absent(&a)], vec![put(&b, 1)]), (Vec::new(), vec![put(&a, 1), put(&b, 1)])]
    {
        let commit = t.store.commit(conditions, writes.into()).await;
        check!(commit.is_err(), "a commit beyond the scope ended with {commit:?}");
        t.is_absent(&a).await?;
        t.is_absent(&b).await?;
    }
    Ok(())
}

/// Keys of a commit within the scope of the store.
async fn a_commit_is_one_step<H: AtomicHarness>(t: Test<'_, H>, key: impl Fn(u32) -> Key) -> Checked {
    t.needs_commits()?;
    let many = MANY.min(u32::try_from(t.can.limits.commit / 2).unwrap_or(MANY));
    let keys: Vec<Key> = (0..many).map(key).collect();
    let puts = |from: u32| keys.iter().zip(from..).map(|(key, number)| put(key, number)).collect::<Vec<_>>();
    let absences: Vec<_> = keys.iter().map(absent).collect();
    t.done(absences.clone(), puts(0)).await?;
    t.refused(0, absences, puts(1_000)).await?;
    let mut unchanged_all = Vec::new();
    for (key, number) in keys.iter().zip(0..) {
        unchanged_all.push(unchanged(key, &t.holds(key, &sample(number)).await?.revision));
    }
    // One of them is another one now: nothing of the commit is written.
    let Some(last) = keys.last() else { return Ok(()) };
    t.put(last, &sample(9_999)).await?;
    t.refused(keys.len() - 1, unchanged_all.clone(), puts(2_000)).await?;
    for (key, number) in keys.iter().zip(0..many - 1) {
        t.holds(key, &sample(number)).await?;
    }
    unchanged_all.pop();
    t.done(unchanged_all, puts(3_000)).await?;
    for (key, number) in keys.iter().zip(3_000..) {
        t.holds(key, &sample(number)).await?;
    }
    Ok(())
}

async fn a_conflict_writes_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [a, b, c, d, new] = groups();
    let keys = [&a, &b, &c, &d];
    for (key, number) in keys.into_iter().zip(1..) {
        t.put(key, &sample(number)).await?;
    }
    let writes = vec![
        put(&a, 11),
        Write::Update(b.clone(), sample(12)),
        Write::Delete(c.clone()),
        Write::Touch(d.clone(), Expiry::After(t.ttl())),
        put(&new, 15),
    ];
    t.refused(1, vec![present(&a), absent(&a)], writes).await?;
    t.pass(t.ttl()).await;
    for (key, number) in keys.into_iter().zip(1..) {
        let record = t.holds(key, &sample(number)).await?;
        check!(
            record.expires_at.is_none(),
            "`{key}` expires at {:?} after a commit that was refused",
            record.expires_at
        );
    }
    t.is_absent(&new).await
}

async fn conditions_guard_other_keys<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [guard, written] = groups();
    t.done(vec![absent(&guard)], vec![put(&written, 1)]).await?;
    t.put(&guard, &sample(2)).await?;
    t.refused(0, vec![absent(&guard)], vec![put(&written, 3)]).await?;
    let revision = t.revision(&guard).await?;
    t.done(vec![unchanged(&guard, &revision)], vec![put(&written, 4)]).await?;
    t.holds(&written, &sample(4)).await?;
    t.holds(&guard, &sample(2)).await.map(drop)
}

async fn several_conditions_on_one_key<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [key] = groups();
    t.put(&key, &sample(1)).await?;
    let revision = t.revision(&key).await?;
    let both = vec![present(&key), unchanged(&key, &revision)];
    t.done(both.clone(), vec![put(&key, 2)]).await?;
    t.refused(1, both, vec![put(&key, 3)]).await?;
    t.refused(1, vec![present(&key), absent(&key)], vec![put(&key, 3)]).await?;
    t.holds(&key, &sample(2)).await.map(drop)
}

async fn an_empty_commit_is_done<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [key] = groups();
    t.done(Vec::new(), Vec::new()).await?;
    t.done(Vec::new(), vec![put(&key, 1)]).await?;
    t.done(vec![present(&key)], Vec::new()).await?;
    t.refused(0, vec![absent(&key)], Vec::new()).await?;
    t.holds(&key, &sample(1)).await.map(drop)
}

async fn a_failed_commit_writes_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [first, long, last] = groups();
    // More metadata than any envelope has room for. A store may refuse it, or take it.
    let mut metadata = Metadata::default();
    let set = metadata.set_foreign("pad", "x".repeat(70_000).into());
    check!(set.is_ok(), "the suite's own member was refused: {set:?}");
    let writes = vec![put(&first, 1), Write::Put(long.clone(), NewRecord::new("2", metadata)), put(&last, 3)];
    let outcome = t.store.commit(vec![absent(&first)], writes.into()).await;
    t.settle().await;
    let expected = match &outcome {
        Ok(Commit::Done) => true,
        Ok(commit) => {
            return Err(Ended::failed(format!("a commit whose conditions hold ended with {commit:?}")));
        }
        Err(_) => false,
    };
    for key in [&first, &long, &last] {
        let stands = t.store.read(key).await?.is_some();
        check!(stands == expected, "the commit ended with {outcome:?}, and `{key}` is there: {stands}");
    }
    Ok(())
}
