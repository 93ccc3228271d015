//! Lost answers: the record shows whether a write took place, and no write is sent twice.

use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::record::{Expiry, NewRecord, Revision};
use kv_runtime::store::{Commit, Condition, Expect, RedisStore, Store, StoreExt, Write};

use super::proxy::{Fault, Proxy};
use super::redis_server::RedisServer;
use super::{Test, key, record};

struct Broken {
    server: RedisServer,
    proxy: Proxy,
    store: RedisStore,
}

impl Broken {
    async fn new() -> Result<Self, Error> {
        let server = RedisServer::start();
        let proxy = Proxy::start(server.port());
        let options = RedisStore::options().response_timeout(Duration::from_secs(2));
        let store = options.connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?;
        Ok(Self { server, proxy, store })
    }

    /// How often the server ran a command.
    fn calls(&self, command: &str) -> usize {
        let stats = self.server.cli(&["INFO", "commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().unwrap_or(usize::MAX))
    }

    fn cut_reply(&self) {
        self.proxy.arm(Fault::CutReply(2, Box::new(|| ())));
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_write_whose_answer_was_cut_is_found_done() -> Test {
    let broken = Broken::new().await?;
    broken.cut_reply();
    broken.store.put(key("a:1"), record("1")).await?;
    assert_eq!(broken.calls("set"), 1);

    broken.cut_reply();
    broken.store.put_many(vec![(key("a:2"), record("2")), (key("a:3"), record("3"))]).await?;
    assert_eq!(broken.calls("set"), 3);

    let read = broken.store.read(&key("a:1")).await?.expect("it was written");
    let unchanged = Condition::new(key("a:1"), Expect::Revision(read.revision));
    broken.cut_reply();
    let commit = broken.store.commit(vec![unchanged], Write::Update(key("a:1"), record("4")).into()).await;
    // The script was not known to the server: the refusal was cut, and nothing is written.
    assert!(matches!(commit, Err(Error::OutcomeUnknown { .. })), "{commit:?}");
    assert_eq!(broken.calls("set"), 3);

    let commit = |revision| {
        let unchanged = Condition::new(key("a:1"), Expect::Revision(revision));
        broken.store.commit(vec![unchanged], Write::Update(key("a:1"), record("5")).into())
    };
    let read = broken.store.read(&key("a:1")).await?.expect("it was written");
    assert_eq!(commit(read.revision).await?, Commit::Done);
    let read = broken.store.read(&key("a:1")).await?.expect("it was written");
    broken.cut_reply();
    assert_eq!(commit(read.revision).await?, Commit::Done);
    assert_eq!(broken.calls("set"), 5);
    Ok(())
}

/// Its value may be another program's, so it proves nothing.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_plain_write_whose_answer_was_cut_is_unknown_although_its_value_is_there() -> Test {
    let broken = Broken::new().await?;
    broken.cut_reply();
    let lost = broken.store.put(key("a:1"), NewRecord::plain("{}")).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    assert_eq!((broken.calls("set"), broken.server.cli(&["GET", "a:1"]).trim()), (1, "{}"));

    // A commit is settled by a record beside it that has a token.
    let both = |number| {
        let plain = Write::Update(key("a:1"), NewRecord::plain(format!("[{number}]")));
        vec![plain, Write::Put(key("a:2"), record("2"))]
    };
    assert_eq!(broken.store.commit(Vec::new(), both(1).into()).await?, Commit::Done);
    broken.cut_reply();
    assert_eq!(broken.store.commit(Vec::new(), both(2).into()).await?, Commit::Done);
    assert_eq!(broken.server.cli(&["GET", "a:1"]).trim(), "[2]");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_write_that_is_not_found_is_unknown() -> Test {
    let broken = Broken::new().await?;
    broken.proxy.arm(Fault::LoseRequest);
    let lost = broken.store.put(key("a:1"), record("1")).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    assert_eq!(broken.calls("set"), 0);
    assert!(broken.store.read(&key("a:1")).await?.is_none());

    // Done, and then overwritten by somebody else: nobody can tell.
    let port = broken.server.port().to_string();
    let overwrite = move || {
        let written =
            std::process::Command::new("redis-cli").args(["-p", &port, "SET", "a:1", "{}"]).output();
        assert!(written.is_ok_and(|output| output.stdout.starts_with(b"OK")));
    };
    broken.proxy.arm(Fault::CutReply(0, Box::new(overwrite)));
    let lost = broken.store.put(key("a:1"), record("1")).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    assert_eq!(broken.store.read(&key("a:1")).await?.map(|read| read.value.to_vec()), Some(b"{}".to_vec()));

    // A delete leaves nothing that could be found.
    broken.cut_reply();
    let lost = broken.store.delete(key("a:1")).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    assert_eq!(broken.calls("unlink"), 1);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_read_whose_answer_was_cut_can_be_repeated() -> Test {
    let broken = Broken::new().await?;
    broken.store.put(key("a:1"), record("1")).await?;
    broken.cut_reply();
    let lost = broken.store.read(&key("a:1")).await;
    assert!(lost.as_ref().is_err_and(Error::is_retryable), "{lost:?}");
    assert!(broken.store.read(&key("a:1")).await?.is_some());
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn it_comes_back_with_its_server() -> Test {
    let mut broken = Broken::new().await?;
    broken.store.put(key("a:1"), record("1")).await?;
    broken.server.kill();
    let gone = broken.store.read(&key("a:1")).await;
    assert!(gone.as_ref().is_err_and(Error::is_retryable), "{gone:?}");
    broken.server.restart();
    // The first call tries.
    assert!(broken.store.read(&key("a:1")).await?.is_none(), "it had nothing on its disk");
    Ok(())
}

/// Updates of several records have a script of their own.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn several_updates_are_made_together_or_not_at_all() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    let keys = ["a:1", "a:2", "a:3"].map(key);
    server.cli(&["SET", "a:1", "plain"]);
    store.put(key("a:2"), record("2").with_expiry(Expiry::After(Duration::from_secs(900)))).await?;
    store.put(key("a:3"), record("3")).await?;

    let commit = async |revisions: &[Revision], value: &str| {
        let unchanged = keys.iter().zip(revisions);
        let unchanged =
            unchanged.map(|(key, read)| Condition::new(key.clone(), Expect::Revision(read.clone())));
        let writes: Vec<Write> = keys.iter().map(|key| Write::Update(key.clone(), record(value))).collect();
        store.commit(unchanged.collect(), writes.into()).await
    };
    let revisions = async || -> Result<Vec<Revision>, Error> {
        let found = store.read_many(&keys).await?;
        Ok(found.into_iter().flatten().map(|record| record.revision).collect())
    };
    let values = async || -> Result<Vec<Vec<u8>>, Error> {
        let found = store.read_many(&keys).await?;
        Ok(found.into_iter().flatten().map(|record| record.value.to_vec()).collect())
    };

    let first = revisions().await?;
    assert_eq!(commit(&first, "4").await?, Commit::Done);
    assert_eq!(values().await?, [b"4", b"4", b"4"]);
    let lives = |key| server.cli(&["TTL", key]).trim().parse::<i64>();
    assert!((800..=900).contains(&lives("a:2")?) && lives("a:3")? == -1);

    // The least place is reported, and nothing is written.
    assert_eq!(commit(&first, "5").await?, Commit::Conflict(0));
    let mut read = revisions().await?;
    store.put(key("a:2"), record("6")).await?;
    store.put(key("a:3"), record("6")).await?;
    assert_eq!(commit(&read, "7").await?, Commit::Conflict(1));
    assert_eq!(values().await?, [&b"4"[..], b"6", b"6"]);

    // What is gone has no revision, and another type of value is no record.
    read = revisions().await?;
    store.delete(key("a:3")).await?;
    assert_eq!(commit(&read, "8").await?, Commit::Conflict(2));
    server.cli(&["RPUSH", "a:3", "item"]);
    let refused = commit(&read, "8").await.expect_err("a list is no record");
    assert!(refused.to_string().starts_with("`a:3` in redis: "), "{refused}");
    assert_eq!(server.cli(&["GETRANGE", "a:2", "-1", "-1"]).trim(), "6");
    Ok(())
}
