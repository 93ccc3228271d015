//! Indexes of entities in shards, on a cluster and on one server with hash tags.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use kv_runtime::layer::NamespaceStore;
use kv_runtime::store::{AnyStore, IndexStore, RedisStore};
use kv_runtime::{Error, Kv};
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

use crate::member::Member;
use crate::model::{self, LONGEST_TTL, World, batches};
use crate::moving::Moving;
use crate::redis_server::{RedisCluster, RedisServer};
use crate::shard_model::Run;
use crate::shards::{Outcome, are_refused, must_name_a_shard, works};

/// How long a busy machine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster as it is: nothing is lost on the way.
struct Whole;

impl World for Whole {
    const UNIT: Duration = Duration::from_millis(1);

    async fn pass(&self, units: u32) {
        sleep(Self::UNIT * units).await;
    }

    async fn come_to_rest(&self) {
        sleep(Self::UNIT * (LONGEST_TTL + 3)).await;
    }

    async fn drop_on_its_way(&self, call: impl Future<Output = model::Outcome>) -> model::Outcome {
        timeout(Duration::from_micros(fastrand::u64(..1_500)), call).await.unwrap_or(Ok(()))
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn indexes_of_entities_in_shards_work_with_hash_tags_and_without() -> Outcome {
    let server = RedisServer::start();
    works(RedisStore::connect(&server.url(0)).await?).await?;
    let tagged = |database| format!("{}?hash_tags=true", server.url(database));
    works(RedisStore::connect(&tagged(1)).await?).await?;
    works(RedisStore::connect(&format!("{}&list_index=true", tagged(2))).await?).await?;
    for (database, tenant) in [(3, "acme: 100 %"), (4, "#index"), (5, "")] {
        works(NamespaceStore::new(RedisStore::connect(&tagged(database)).await?, tenant)).await?;
    }
    must_name_a_shard(&Kv::new(RedisStore::connect(&tagged(6)).await?).collection()).await;
    let nested = NamespaceStore::new(RedisStore::connect(&tagged(7)).await?, "eu");
    works(NamespaceStore::new(nested, "acme")).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn indexes_of_entities_in_shards_work_on_a_cluster() -> Outcome {
    let cluster = RedisCluster::start();
    works(RedisStore::connect(&cluster.url()).await?).await?;
    cluster.flush();
    works(RedisStore::connect(&format!("{}?list_index=true", cluster.url())).await?).await?;
    for tenant in ["acme: 100 %", "#index", ""] {
        cluster.flush();
        works(NamespaceStore::new(RedisStore::connect(&cluster.url()).await?, tenant)).await?;
    }
    cluster.flush();
    works(AnyStore::connect(&cluster.url()).await?).await?;
    // What is left are the states of the indexes.
    let keys: String = cluster.primaries().map(|node| node.cli(&["KEYS", "*"])).collect();
    let mut keys: Vec<&str> = keys.split_whitespace().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["{member!!by_city!}", "{member!!email!}"]);
    Ok(())
}

/// The key patterns that kv-runtime/docs/redis.md names for entities in shards.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_user_with_the_documented_keys_can_keep_indexes_of_shards() -> Outcome {
    let page = include_str!("../../kv-runtime/docs/redis.md");
    let line =
        page.lines().find(|line| line.contains("%index:user!*")).ok_or("the page has a line for it")?;
    let patterns =
        line.split(' ').filter(|word| word.starts_with('~')).map(|it| it.replace("user", "member"));
    let patterns: Vec<String> = patterns.collect();
    assert!(patterns.len() > 5, "{patterns:?}");
    let server = RedisServer::start();
    let mut user = vec!["ACL", "SETUSER", "app", "reset", "on", ">s3cret", "+@all"];
    user.extend(patterns.iter().map(String::as_str));
    assert_eq!(server.cli(&user).trim(), "OK");
    for (database, parameters) in [(0, "?hash_tags=true"), (1, "?hash_tags=true&list_index=true")] {
        let url = server.url(database).replace("redis://", "redis://app:s3cret@");
        works(RedisStore::connect(&(url + parameters)).await?).await?;
    }
    Ok(())
}

/// Entities and their indexes from one server with plain keys.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn entities_with_indexes_move_from_one_server_to_a_cluster() -> Outcome {
    const ORGS: u64 = 30;
    let (server, cluster) = (RedisServer::start(), RedisCluster::start());
    let old = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<Member>();
    let new = Kv::new(RedisStore::connect(&cluster.url()).await?).collection::<Member>();
    for members in [&old, &new] {
        assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
    }
    let member =
        |number: u64| Member::new(&format!("o{}", number % ORGS), number, &format!("{number}@x"), None);
    old.put_many((0..3 * ORGS).map(member)).await?;
    let report = new.migrate_keys(&old, Some).run().await?;
    assert_eq!(report.moved, 3 * ORGS, "{report:?}");
    for (members, count) in [(&old, 0), (&new, 3 * ORGS)] {
        let report = members.check_indexes().await?;
        let wrong = (report.added, report.removed, report.violations, report.unreadable);
        assert_eq!((wrong, report.entities), ((0, 0, 0, 0), count), "{report:?}");
        for one in members.census_indexes().await? {
            assert_eq!((one.entries, one.garbage, one.is_ready), (count, 0, true), "{}", one.name);
        }
    }
    assert!(new.by(Member::EMAIL).exists(("o7", "37@x")).await?);
    assert_eq!(new.by(Member::BY_CITY).within("o7").count().await?, 3);
    Ok(())
}

