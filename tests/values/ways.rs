//! Every way of reading leaves what another program wrote, and every way of changing keeps the
//! members that no struct names.

use futures_util::StreamExt;
use kv_runtime::cache::Cache;
use kv_runtime::{Kv, KvEntity};

use crate::foreign::{Seen, Shared, THEIRS};
use crate::{Outcome, lay, lay_version, memory, stored, text};

#[tokio::test]
async fn no_way_of_reading_writes() -> Outcome {
    let kv = Kv::new(Shared::new());
    lay(&kv, "s:4", THEIRS).await?;
    let before = stored(&kv, "s:4").await?.revision;
    let seen = kv.collection::<Seen>();
    let fallback = || Seen { id: 4, name: String::new(), visits: 9 };
    assert_eq!(seen.get_or(4, fallback()).await.visits, 0);
    assert!(seen.exists(4).await?);
    assert_eq!(seen.list().stream().count().await, 1);
    assert_eq!(seen.list().ids().page().await?.ids, [4]);
    let cached = seen.clone().cached(Cache::new());
    assert!(cached.get(4).await?.is_some());
    assert!(cached.refresh(4).await?.is_some());
    assert_eq!(cached.get_or(4, fallback()).await.visits, 0);
    let cached = kv.collection::<Seen>().cached(Cache::new());
    assert!(cached.get_many([4]).await?[0].is_some());
    let cached = kv.collection::<Seen>().cached(Cache::new());
    cached
        .get_or_load(4, || async { Ok::<_, std::io::Error>(Seen { id: 4, name: String::new(), visits: 9 }) })
        .await?;
    kv.transact(async |tx| {
        assert!(tx.get::<Seen>(4).await?.is_some());
        assert!(tx.get_many::<Seen>([4]).await?[0].is_some());
        Ok(())
    })
    .await?;
    // A change that changes nothing is a read.
    seen.update(4, |_| ()).await?;
    seen.upsert(4, fallback, |_| ()).await?;
    assert_eq!(stored(&kv, "s:4").await?.revision, before);
    assert_eq!(text(&kv, "s:4").await?, THEIRS);
    Ok(())
}

#[derive(KvEntity, Debug, Clone)]
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
async fn every_way_of_changing_keeps_them() -> Outcome {
    let kv = memory();
    let users = kv.collection::<User>();
    for way in 0..8 {
        lay_version(&kv, "user:7:profile", 1, r#"{"name":"Ada","x":[1.10],"y":1e400}"#).await?;
        lay(&kv, "user:7:settings", r#"{"z":1.10,"dark":false}"#).await?;
        let bob = |user: &mut User| "Bob".clone_into(&mut user.name);
        match way {
            0 => drop(users.clone().cached(Cache::new()).update(7, bob).await?),
            1 => {
                let none = || -> User { unreachable!("it is there") };
                users.clone().cached(Cache::new()).upsert(7, none, bob).await?;
            }
            2 => {
                let profiles = kv.collection::<UserProfile>();
                profiles.update(7, |profile| "Bob".clone_into(&mut profile.name)).await?;
            }
            3 => {
                kv.transact(async |tx| {
                    let mut user = tx.get::<User>(7).await?.expect("is there");
                    bob(&mut user);
                    tx.save(&user)
                })
                .await?;
            }
            4 => {
                kv.transact(async |tx| tx.update::<User>(7, bob).await).await?;
            }
            5 => {
                // The second attempt merges with what the first one met.
                let mut is_first = true;
                let update = users.update(7, |user| {
                    bob(user);
                    if std::mem::take(&mut is_first) {
                        let put =
                            lay_version(&kv, "user:7:profile", 1, r#"{"y":1e400,"name":"Eve","x":[1.10]}"#);
                        futures_executor::block_on(put).expect("it is in memory");
                    }
                });
                update.await?;
                assert_eq!(text(&kv, "user:7:profile").await?, r#"{"y":1e400,"name":"Bob","x":[1.10]}"#);
                continue;
            }
            6 => {
                kv.transact(async |tx| {
                    let mut profile = tx.get::<UserProfile>(7).await?.expect("is there");
                    "Bob".clone_into(&mut profile.name);
                    tx.save(&profile)
                })
                .await?;
            }
            _ => {
                let users = users.with_ttl(std::time::Duration::from_secs(60));
                users.update(7, bob).await?;
            }
        }
        let expected = r#"{"name":"Bob","x":[1.10],"y":1e400}"#;
        assert_eq!(text(&kv, "user:7:profile").await?, expected, "way {way}");
        assert_eq!(text(&kv, "user:7:settings").await?, r#"{"z":1.10,"dark":false}"#, "way {way}");
    }
    Ok(())
}
