//! Leases: they distinguish a key that was written and deleted meanwhile from one that stayed
//! absent.

use std::time::Duration;

use super::commits::{absent, present, put};
use super::harness::AtomicHarness;
use super::suite::{Checked, Ended, Suite, Test, expiring, group, sample};
use crate::key::Key;
use crate::record::Expiry;
use crate::store::{Condition, Lease, ListQuery, Store, StoreExt, Write};

pub(super) async fn run<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_lease_holds_while_nobody_writes: "a lease holds if the key was not written since it was taken",
        a_write_voids_a_lease: "a commit MUST fail at a condition whose key was written since its lease was taken",
        a_batch_voids_a_lease: "a batch voids the leases of its keys",
        a_commit_voids_a_lease: "a commit voids the leases of the keys that it writes",
        what_expired_has_voided_a_lease: "a record that was written and has expired since voids a lease",
        other_keys_void_no_lease: "writes of other keys leave a lease as it is",
        a_lost_lease_is_reported_by_its_position: "Conflict tells the place of a condition whose lease is void, and nothing is written",
        a_lease_of_a_standing_record_does_not_make_it_absent: "Absent does not hold of a record that is there, whatever its lease",
        leases_are_shown_by_nothing: "nothing that a store keeps for a lease may be shown by reads or lists",
        a_batch_of_leases_is_in_order: "lease returns one lease for each key, in the same order",
    );
}

impl<H: AtomicHarness> Test<'_, H> {
    /// Leases that last longer than the test.
    async fn leases(&self, keys: &[Key]) -> Checked<Vec<Lease>> {
        self.needs_commits()?;
        let leases = self.store.lease(keys, 3 * self.ttl() + Duration::from_secs(10)).await?;
        self.needs(!leases.is_empty() || keys.is_empty(), "the store has no leases")?;
        check!(leases.len() == keys.len(), "{} keys have {} leases", keys.len(), leases.len());
        Ok(leases)
    }

    async fn lease(&self, key: &Key) -> Checked<Condition> {
        let Some(lease) = self.leases(std::slice::from_ref(key)).await?.pop() else {
            return Err(Ended::failed("there is no lease".to_owned()));
        };
        Ok(Condition { lease: Some(lease), ..absent(key) })
    }

    /// Checks that a key is absent, and that its lease is void.
    async fn is_void(&self, leased: Condition) -> Checked {
        let key = leased.key.clone();
        self.is_absent(&key).await?;
        self.refused(0, vec![leased], vec![put(&key, 9)]).await?;
        self.is_absent(&key).await
    }
}

async fn a_lease_holds_while_nobody_writes<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let key = group("l:1", "group");
    let leased = t.lease(&key).await?;
    t.done(vec![leased], vec![put(&key, 1)]).await?;
    t.holds(&key, &sample(1)).await.map(drop)
}

async fn a_write_voids_a_lease<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let key = group("l:1", "group");
    let leased = t.lease(&key).await?;
    t.put(&key, &sample(1)).await?;
    t.delete(&key).await?;
    t.is_void(leased).await?;
    // One that was taken after the last write holds.
    let leased = t.lease(&key).await?;
    t.done(vec![leased], vec![put(&key, 2)]).await
}

async fn a_batch_voids_a_lease<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let keys = ["one", "two"].map(|name| group("l:1", name));
    let [one, two] = &keys;
    let (first, second) = (t.lease(one).await?, t.lease(two).await?);
    t.put_all(&[(one.clone(), sample(1)), (two.clone(), sample(2))]).await?;
    t.store.delete_many(keys.to_vec()).await?;
    t.settle().await;
    t.is_void(first).await?;
    t.is_void(second).await
}

async fn a_commit_voids_a_lease<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let key = group("l:1", "group");
    let leased = t.lease(&key).await?;
    t.done(vec![absent(&key)], vec![put(&key, 1)]).await?;
    t.done(vec![present(&key)], vec![Write::Update(key.clone(), sample(2))]).await?;
    t.done(vec![present(&key)], vec![Write::Delete(key.clone())]).await?;
    t.is_void(leased).await?;
    // A touch may end a record as well.
    let leased = t.lease(&key).await?;
    t.put(&key, &sample(3)).await?;
    t.done(Vec::new(), vec![Write::Touch(key.clone(), Expiry::After(t.ttl()))]).await?;
    t.pass(t.ttl()).await;
    t.is_void(leased).await
}

