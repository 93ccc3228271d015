//! The census of indexes counts what lookups pass over.

use std::time::Duration;

use kv_runtime::index::IndexCensus;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, Store, StoreExt, Write};
use kv_runtime::{Codec, Error, Kv, ManualClock, Timestamp};

use crate::user::User;

type Outcome = Result<(), Error>;

fn of<'c>(census: &'c [IndexCensus], index: &str) -> &'c IndexCensus {
    census.iter().find(|it| it.name == index).expect("the entity has this index")
}

#[tokio::test]
async fn a_census_counts_entries_garbage_and_bytes() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let users = Kv::new(MemoryStore::with_clock((&clock).into())).collection::<User>();
    let empty = users.census_indexes().await?;
    assert!(empty.iter().all(|it| (it.entries, it.garbage, it.bytes) == (0, 0, 0)), "{empty:?}");
    users.put_many((0..1_200).map(|id| User::of(id, "GB", Some("York")))).await?;
    users.with_ttl(Duration::from_secs(5)).put(&User::of(7, "GB", None)).await?;
    let census = users.census_indexes().await?;
    assert_eq!((of(&census, "email").entries, of(&census, "email").garbage), (1_200, 0));
    assert_eq!(of(&census, "nickname").entries, 0);
    assert!(of(&census, "by_city").is_ready);
    let entry = "user!by_city!GB!$York!00000000000000000008!".len() as u64;
    assert_eq!(of(&census, "by_city").bytes, 1_200 * entry - "$York".len() as u64);
    clock.advance(Duration::from_secs(6));
    let census = users.census_indexes().await?;
    for index in ["email", "by_city", "signed_up"] {
        assert_eq!((of(&census, index).entries, of(&census, index).garbage), (1_200, 1), "{index}");
    }
    let line = of(&census, "email").to_string();
    assert!(line.starts_with("email            ready"), "{line}");
    assert_eq!(users.sweep_indexes().await?.removed, 3);
    let census = users.census_indexes().await?;
    assert_eq!((of(&census, "email").entries, of(&census, "email").garbage), (1_199, 0));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_read_is_no_garbage() -> Outcome {
    let users = Kv::new(MemoryStore::new()).collection::<User>();
    users.put(&User::new(1, "ada@example.com")).await?;
    let broken = NewRecord::new("{", Metadata::new(1, Codec::Json));
    users.store().put(Key::from_text("user:1"), broken).await?;
    let unnamed = NewRecord::new("7", Metadata::new(1, Codec::Json));
    users.store().put(Key::from_text("user!email!of newer code!"), unnamed).await?;
    let entry = Write::AddEntry(Key::from_text("user!signed_up!x!"));
    let _ = users.store().commit(Vec::new(), entry.into()).await?;
    let census = users.census_indexes().await?;
    assert_eq!((of(&census, "email").entries, of(&census, "email").garbage), (2, 0));
    assert_eq!((of(&census, "signed_up").entries, of(&census, "signed_up").garbage), (2, 0));
    assert_eq!(users.sweep_indexes().await?.removed, 0);
    Ok(())
}
