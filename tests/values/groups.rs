//! A group is written only if the change concerns it.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Timestamp};

use crate::{Outcome, lay, memory, stored, text};

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings", optional))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    #[serde(default)]
    dark: bool,
}

#[tokio::test]
async fn a_group_that_nobody_changed_is_not_written() -> Outcome {
    let kv = memory();
    let (profile, settings) = (r#"{"name":"Ada","born":1815}"#, r#"{"dark":false,"x":1}"#);
    lay(&kv, "user:7:profile", profile).await?;
    lay(&kv, "user:7:settings", settings).await?;
    let before = stored(&kv, "user:7:profile").await?.revision;
    let users = kv.collection::<User>();
    users.update(7, |user| user.dark = true).await?;
    users.update(7, |_| ()).await?;
    users.update_last_write_wins(7, |user| user.dark = false).await?;
    assert_eq!(stored(&kv, "user:7:profile").await?.revision, before);
    assert_eq!(text(&kv, "user:7:settings").await?, settings);
    assert_eq!(text(&kv, "user:7:profile").await?, profile);
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "invite", group = "a")]
#[kv(group(name = "b"))]
struct Invite {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Option<Timestamp>,
    one: u64,
    #[kv(group = "b")]
    two: u64,
}

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A store whose records expire otherwise than the field says, as where clocks differ.
async fn skewed() -> Outcome<(Kv<MemoryStore>, Timestamp)> {
    let clock = ManualClock::new(START);
    let kv = Kv::new(MemoryStore::with_clock(Clock::from(&clock)));
    let until = START.saturating_add(Duration::from_secs(3_600));
    let a = format!(r#"{{"until":{},"one":1,"x":1}}"#, serde_json::to_string(&until)?);
    for (group, value) in [("a", a.as_str()), ("b", r#"{"two":2,"x":2}"#)] {
        let record = NewRecord::new(value.to_owned(), Metadata::default());
        let expiry = Expiry::At(until.saturating_add(Duration::from_millis(5)));
        kv.store().put(Key::from_text(format!("invite:1:{group}")), record.with_expiry(expiry)).await?;
    }
    Ok((kv, until))
}

#[tokio::test]
async fn an_expiry_is_written_where_its_field_was_changed() -> Outcome {
    let (kv, until) = skewed().await?;
    let invites = kv.collection::<Invite>();
    let revisions = async || -> Outcome<_> {
        Ok([stored(&kv, "invite:1:a").await?.revision, stored(&kv, "invite:1:b").await?.revision])
    };
    let expiries = async || -> Outcome<_> {
        Ok([stored(&kv, "invite:1:a").await?.expires_at, stored(&kv, "invite:1:b").await?.expires_at])
    };
    let before = (revisions().await?, expiries().await?);
    invites.update(1, |_| ()).await?;
    invites.update_last_write_wins(1, |_| ()).await?;
    assert_eq!((revisions().await?, expiries().await?), before);
    // Another group's change moves no expiry.
    invites.update(1, |invite| invite.two = 3).await?;
    assert_eq!(expiries().await?, before.1);
    let later = until.saturating_add(Duration::from_secs(60));
    invites.update(1, |invite| invite.until = Some(later)).await?;
    assert_eq!(expiries().await?, [Some(later), Some(later)]);
    assert_eq!(text(&kv, "invite:1:b").await?, r#"{"two":3,"x":2}"#);
    let latest = later.saturating_add(Duration::from_secs(60));
    invites.update_last_write_wins(1, |invite| invite.until = Some(latest)).await?;
    assert_eq!(expiries().await?, [Some(latest), Some(latest)]);
    invites.update(1, |invite| invite.until = None).await?;
    assert_eq!(expiries().await?, [None, None]);
    assert!(text(&kv, "invite:1:a").await?.ends_with(r#","one":1,"x":1}"#));
    Ok(())
}