async fn what_expired_has_voided_a_lease<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let keys = ["put", "many", "commit", "update", "at", "over"].map(|name| group("l:1", name));
    let [single, many, commit, update, at, over] = &keys;
    let mut leased = Vec::new();
    for key in &keys {
        leased.push(t.lease(key).await?);
    }
    t.put(single, &expiring(1, t.ttl())).await?;
    t.put_all(&[(many.clone(), expiring(2, t.ttl()))]).await?;
    let writes = [Write::Put(commit.clone(), expiring(3, t.ttl()))];
    t.done(Vec::new(), writes.to_vec()).await?;
    t.done(Vec::new(), vec![Write::Update(update.clone(), expiring(4, t.ttl()))]).await?;
    let moment = Expiry::At(t.now().saturating_add(t.ttl()));
    t.put(at, &sample(5).with_expiry(moment)).await?;
    t.put(over, &expiring(6, Duration::ZERO)).await?;
    t.pass(t.ttl()).await;
    for leased in leased {
        t.is_void(leased).await?;
    }
    Ok(())
}

async fn other_keys_void_no_lease<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let (key, other) = (group("l:1", "group"), group("l:1", "group2"));
    let leased = t.lease(&key).await?;
    t.put(&other, &sample(1)).await?;
    t.delete(&other).await?;
    t.delete(&group("l:12", "group")).await?;
    t.done(vec![leased], vec![put(&key, 2)]).await
}

async fn a_lost_lease_is_reported_by_its_position<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let [first, second, third] = ["one", "two", "three"].map(|name| group("l:1", name));
    let (holds, void) = (t.lease(&first).await?, t.lease(&second).await?);
    t.put(&second, &sample(1)).await?;
    t.delete(&second).await?;
    let writes = vec![put(&first, 2), put(&second, 2), put(&third, 2)];
    t.refused(1, vec![holds.clone(), void.clone(), absent(&third)], writes.clone()).await?;
    // Of several conditions that fail, the least is named, whether its lease is void or not.
    t.refused(1, vec![holds.clone(), void.clone(), present(&third)], writes.clone()).await?;
    t.refused(1, vec![holds.clone(), present(&third), void], writes.clone()).await?;
    t.is_absent(&first).await?;
    t.is_absent(&second).await?;
    // Nothing has become of the other lease.
    t.done(vec![holds, absent(&third)], writes).await
}

async fn a_lease_of_a_standing_record_does_not_make_it_absent<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let key = group("l:1", "group");
    t.put(&key, &sample(1)).await?;
    let leased = t.lease(&key).await?;
    t.refused(0, vec![leased], vec![put(&key, 2)]).await?;
    t.holds(&key, &sample(1)).await.map(drop)
}

async fn leases_are_shown_by_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    let (key, bare) = (group("l:1", "group"), Key::from_text("l:1"));
    let (leased, of_bare) = (t.lease(&key).await?, t.lease(&bare).await?);
    for prefix in ["", "l", "l:", "l:1", "l:1:group"] {
        let listed = t.list_keys(&ListQuery::new(Key::from_text(prefix))).await?;
        check!(listed.is_empty(), "a list of `{prefix}` shows {listed:?}");
    }
    t.is_absent(&key).await?;
    t.is_absent(&bare).await?;
    t.done(vec![leased], vec![put(&key, 1)]).await?;
    let listed = t.list_keys(&ListQuery::new(Key::from_text("l:"))).await?;
    check!(listed == [key.as_str()], "a list of one record shows {listed:?}");
    t.done(vec![of_bare], vec![put(&bare, 1)]).await
}

async fn a_batch_of_leases_is_in_order<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    check!(t.leases(&[]).await?.is_empty(), "no key has a lease");
    let keys: Vec<Key> = (0..5).map(|number| group("l:1", &format!("group{number}"))).collect();
    let leases = t.leases(&keys).await?;
    t.put(&keys[3], &sample(1)).await?;
    t.delete(&keys[3]).await?;
    for (position, (key, lease)) in keys.iter().zip(leases).enumerate() {
        let leased = Condition { lease: Some(lease), ..absent(key) };
        if position == 3 {
            t.is_void(leased).await?;
        } else {
            t.done(vec![leased], vec![put(key, 2)]).await?;
        }
    }
    Ok(())
}