/// How often a server is asked for a record, an entry, or by a script.
fn reads(cluster: &RedisCluster) -> u64 {
    let stats: String = cluster.primaries().map(|node| node.cli(&["INFO", "commandstats"])).collect();
    let calls = stats.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let is_read = ["get", "mget", "zrange", "evalsha"].contains(&name);
        rest.split(',').next()?.parse::<u64>().ok().filter(|_| is_read)
    });
    calls.sum()
}

/// kv-runtime/docs/redis.md says how many round trips these are.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_lookup_asks_for_the_claim_and_then_for_the_entity_and_the_state() -> Outcome {
    let cluster = RedisCluster::start();
    let members = Kv::new(RedisStore::connect(&cluster.url()).await?).collection::<Member>();
    assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
    members.put(&Member::new("acme", 1, "1@x", None)).await?;
    // The first one reads the state before.
    for expected in [4, 3, 3] {
        let before = reads(&cluster);
        assert!(members.by(Member::EMAIL).exists(("acme", "1@x")).await?);
        assert_eq!(reads(&cluster) - before, expected);
    }
    // The state, the entries, and the entity with the state.
    let before = reads(&cluster);
    assert_eq!(members.by(Member::BY_CITY).within("acme").page().await?.entities.len(), 1);
    assert_eq!(reads(&cluster) - before, 4);
    Ok(())
}

