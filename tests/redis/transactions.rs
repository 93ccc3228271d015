//! Transactions on a server that is killed, whose answers are lost, and on a cluster.

use std::collections::HashSet;
use std::time::Duration;

use kv_runtime::store::RedisStore;
use kv_runtime::{Error, Kv, KvEntity, TransactionOptions};

use super::Test;
use super::proxy::{Fault, Proxy};
use super::redis_server::{RedisCluster, RedisServer};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "entry")]
struct Entry {
    #[kv(id)]
    task: u64,
    #[kv(id)]
    number: u64,
    cents: i64,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

const TASKS: u64 = 64;
const ACCOUNTS: u64 = 32;
const OPENED_WITH: i64 = 1_000;

/// Returns how many transfers each task makes: 10, or as `KV_BANK_TRANSFERS=1000` says.
fn transfers() -> u64 {
    std::env::var("KV_BANK_TRANSFERS").ok().and_then(|number| number.parse().ok()).unwrap_or(10)
}

async fn transfer(kv: &Kv<RedisStore>, from: u64, to: u64, entry: &Entry) -> Result<(), Error> {
    kv.transact(async |tx| {
        let mut found = tx.get_many::<Account>([from, to]).await?.into_iter().flatten();
        let (Some(mut payer), Some(mut payee)) = (found.next(), found.next()) else {
            panic!("no account is closed")
        };
        payer.cents -= entry.cents;
        payee.cents += entry.cents;
        tx.save(&payer)?;
        tx.save(&payee)?;
        tx.insert(entry)
    })
    .await
}

/// Makes transfers, and returns the numbers of those that were acknowledged.
async fn work(kv: Kv<RedisStore>, task: u64, transfers: u64) -> Result<HashSet<u64>, Error> {
    let mut random = fastrand::Rng::with_seed(task);
    let mut acknowledged = HashSet::new();
    for number in 0..transfers {
        let from = random.u64(..ACCOUNTS);
        let to = (from + 1 + random.u64(..ACCOUNTS - 1)) % ACCOUNTS;
        let entry = Entry { task, number, cents: random.i64(1..50) };
        match transfer(&kv, from, to, &entry).await {
            Ok(()) => drop(acknowledged.insert(number)),
            Err(Error::OutcomeUnknown { .. }) => {}
            Err(error) if error.is_retryable() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error),
        }
    }
    Ok(acknowledged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_bank_survives_a_server_that_is_killed() -> Test {
    bank(transfers()).await
}

async fn bank(transfers: u64) -> Test {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let patient = TransactionOptions::new().attempts(1_000).deadline(Duration::from_secs(60));
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?).with_transaction_options(patient);
    kv.collection().put_many((0..ACCOUNTS).map(|id| Account { id, cents: OPENED_WITH })).await?;
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(kv.clone(), task, transfers))).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.restart();
    let (mut all, mut written) = (0, 0);
    let mut entries = Vec::new();
    for (task, acknowledged) in (0..).zip(tasks) {
        let acknowledged = acknowledged.await??;
        let found = kv.collection::<Entry>().get_many((0..transfers).map(|number| (task, number))).await?;
        for (number, entry) in (0..).zip(&found) {
            assert!(
                entry.is_some() || !acknowledged.contains(&number),
                "the transfer {number} of task {task} was acknowledged, and is gone"
            );
        }
        all += acknowledged.len();
        written += found.iter().flatten().count();
        entries.extend(found.into_iter().flatten());
    }
    let accounts = kv.transact(async |tx| tx.get_many::<Account>(0..ACCOUNTS).await).await?;
    let sum: i64 = accounts.iter().flatten().map(|account| account.cents).sum();
    println!("{all} acknowledged of {}, {written} written; {:?}", TASKS * transfers, kv.transaction_stats());
    assert_eq!(sum, ACCOUNTS as i64 * OPENED_WITH);
    assert!(all > 0 && written >= all);
    Ok(())
}

