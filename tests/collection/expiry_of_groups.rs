//! Each group expires by its own rule, whichever call writes it: the group's TTL, the entity's
//! field, or the entity's TTL.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{AtomicStore, Store, StoreExt};
use kv_runtime::{Codec, Kv, KvEntity, ManualClock, Timestamp};

use crate::{Outcome, START, on_every_store};

on_every_store!(
    a_field_governs_the_groups_without_a_ttl,
    a_change_of_one_group_moves_no_others_expiry,
    an_update_takes_the_expiry_of_groups_with_a_ttl_from_nobody,
    a_touch_gives_each_group_its_own_ttl,
    a_ttl_of_the_call_goes_for_all_groups,
    writes_without_a_condition_keep_to_the_same_rules,
);

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// The anchor and `notes` expire by the field, `log` by itself.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two groups may be alike")]
#[kv(prefix = "pass", group = "terms")]
#[kv(group(name = "log", ttl = "30d", optional))]
#[kv(group(name = "notes", optional))]
struct Pass {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Option<Timestamp>,
    #[kv(group = "log")]
    uses: u64,
    #[kv(group = "notes")]
    note: String,
}

/// Two groups with a TTL each, and one that stays.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "lease", group = "head", ttl = "10s")]
#[kv(group(name = "body", ttl = "30s"), group(name = "tail", ttl = "20s", optional))]
struct Lease {
    #[kv(id)]
    id: u64,
    head: u64,
    #[kv(group = "body")]
    body: u64,
    #[kv(group = "tail")]
    tail: u64,
}

fn pass(until: Option<Timestamp>) -> Pass {
    Pass { id: 1, until, uses: 1, note: "a".to_owned() }
}

fn lease() -> Lease {
    Lease { id: 1, head: 1, body: 1, tail: 1 }
}

fn after(duration: Duration) -> Option<Timestamp> {
    Some(START.saturating_add(duration))
}

/// The expiries of the groups of an entity with the id 1.
async fn expiries<S: Store, const N: usize>(
    kv: &Kv<S>,
    prefix: &str,
    groups: [&str; N],
) -> Result<[Option<Timestamp>; N], Box<dyn std::error::Error>> {
    let mut expiries = [None; N];
    for (expiry, group) in expiries.iter_mut().zip(groups) {
        let head = kv.store().head(&Key::from_text(format!("{prefix}:1:{group}"))).await?;
        *expiry = head.ok_or(format!("there is no {group}"))?.expires_at;
    }
    Ok(expiries)
}

async fn of_pass<S: Store>(kv: &Kv<S>) -> Result<[Option<Timestamp>; 3], Box<dyn std::error::Error>> {
    expiries(kv, "pass", ["terms", "log", "notes"]).await
}

async fn of_lease<S: Store>(kv: &Kv<S>) -> Result<[Option<Timestamp>; 3], Box<dyn std::error::Error>> {
    expiries(kv, "lease", ["head", "body", "tail"]).await
}

async fn a_field_governs_the_groups_without_a_ttl<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let passes = kv.collection::<Pass>();
    for until in [after(90 * DAY), after(DAY), None] {
        let expected = [until, after(30 * DAY), until];
        passes.put(&pass(until)).await?;
        assert_eq!(of_pass(&kv).await?, expected);
        passes.delete(1).await?;
        passes.put_many([pass(until)]).await?;
        assert_eq!(of_pass(&kv).await?, expected);
        passes.delete_many([1]).await?;
        passes.insert(&pass(until)).await?;
        assert_eq!(of_pass(&kv).await?, expected);
        passes.delete(1).await?;
        passes.upsert(1, || pass(until), |_| ()).await?;
        assert_eq!(of_pass(&kv).await?, expected);
    }
    Ok(())
}

async fn a_change_of_one_group_moves_no_others_expiry<S: AtomicStore>(
    kv: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    let leases = kv.collection::<Lease>();
    leases.put(&lease()).await?;
    clock.advance(5 * SECOND);
    let expected = [after(10 * SECOND), after(30 * SECOND), after(20 * SECOND)];
    for change in
        [|it: &mut Lease| it.head += 1, |it: &mut Lease| it.body += 1, |it: &mut Lease| it.tail += 1]
    {
        leases.update(1, change).await?;
        assert_eq!(of_lease(&kv).await?, expected);
        leases.upsert(1, lease, change).await?;
        assert_eq!(of_lease(&kv).await?, expected);
    }
    // A group that is written for the first time begins its own time.
    kv.store().delete(Key::from_text("lease:1:tail")).await?;
    leases.update(1, |it| it.tail = 7).await?;
    assert_eq!(of_lease(&kv).await?, [after(10 * SECOND), after(30 * SECOND), after(25 * SECOND)]);
    Ok(())
}

