//! `replace`: a write-back, on the condition that nobody wrote.

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, expiring, group, is_written, sample};
use crate::error::Error;
use crate::record::Revision;
use crate::store::{Commit, StoreExt};

const NO_SWAP: &str = "the store has no compare-and-swap";

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        replace_writes_what_is_unchanged: "replace MUST write value and metadata as a Write::Update would, and keep the expiry",
        replace_is_a_conflict_after_a_write: "replace MUST write nothing to a record that was written since, deleted, or has expired",
        replace_without_swap_is_unsupported: "on a store without compare-and-swap replace is Unsupported",
    );
}

async fn replace_writes_what_is_unchanged<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs(t.store.capabilities().compare_and_swap, NO_SWAP)?;
    let key = group("r:1", "group");
    let first = expiring(1, t.ttl());
    t.put(&key, &first).await?;
    let before = t.standing(&key).await?;
    let commit = t.store.replace(key.clone(), before.revision.clone(), sample(2)).await?;
    check!(commit == Commit::Done, "it was unchanged, and replace ended with {commit:?}");
    let after = t.standing(&key).await?;
    check!(is_written(&after, &sample(2)), "{after:?} is stored after the replace");
    check!(after.expires_at.is_some() == before.expires_at.is_some(), "the expiry is gone");
    check!(after.revision != before.revision, "the revision is the one before");
    Ok(())
}

async fn replace_is_a_conflict_after_a_write<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs(t.store.capabilities().compare_and_swap, NO_SWAP)?;
    let key = group("r:1", "group");
    t.put(&key, &sample(1)).await?;
    let stale = t.standing(&key).await?.revision;
    t.put(&key, &sample(1)).await?;
    let commit = t.store.replace(key.clone(), stale.clone(), sample(2)).await?;
    check!(matches!(commit, Commit::Conflict(_)), "it was written since, and replace ended with {commit:?}");
    t.holds(&key, &sample(1)).await?;
    t.delete(&key).await?;
    let commit = t.store.replace(key.clone(), stale, sample(2)).await?;
    check!(matches!(commit, Commit::Conflict(_)), "it was deleted, and replace ended with {commit:?}");
    t.is_absent(&key).await?;
    t.put(&key, &expiring(1, t.ttl())).await?;
    let stale = t.standing(&key).await?.revision;
    t.pass(t.ttl()).await;
    let commit = t.store.replace(key.clone(), stale, sample(2)).await?;
    check!(matches!(commit, Commit::Conflict(_)), "it has expired, and replace ended with {commit:?}");
    t.is_absent(&key).await
}

async fn replace_without_swap_is_unsupported<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs(!t.store.capabilities().compare_and_swap, "the store has compare-and-swap")?;
    let key = group("r:1", "group");
    t.put(&key, &sample(1)).await?;
    let replaced = t.store.replace(key.clone(), Revision::random(), sample(2)).await;
    check!(matches!(replaced, Err(Error::Unsupported { .. })), "it ended with {replaced:?}");
    t.holds(&key, &sample(1)).await.map(drop)
}
