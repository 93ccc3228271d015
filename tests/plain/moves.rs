//! `migrate_keys` on Redis: to hash tags, on a cluster, and of records that other programs wrote.

use std::time::Duration;

use kv_runtime::store::RedisStore;
use kv_runtime::{Kv, KvEntity};

use super::Outcome;
use super::redis_server::{RedisCluster, RedisServer};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "session", plain)]
struct Session {
    #[kv(id)]
    id: String,
    user: u64,
}

/// The sessions of connect-redis.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "sess:", plain)]
struct Theirs {
    #[kv(id, raw)]
    id: String,
    user: u64,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn sessions_of_another_program_move_to_keys_with_hash_tags() -> Outcome {
    let server = RedisServer::start();
    for id in ["a", "b:c", "d", "e"] {
        server.cli(&["SET", &format!("sess:{id}"), r#"{"user":7,"theirs":1}"#, "EX", "100"]);
    }
    let plain = Kv::new(RedisStore::connect(&server.url(0)).await?);
    let tagged = Kv::new(RedisStore::options().hash_tags(true).connect(&server.url(0)).await?);
    // As a run leaves it that was killed between copy and removal.
    server.cli(&["SET", "{session:d}", r#"{"user":7,"theirs":1}"#]);
    // Another entity is there.
    server.cli(&["SET", "{session:e}", r#"{"user":8}"#]);
    let (old, new) = (plain.collection::<Theirs>(), tagged.collection::<Session>());
    let dry = new.migrate_keys(&old, Some).dry_run().run().await?;
    assert_eq!((dry.moved, dry.occupied), (3, 1), "{dry}");
    let report = new.migrate_keys(&old, Some).run().await?;
    assert_eq!((report.moved, report.occupied, report.failed), (3, 1, 0), "{report}");
    assert_eq!(server.cli(&["GET", "{session:b%3Ac}"]).trim(), r#"{"user":7,"theirs":1}"#);
    let left: i64 = server.cli(&["TTL", "{session:a}"]).trim().parse()?;
    assert!((90..=100).contains(&left), "{left}");
    assert_eq!(new.get("a").await?.map(|it| it.user), Some(7));
    assert_eq!(server.cli(&["KEYS", "sess:*"]).trim(), "sess:e");
    // What proved that both handles lead to different records is gone.
    assert_eq!(server.cli(&["DBSIZE"]).trim(), "5");
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "old")]
struct Old {
    #[kv(id)]
    id: u64,
    count: u64,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "new", ttl = "1h")]
struct New {
    #[kv(id)]
    tenant: String,
    #[kv(id)]
    id: u64,
    count: u64,
}

/// A cluster commits one entity at a time, so copy and removal are two commits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn on_a_cluster_nothing_is_lost_while_a_program_counts() -> Outcome {
    const ALL: u64 = 200;
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    let (old, new) = (kv.collection::<Old>(), kv.collection::<New>());
    old.put_many((0..ALL).map(|id| Old { id, count: 0 })).await?;
    let counting = tokio::spawn({
        let old = old.clone();
        async move {
            let (mut counted, mut misses) = (vec![0; ALL as usize], 0);
            while misses < 20 {
                let id = fastrand::u64(..ALL);
                match old.update(id, |it| it.count += 1).await {
                    Ok(_) => counted[id as usize] += 1,
                    Err(kv_runtime::Error::NotFound { .. }) => misses += 1,
                    Err(error) => return Err(error),
                }
            }
            Ok(counted)
        }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let report = new.migrate_keys(&old, |id| Some((format!("t{}", id % 3), id))).run().await?;
    assert_eq!(report.occupied + report.failed, 0, "{report}");
    let counted = counting.await??;
    let rest = new.migrate_keys(&old, |id| Some((format!("t{}", id % 3), id))).run().await?;
    assert_eq!(report.moved + rest.moved, ALL, "{report}{rest}");
    for id in 0..ALL {
        let moved = new.get((format!("t{}", id % 3).as_str(), id)).await?.ok_or("it was moved")?;
        assert_eq!(moved.count, counted[id as usize]);
        assert!(old.get(id).await?.is_none());
    }
    Ok(())
}