async fn an_update_takes_the_expiry_of_groups_with_a_ttl_from_nobody<S: AtomicStore>(
    kv: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    let passes = kv.collection::<Pass>();
    passes.put(&pass(None)).await?;
    clock.advance(DAY);
    passes.update(1, |it| it.uses += 1).await?;
    assert_eq!(of_pass(&kv).await?, [None, after(30 * DAY), None]);
    // The field moves the groups that go by it, and no other.
    passes.update(1, |it| it.until = after(40 * DAY)).await?;
    assert_eq!(of_pass(&kv).await?, [after(40 * DAY), after(30 * DAY), after(40 * DAY)]);
    passes.update(1, |it| it.until = after(20 * DAY)).await?;
    assert_eq!(of_pass(&kv).await?, [after(20 * DAY), after(30 * DAY), after(20 * DAY)]);
    passes.update(1, |it| (it.until, it.uses) = (None, 9)).await?;
    assert_eq!(of_pass(&kv).await?, [None, after(30 * DAY), None]);
    // A record that another program wrote without an expiry keeps none.
    let foreign = NewRecord::new(r#"{"uses":5}"#, Metadata::new(1, Codec::Json));
    kv.store().put(Key::from_text("pass:1:log"), foreign).await?;
    passes.update(1, |it| it.uses += 1).await?;
    assert_eq!(of_pass(&kv).await?, [None; 3]);
    Ok(())
}

async fn a_touch_gives_each_group_its_own_ttl<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let leases = kv.collection::<Lease>();
    leases.put(&lease()).await?;
    clock.advance(5 * SECOND);
    assert!(leases.touch(1).await?);
    assert_eq!(of_lease(&kv).await?, [after(15 * SECOND), after(35 * SECOND), after(25 * SECOND)]);
    // A group that is absent stays so, and one that has expired, too.
    kv.store().delete(Key::from_text("lease:1:tail")).await?;
    clock.advance(5 * SECOND);
    assert!(leases.touch(1).await?);
    assert_eq!(expiries(&kv, "lease", ["head", "body"]).await?, [after(20 * SECOND), after(40 * SECOND)]);
    assert!(kv.store().head(&Key::from_text("lease:1:tail")).await?.is_none());
    // The anchor alone decides whether the entity is there.
    clock.advance(10 * SECOND);
    assert!(!leases.touch(1).await?);
    assert_eq!(expiries(&kv, "lease", ["body"]).await?, [after(40 * SECOND)]);
    assert_eq!(leases.get(1).await?, None);
    Ok(())
}

async fn a_ttl_of_the_call_goes_for_all_groups<S: AtomicStore>(kv: Kv<S>, clock: ManualClock) -> Outcome {
    let leases = kv.collection::<Lease>().with_ttl(60 * SECOND);
    leases.put(&lease()).await?;
    assert_eq!(of_lease(&kv).await?, [after(60 * SECOND); 3]);
    clock.advance(5 * SECOND);
    leases.update(1, |it| it.head += 1).await?;
    assert_eq!(of_lease(&kv).await?, [after(65 * SECOND); 3]);
    clock.advance(5 * SECOND);
    assert!(leases.touch(1).await?);
    assert_eq!(of_lease(&kv).await?, [after(70 * SECOND); 3]);
    // A set field goes before it where it governs.
    let passes = kv.collection::<Pass>().with_ttl(60 * SECOND);
    passes.put(&pass(after(DAY))).await?;
    assert_eq!(of_pass(&kv).await?, [after(DAY), after(70 * SECOND), after(DAY)]);
    Ok(())
}

async fn writes_without_a_condition_keep_to_the_same_rules<S: AtomicStore>(
    kv: Kv<S>,
    clock: ManualClock,
) -> Outcome {
    let leases = kv.collection::<Lease>();
    leases.upsert_last_write_wins(1, lease, |_| ()).await?;
    let expected = [after(10 * SECOND), after(30 * SECOND), after(20 * SECOND)];
    assert_eq!(of_lease(&kv).await?, expected);
    clock.advance(5 * SECOND);
    leases.update_last_write_wins(1, |it| it.body += 1).await?;
    assert_eq!(of_lease(&kv).await?, expected);
    kv.store().delete(Key::from_text("lease:1:tail")).await?;
    assert!(leases.touch_last_write_wins(1).await?);
    assert_eq!(expiries(&kv, "lease", ["head", "body"]).await?, [after(15 * SECOND), after(35 * SECOND)]);
    assert!(kv.store().head(&Key::from_text("lease:1:tail")).await?.is_none());
    let passes = kv.collection::<Pass>();
    passes.upsert_last_write_wins(1, || pass(after(DAY)), |_| ()).await?;
    passes.update_last_write_wins(1, |it| it.uses += 1).await?;
    assert_eq!(of_pass(&kv).await?, [after(DAY), after(30 * DAY + 5 * SECOND), after(DAY)]);
    passes.update_last_write_wins(1, |it| it.until = None).await?;
    assert_eq!(of_pass(&kv).await?, [None, after(30 * DAY + 5 * SECOND), None]);
    Ok(())
}
