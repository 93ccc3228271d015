//! Expiry and commits: what conditions see, what an update keeps, what a touch sets.

use std::time::Duration;

use super::commits::{absent, present, put, unchanged};
use super::harness::AtomicHarness;
use super::suite::{Checked, Suite, Test, expiring, group, sample};
use crate::key::Key;
use crate::record::Expiry;
use crate::store::Write;
use crate::timestamp::Timestamp;

pub(super) async fn run<H: AtomicHarness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        expired_counts_as_absent: "an expired record MUST count as absent in a condition",
        an_update_keeps_the_expiry: "the stored record keeps its expiry, and the new record's is not used",
        an_update_of_an_expired_record_is_a_put: "an expired record MUST be invisible to an Update",
        a_touch_sets_the_expiry: "Touch sets the expiry: later, sooner, or none",
        a_touch_of_at_least_never_shortens: "AtLeast MUST NOT shorten the expiry",
        a_touch_into_the_past_deletes: "an expiry that has passed makes a write into a delete, a Touch too",
        a_touch_revives_nothing: "an expired record MUST be invisible to a Touch",
        writes_of_one_commit_build_on_each_other: "a Touch and an Update see what the same commit wrote before",
    );
}

async fn expired_counts_as_absent<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("d:1", "group");
    t.put(&key, &expiring(1, t.ttl())).await?;
    let revision = t.revision(&key).await?;
    t.refused(0, vec![absent(&key)], Vec::new()).await?;
    t.pass(t.ttl()).await;
    t.refused(0, vec![present(&key)], vec![put(&key, 2)]).await?;
    t.refused(0, vec![unchanged(&key, &revision)], vec![put(&key, 2)]).await?;
    t.done(vec![absent(&key)], vec![put(&key, 3)]).await?;
    let record = t.holds(&key, &sample(3)).await?;
    check!(record.expires_at.is_none(), "the new record has the old one's expiry, {:?}", record.expires_at);
    Ok(())
}

async fn an_update_keeps_the_expiry<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [soon, late, never] = ["soon", "late", "never"].map(|name| group("d:1", name));
    t.put(&soon, &expiring(1, t.ttl())).await?;
    t.put(&late, &expiring(2, 3 * t.ttl())).await?;
    t.put(&never, &sample(3)).await?;
    let before = t.standing(&soon).await?.expires_at;
    t.done(
        vec![present(&soon)],
        vec![
            Write::Update(soon.clone(), sample(11)),
            Write::Update(late.clone(), expiring(12, t.ttl())),
            Write::Update(never.clone(), sample(13).with_expiry(Expiry::At(Timestamp::from_millis(1)))),
        ],
    )
    .await?;
    let after = t.holds(&soon, &sample(11)).await?.expires_at;
    if let Some(before) = before {
        t.expires(after, before, before)?;
    }
    t.holds(&never, &sample(13)).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&soon).await?;
    t.holds(&late, &sample(12)).await?;
    t.holds(&never, &sample(13)).await?;
    t.pass(2 * t.ttl()).await;
    t.is_absent(&late).await?;
    t.holds(&never, &sample(13)).await.map(drop)
}

async fn an_update_of_an_expired_record_is_a_put<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [lasting, again] = ["lasting", "again"].map(|name| group("d:1", name));
    t.put(&lasting, &expiring(1, t.ttl())).await?;
    t.put(&again, &expiring(2, t.ttl())).await?;
    t.pass(t.ttl()).await;
    let writes =
        vec![Write::Update(lasting.clone(), sample(3)), Write::Update(again.clone(), expiring(4, t.ttl()))];
    t.done(Vec::new(), writes).await?;
    t.holds(&lasting, &sample(3)).await?;
    t.holds(&again, &sample(4)).await?;
    t.pass(t.ttl()).await;
    t.holds(&lasting, &sample(3)).await?;
    t.is_absent(&again).await
}