/// All that a shard has lies on its slot.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_set_of_entries_has_the_hash_tag_of_its_shard() -> Outcome {
    let server = RedisServer::start();
    let store = RedisStore::options().hash_tags(true).connect(&server.url(0)).await?;
    let members = Kv::new(store.clone()).collection::<Member>();
    members.put(&Member::new("{x}", 7, "ada@x", Some("York"))).await?;
    let tenant = Kv::new(NamespaceStore::new(store, "#index")).collection::<Member>();
    tenant.put(&Member::new("acme", 7, "ada@x", Some("York"))).await?;
    let mut names: Vec<String> = server.cli(&["KEYS", "*%index:*"]).lines().map(str::to_owned).collect();
    names.extend(server.cli(&["KEYS", "*email*"]).lines().map(str::to_owned));
    names.sort();
    let expected = [
        "{%23index:acme}#index:member!email!acme!ada@x!",
        "{%23index:acme}%index:#index:member!by_city!",
        "{:%7Bx%7D}%index:member!by_city!",
        "{:%7Bx%7D}member!email!%7Bx%7D!ada@x!",
    ];
    assert_eq!(names, expected);
    let entries = server.cli(&["ZRANGE", "{:%7Bx%7D}%index:member!by_city!", "0", "-1", "WITHSCORES"]);
    assert_eq!(entries.split_whitespace().collect::<Vec<_>>(), ["{x}!$York!{x}!00000000000000000007!", "0"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_refuses_indexes_across_shards_before_it_is_asked() -> Outcome {
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    are_refused(&kv).await;
    are_refused(&Kv::connect(&cluster.url()).await?).await;
    must_name_a_shard(&kv.collection()).await;
    let keys: Vec<String> = cluster.nodes.iter().map(|node| node.cli(&["DBSIZE"])).collect();
    assert!(keys.iter().all(|keys| keys.trim() == "0"), "{keys:?}");
    let stats: String = cluster.nodes.iter().map(|node| node.cli(&["INFO", "commandstats"])).collect();
    for command in ["mget", "get", "evalsha", "eval", "scan", "zrange"] {
        assert!(!stats.contains(&format!("cmdstat_{command}:")), "{command}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_indexes_of_each_shard_equal_a_scan_of_it_on_a_cluster() -> Outcome {
    let cluster = RedisCluster::start();
    for (seed, parameters) in ["", "?list_index=true"].into_iter().enumerate() {
        println!("seed {seed}");
        cluster.flush();
        let options = RedisStore::options().response_timeout(PATIENCE);
        let store = options.connect(&format!("{}{parameters}", cluster.url())).await?;
        Run::new(store, Whole, seed as u64).run(batches(10)).await?;
    }
    Ok(())
}

const TASKS: u64 = 64;
const EMAIL: &str = "ada@x";

/// How a task tries to get the value.
async fn attempt<S: IndexStore>(kv: &Kv<S>, task: u64, round: u64) -> Result<(), Error> {
    let members = kv.collection::<Member>();
    let member = Member::new("acme", task, EMAIL, None);
    match (task + round) % 5 {
        0 => members.insert(&member).await,
        1 => members.put(&member).await,
        2 => members
            .upsert(("acme", task), || member.clone(), |found| found.email = EMAIL.to_owned())
            .await
            .map(drop),
        3 => match members.put_many([&member]).await {
            Err(Error::Partial { source, .. }) => Err(*source),
            done => done,
        },
        _ => kv.transact(async |tx| tx.put(&member)).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_of_64_writers_gets_the_value_on_a_cluster() -> Outcome {
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    let members = kv.collection::<Member>();
    assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
    let rounds: u64 = std::env::var("KV_INDEX_ROUNDS").map_or(Ok(20), |rounds| rounds.parse())?;
    for round in 0..rounds {
        let start = Arc::new(Barrier::new(usize::try_from(TASKS)?));
        let tasks = (0..TASKS).map(|task| {
            let (kv, start) = (kv.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                (task, attempt(&kv, task, round).await)
            })
        });
        let mut owners = Vec::new();
        for ended in join_all(tasks).await {
            match ended? {
                (task, Ok(())) => owners.push(task),
                (_, Err(Error::NotUnique { index: "email", .. })) => {}
                (_, Err(Error::AlreadyExists { .. })) if round > 0 => {}
                (task, Err(error)) => panic!("task {task} in round {round}: {error:?}"),
            }
        }
        let [owner] = owners.as_slice() else { panic!("{} owners in round {round}", owners.len()) };
        let found = members.by(Member::EMAIL).get(("acme", EMAIL)).await?;
        assert_eq!(found.map(|it| it.id), Some(*owner), "round {round}");
        match round % 3 {
            // As an expiry does, it leaves the claim.
            0 => {
                let key = format!("{{:acme}}member:acme:{owner}:who");
                assert_eq!(cluster.cli(&["DEL".to_owned(), key]).trim(), "1");
            }
            1 => members.delete(("acme", *owner)).await?,
            _ => {
                let free = |it: &mut Member| it.email = format!("{}@gone", it.id);
                members.update(("acme", *owner), free).await.map(drop)?;
            }
        }
    }
    Ok(())
}

/// Slots go from node to node while shards on them are written and read. Calls wait, and no lookup is
/// wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn indexes_stay_exact_while_slots_move() -> Outcome {
    const ORGS: usize = 24;
    let cluster = RedisCluster::start();
    let options = RedisStore::options().response_timeout(PATIENCE);
    let kv = Kv::new(options.connect(&cluster.url()).await?);
    let members = kv.collection::<Member>();
    assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
    let org = |number: usize| format!("org{number}");
    let stays = |number: usize| Member::new(&org(number), 1, "stays@x", Some("York"));
    members.put_many((0..ORGS).map(stays)).await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers = (0..ORGS).map(|number| {
        let (members, org, is_over) = (members.clone(), org(number), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut rounds = 0_u64;
            while !is_over.load(Ordering::Relaxed) || rounds == 0 {
                let city = Some(if rounds.is_multiple_of(2) { "Bath" } else { "York" });
                let member = Member::new(&org, 2, &format!("{}@x", rounds % 3), city);
                members.put(&member).await?;
                let found = members.by(Member::EMAIL).get((&*org, &*member.email)).await?;
                assert_eq!(found.as_ref(), Some(&member));
                let found = members.by(Member::EMAIL).get((&*org, "stays@x")).await?;
                assert_eq!(found.map(|it| it.id), Some(1));
                let page = members.by(Member::BY_CITY).within(&*org).equal(city).page().await?;
                let ids: Vec<u64> = page.entities.iter().map(|it| it.id).collect();
                assert_eq!(ids, if city == Some("York") { vec![1, 2] } else { vec![2] });
                members.delete((&*org, 2)).await?;
                rounds += 1;
            }
            Ok::<_, Error>(rounds)
        })
    });
    let writers: Vec<_> = writers.collect();
    for number in (0..ORGS).chain(0..ORGS) {
        let moving = Moving::of(&cluster, &format!("{{:org{number}}}member:org{number}:1:who"));
        moving.begin();
        sleep(Duration::from_millis(20)).await;
        moving.end();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut rounds = 0;
    for writer in join_all(writers).await {
        rounds += writer??;
    }
    println!("{rounds} rounds while {} slots moved", 2 * ORGS);
    let report = members.check_indexes().await?;
    let wrong = (report.added, report.removed, report.violations, report.unreadable);
    assert_eq!((wrong, report.entities), ((0, 0, 0, 0), ORGS as u64), "{report:?}");
    Ok(())
}