/// The commit does not come to the server. The record that it would have changed is renewed, which
/// proves that.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_commit_that_was_lost_on_its_way_is_known_not_to_be_made() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let options = RedisStore::options().response_timeout(Duration::from_secs(2));
    let kv = Kv::new(options.connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?);
    kv.collection().put_many([Account { id: 1, cents: 5 }, Account { id: 2, cents: 0 }]).await?;
    // The script is known to the server from here on.
    kv.transact(async |tx| tx.update::<Account>(1, |account| account.cents += 1).await).await?;
    let lost = kv.transact(async |tx| {
        let account = tx.update::<Account>(1, |account| account.cents += 1).await?;
        proxy.arm(Fault::LoseRequest);
        Ok(account)
    });
    let error = lost.await.expect_err("the commit was lost");
    assert!(matches!(error, Error::Store { retryable: true, .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was written or will be"), "{error}");
    assert_eq!(kv.collection().get(1).await?, Some(Account { id: 1, cents: 6 }));
    Ok(())
}

/// A commit that was made is found by the tokens of what it wrote. One that only deletes bears none,
/// and stays unknown.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_commit_whose_answer_was_lost_is_found_by_its_tokens() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let kv = Kv::new(RedisStore::connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?);
    kv.collection().put_many([Account { id: 1, cents: 5 }, Account { id: 2, cents: 0 }]).await?;
    // The first commits have to bring their scripts to the server: what is lost of them is known.
    kv.transact(async |tx| tx.update::<Account>(1, |account| account.cents += 1).await).await?;
    kv.transact(async |tx| {
        tx.get::<Account>(2).await?;
        tx.delete::<Account>(2)
    })
    .await?;
    kv.transact(async |tx| {
        let account = tx.update::<Account>(1, |account| account.cents += 1).await?;
        proxy.arm(Fault::CutReply(0, Box::new(|| ())));
        Ok(account)
    })
    .await?;
    assert_eq!(kv.collection().get(1).await?, Some(Account { id: 1, cents: 7 }));
    let deleted = kv.transact(async |tx| {
        tx.get::<Account>(1).await?;
        tx.delete::<Account>(1)?;
        proxy.arm(Fault::CutReply(0, Box::new(|| ())));
        Ok(())
    });
    assert!(matches!(deleted.await, Err(Error::OutcomeUnknown { .. })));
    assert_eq!(kv.collection::<Account>().get(1).await?, None);
    Ok(())
}

/// The server did not know the script, and its answer that says so was lost. So the commit was not made,
/// which the renewed record proves: the outcome is known, although a delete bears no token.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_delete_whose_script_the_server_did_not_know_is_known_not_to_be_made() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let kv = Kv::new(RedisStore::connect(&proxy.url()).await?);
    let account = Account { id: 1, cents: 5 };
    kv.collection().put(&account).await?;
    let delete = async |cuts: bool| {
        kv.transact(async |tx| {
            tx.get::<Account>(1).await?;
            tx.delete::<Account>(1)?;
            if cuts {
                proxy.arm(Fault::CutReply(0, Box::new(|| ())));
            }
            Ok(())
        })
        .await
    };
    server.cli(&["SCRIPT", "FLUSH"]);
    let error = delete(true).await.expect_err("the answer was lost");
    assert!(matches!(error, Error::Store { retryable: true, .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was written or will be"), "{error}");
    assert_eq!(kv.collection().get(1).await?, Some(account));
    delete(false).await?;
    assert_eq!(kv.collection::<Account>().get(1).await?, None);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_takes_the_groups_of_one_entity() -> Test {
    let cluster = RedisCluster::start();
    let kv = Kv::new(RedisStore::connect(&cluster.url()).await?);
    let user = |id| User { id, name: format!("user {id}"), dark: false };
    kv.collection().put_many([user(1), user(2)]).await?;
    let changed = kv.transact(async |tx| {
        let mut user = tx.get::<User>(1).await?.expect("it is there");
        user.dark = true;
        tx.save(&user)?;
        tx.get::<UserPrefs>(1).await
    });
    assert_eq!(changed.await?.map(|prefs| prefs.dark), Some(true));
    let two = kv.transact(async |tx| {
        tx.update::<User>(1, |user| user.dark = false).await?;
        tx.update::<User>(2, |user| user.dark = true).await
    });
    let error = two.await.expect_err("they are in no shard");
    assert!(matches!(error, Error::NotTogether { .. }), "{error}");
    assert!(error.to_string().contains("user:2") && error.to_string().contains("user:1"), "{error}");
    assert_eq!(kv.collection::<User>().get(1).await?.map(|user| user.dark), Some(true));
    Ok(())
}