async fn a_touch_sets_the_expiry<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [later, sooner, none, first] = ["later", "sooner", "none", "first"].map(|name| group("d:1", name));
    t.put(&later, &expiring(1, t.ttl())).await?;
    t.put(&sooner, &expiring(2, 4 * t.ttl())).await?;
    t.put(&none, &expiring(3, t.ttl())).await?;
    t.put(&first, &sample(4)).await?;
    let earliest = t.now();
    t.done(
        Vec::new(),
        vec![
            Write::Touch(later.clone(), Expiry::After(2 * t.ttl())),
            Write::Touch(sooner.clone(), Expiry::After(t.ttl())),
            Write::Touch(none.clone(), Expiry::Never),
            Write::Touch(first.clone(), Expiry::At(earliest.saturating_add(t.ttl()))),
        ],
    )
    .await?;
    let latest = t.now();
    let record = t.holds(&later, &sample(1)).await?;
    t.expires(record.expires_at, earliest.saturating_add(2 * t.ttl()), latest.saturating_add(2 * t.ttl()))?;
    let record = t.holds(&none, &sample(3)).await?;
    check!(record.expires_at.is_none(), "a touch took the expiry away, and it is {:?}", record.expires_at);
    t.pass(t.ttl()).await;
    t.holds(&later, &sample(1)).await?;
    t.is_absent(&sooner).await?;
    t.is_absent(&first).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&later).await?;
    t.holds(&none, &sample(3)).await.map(drop)
}

async fn a_touch_of_at_least_never_shortens<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [longer, shorter, never] = ["longer", "shorter", "never"].map(|name| group("d:1", name));
    t.put(&longer, &expiring(1, 3 * t.ttl())).await?;
    t.put(&shorter, &expiring(2, t.ttl())).await?;
    t.put(&never, &sample(3)).await?;
    let at_least = Expiry::AtLeast(2 * t.ttl());
    let touch = |key: &Key| Write::Touch(key.clone(), at_least);
    t.done(Vec::new(), vec![touch(&longer), touch(&shorter), touch(&never)]).await?;
    let record = t.holds(&never, &sample(3)).await?;
    check!(record.expires_at.is_none(), "a record that did not expire now does, {:?}", record.expires_at);
    t.pass(t.ttl()).await;
    t.holds(&longer, &sample(1)).await?;
    t.holds(&shorter, &sample(2)).await?;
    t.pass(t.ttl()).await;
    t.holds(&longer, &sample(1)).await?;
    t.is_absent(&shorter).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&longer).await?;
    t.holds(&never, &sample(3)).await.map(drop)
}

async fn a_touch_into_the_past_deletes<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("d:1", "group");
    let mut past = vec![Expiry::At(Timestamp::from_millis(0)), Expiry::At(t.now())];
    if t.can.limits.least_ttl.is_none() {
        past.push(Expiry::After(Duration::ZERO));
    }
    for expiry in past {
        for before in [sample(1), expiring(2, t.ttl())] {
            t.put(&key, &before).await?;
            t.done(Vec::new(), vec![Write::Touch(key.clone(), expiry)]).await?;
            t.is_absent(&key).await?;
            t.done(vec![absent(&key)], Vec::new()).await?;
        }
        t.done(Vec::new(), vec![Write::Put(key.clone(), sample(3).with_expiry(expiry))]).await?;
        t.is_absent(&key).await?;
    }
    Ok(())
}

async fn a_touch_revives_nothing<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let key = group("d:1", "group");
    t.put(&key, &expiring(1, t.ttl())).await?;
    t.pass(t.ttl()).await;
    for expiry in [Expiry::Never, Expiry::After(t.ttl())] {
        t.done(Vec::new(), vec![Write::Touch(key.clone(), expiry)]).await?;
        t.is_absent(&key).await?;
    }
    Ok(())
}

async fn writes_of_one_commit_build_on_each_other<H: AtomicHarness>(t: Test<'_, H>) -> Checked {
    t.needs_commits()?;
    let [touched, updated, replaced] = ["touched", "updated", "replaced"].map(|name| group("d:1", name));
    t.put(&replaced, &expiring(9, 4 * t.ttl())).await?;
    t.done(
        Vec::new(),
        vec![
            put(&touched, 1),
            Write::Touch(touched.clone(), Expiry::After(t.ttl())),
            Write::Put(updated.clone(), expiring(2, t.ttl())),
            Write::Update(updated.clone(), sample(3)),
            put(&replaced, 4),
            Write::Update(replaced.clone(), expiring(5, t.ttl())),
        ],
    )
    .await?;
    t.holds(&touched, &sample(1)).await?;
    t.holds(&updated, &sample(3)).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&touched).await?;
    t.is_absent(&updated).await?;
    t.holds(&replaced, &sample(5)).await.map(drop)
}
