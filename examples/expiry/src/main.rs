//! Expiry: `cargo run -p expiry [-- --store URL | FILE]`.
//!
//! You learn how to set a TTL on an entity, on a collection and in a field, which calls keep the
//! remaining time and which renew it, how a session is extended without a write per request, and
//! how a test moves the clock. An expired record is invisible at once; a sweep frees its space in
//! the file.
//!
//! It prints:
//!
//! ```text
//! A TTL on the entity:
//!   a millisecond before the hour is over     there
//!   a millisecond later                       gone
//!
//! `update` keeps the remaining time, `touch` renews it:
//!   updated after 40 minutes, read after 59   there
//!   touched after 59 minutes, read after 118  there
//!   after 119 minutes                         gone
//!
//! Requests extend a session, with at most one write in five minutes:
//!   120 requests in two hours, 24 writes
//!
//! The TTL of a collection replaces the entity's:
//!   after 29 days                             there
//!   after 30 days                             gone
//!
//! An expiry in a field:
//!   after 47 hours: ["FRIEND", "WELCOME"]
//!   after 48 hours: ["FRIEND"]
//!
//! A sweep removes expired records, from a file up to a limit:
//!   2 removed, more: false
//! ```

use std::error::Error;
use std::time::Duration;

use examples_support::{store, usage};
use kv_runtime::layer::{ObservedStore, Operation};
use kv_runtime::store::{AnyStore, Sharing, StoreExt};
use kv_runtime::{Clock, Collection, Kv, KvEntity, ManualClock, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Lives an hour from its last `put` or `touch`.
#[derive(KvEntity, Debug)]
#[kv(prefix = "session", ttl = "1h")]
struct Session {
    #[kv(id)]
    id: u32,
    user: u64,
    clicks: u32,
}

/// Each invite has its own expiry; `None` means that it never expires.
#[derive(KvEntity, Debug)]
#[kv(prefix = "invite")]
struct Invite {
    #[kv(id)]
    code: String,
    #[kv(expires_at)]
    until: Option<Timestamp>,
}

type Stored = ObservedStore<AnyStore>;
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    // Everything uses the store's clock. This one stands still until it is moved; an application
    // leaves it out.
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let directory = tempfile::tempdir()?;
    let file = format!("redb:{}", directory.path().join("expiry.redb").display());
    let url = store::url().unwrap_or(file);
    let store = AnyStore::connect_with_clock(&url, Clock::from(&clock)).await?;
    if store.capabilities().sharing != Sharing::Exclusive {
        directory.close()?;
        usage::refuse("a server's clock cannot be moved: take `memory:` or `redb:expiry.redb`");
    }
    // Counts the calls, to show that not every touch is a write.
    let kv = Kv::new(ObservedStore::new(store));
    let sessions = kv.collection::<Session>();

    println!("A TTL on the entity:");
    sessions.put(&Session { id: 1, user: 7, clicks: 0 }).await?;
    clock.advance(HOUR - Duration::from_millis(1));
    show(&sessions, "a millisecond before the hour is over", true).await?;
    clock.advance(Duration::from_millis(1));
    show(&sessions, "a millisecond later", false).await?;
    assert!(sessions.list().page().await?.entities.is_empty());

    println!("\n`update` keeps the remaining time, `touch` renews it:");
    sessions.put(&Session { id: 1, user: 7, clicks: 0 }).await?;
    clock.advance(40 * MINUTE);
    sessions.update(1, |session| session.clicks += 1).await?;
    clock.advance(19 * MINUTE);
    show(&sessions, "updated after 40 minutes, read after 59", true).await?;
    assert!(sessions.touch(1).await?, "it is there");
    clock.advance(59 * MINUTE);
    show(&sessions, "touched after 59 minutes, read after 118", true).await?;
    clock.advance(MINUTE);
    show(&sessions, "after 119 minutes", false).await?;
    assert!(!sessions.touch(1).await?, "an expired record stays expired");

    println!("\nRequests extend a session, with at most one write in five minutes:");
    let sliding = sessions.with_touch_interval(5 * MINUTE);
    sliding.put(&Session { id: 1, user: 7, clicks: 0 }).await?;
    let commits = || kv.store().stats().of(Operation::Commit).done;
    let before = commits();
    for _ in 0..120 {
        clock.advance(MINUTE);
        assert!(sliding.touch(1).await?);
    }
    let writes = commits() - before;
    println!("  120 requests in two hours, {writes} writes");
    assert_eq!(writes, 24);

    println!("\nThe TTL of a collection replaces the entity's:");
    let remembered = sessions.with_ttl(30 * 24 * HOUR);
    remembered.put(&Session { id: 1, user: 7, clicks: 0 }).await?;
    clock.advance(29 * 24 * HOUR);
    show(&sessions, "after 29 days", true).await?;
    clock.advance(24 * HOUR);
    show(&sessions, "after 30 days", false).await?;

    println!("\nAn expiry in a field:");
    let invites = kv.collection::<Invite>();
    let tomorrow = clock.now().saturating_add(24 * HOUR);
    invites.put(&Invite { code: "WELCOME".to_owned(), until: Some(tomorrow) }).await?;
    invites.put(&Invite { code: "FRIEND".to_owned(), until: None }).await?;
    // The record's expiry follows the field. `invites.touch(..)` does not compile: the field says
    // when.
    invites.update("WELCOME", |invite| invite.until = Some(tomorrow.saturating_add(24 * HOUR))).await?;
    clock.advance(47 * HOUR);
    println!("  after 47 hours: {:?}", codes(&invites).await?);
    assert_eq!(codes(&invites).await?, ["FRIEND", "WELCOME"]);
    clock.advance(HOUR);
    println!("  after 48 hours: {:?}", codes(&invites).await?);
    assert_eq!(codes(&invites).await?, ["FRIEND"]);

    println!("\nA sweep removes expired records, from a file up to a limit:");
    match kv.store().inner() {
        AnyStore::Redb(store) => {
            let report = store.sweep(1_000).await?;
            println!("  {} removed, more: {}", report.removed, report.more);
            assert_eq!((report.removed, report.more), (2, false));
        }
        AnyStore::Memory(store) => println!("  {} removed; writes had removed the others", store.sweep()),
        _ => println!("  a server does it by itself"),
    }
    Ok(())
}

async fn show(sessions: &Collection<Session, Stored>, when: &str, expected: bool) -> Result {
    let found = sessions.get(1).await?;
    println!("  {when:<42}{}", if found.is_some() { "there" } else { "gone" });
    assert_eq!(found.is_some(), expected, "{when}");
    Ok(())
}

async fn codes(invites: &Collection<Invite, Stored>) -> Result<Vec<String>> {
    Ok(invites.list().ids().page().await?.ids)
}
