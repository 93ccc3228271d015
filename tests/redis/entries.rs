//! Indexes of entities: a write that fails leaves nothing half written.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::store::{Commit, EntryQuery, IndexStore, RedisStore, Store, StoreExt, Write};
use kv_runtime::{Collection, Error, Kv, KvEntity, Result};

use super::proxy::{Fault, Proxy};
use super::redis_server::RedisServer;
use super::{Test, key, shown};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
    #[kv(index)]
    age: Option<u8>,
}

fn user(id: u64) -> User {
    User { id, email: format!("{id}@example.com"), city: "York".to_owned(), age: Some(36) }
}

type Users = Collection<User, RedisStore>;

async fn users(url: &str) -> Result<Users> {
    let options = RedisStore::options().response_timeout(Duration::from_secs(2));
    let users = Kv::new(options.connect(url).await?).collection::<User>();
    assert!(users.build_indexes().no_older_writers().run().await?.is_ready);
    Ok(users)
}

/// All that the server holds, and the index entries: a write that fails changes none of it.
fn contents(server: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> = server.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect();
    keys.sort();
    keys.iter()
        .flat_map(|key| {
            let kind = server.cli(&["TYPE", key]);
            let value = match kind.trim() {
                "string" => server.cli(&["GET", key]),
                "zset" => server.cli(&["ZRANGE", key, "0", "-1", "WITHSCORES"]),
                other => other.to_owned(),
            };
            [key.clone(), value]
        })
        .collect()
}

async fn is_right(users: &Users, ids: &[u64]) -> Test {
    let report = users.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
    for id in ids {
        let found = users.by(User::EMAIL).get(&format!("{id}@example.com")).await?;
        assert_eq!(found.map(|user| user.id), Some(*id));
    }
    assert_eq!(users.by(User::CITY).ids().page().await?.ids, ids);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_entry_is_a_member_and_a_claim_a_key() -> Test {
    let server = RedisServer::start();
    let users = users(&format!("{}?list_index=true", server.url(0))).await?;
    users.put(&user(7)).await?;
    let mut names: Vec<String> = server.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect();
    // The list index has claims where it has the entities.
    names.retain(|name| !name.starts_with("{#index:user:"));
    names.sort();
    let states = ["user!!age!", "user!!city!", "user!!email!"];
    let expected = [
        &states[..],
        &["user!email!7@example.com!", "user:7"],
        &["{#index:user!age!}", "{#index:user!city!}"],
    ];
    assert_eq!(names, expected.concat());
    let members = |set: &str| server.cli(&["ZRANGE", set, "0", "-1", "WITHSCORES"]);
    assert_eq!(
        members("{#index:user!city!}").split_whitespace().collect::<Vec<_>>(),
        ["York!00000000000000000007!", "0"]
    );
    users.update(7, |user| (user.city, user.age) = ("Bath".to_owned(), None)).await?;
    assert_eq!(
        members("{#index:user!city!}").split_whitespace().collect::<Vec<_>>(),
        ["Bath!00000000000000000007!", "0"]
    );
    assert_eq!(server.cli(&["EXISTS", "{#index:user!age!}"]).trim(), "0");
    // A key of that name is spelled otherwise.
    users.store().put(key("{#index:user!city!}"), super::record("1")).await?;
    assert_eq!(server.cli(&["TYPE", "{#index:user!city!}"]).trim(), "zset");
    assert_eq!(users.store().rebuild_index("user").await?, 5);
    users.delete(7).await?;
    assert!(users.list().page().await?.entities.is_empty());
    assert_eq!(users.sweep_indexes().await?.removed, 0);
    Ok(())
}

/// Another program has put something else in the place of a set or a claim.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn what_stands_in_the_place_of_entries_keeps_a_write_from_beginning() -> Test {
    let server = RedisServer::start();
    let users = users(&server.url(0)).await?;
    users.put(&user(1)).await?;
    for set in ["{#index:user!city!}", "{#index:user!age!}"] {
        server.cli(&["RENAME", set, "kept"]);
        server.cli(&["SET", set, "7"]);
        let before = contents(&server);
        let moved = users.update(1, |user| (user.city, user.age) = ("Bath".to_owned(), Some(37))).await;
        for refused in
            [users.insert(&user(2)).await, users.put(&user(2)).await, users.delete(1).await, moved.map(drop)]
        {
            let error = refused.expect_err("the set is a string");
            let text = shown(&error);
            assert!(matches!(error, Error::Store { retryable: false, .. }), "{error:?}");
            assert!(
                text.contains("in the place of the entries of an index") && text.contains("`user!"),
                "{text}"
            );
            assert!(!text.contains("York") && !text.contains("Bath"), "{text}");
        }
        assert_eq!(contents(&server), before, "{set}");
        let by_city = users.by(User::CITY).page().await.is_err();
        assert_eq!(
            (by_city, users.by(User::AGE).page().await.is_err()),
            (set.contains("city"), set.contains("age"))
        );
        server.cli(&["RENAME", "kept", set]);
    }
    is_right(&users, &[1]).await?;

    // What the error's text says repairs it.
    server.cli(&["SET", "{#index:user!city!}", "7"]);
    server.cli(&["DEL", "{#index:user!city!}"]);
    assert_eq!(users.check_indexes().await?.added, 1);
    is_right(&users, &[1]).await?;

    let claim = "user!email!2@example.com!";
    server.cli(&["RPUSH", claim, "7"]);
    let before = contents(&server);
    let moved = users.update(1, |user| user.email = "2@example.com".to_owned()).await.map(drop);
    for refused in [users.insert(&user(2)).await, users.put(&user(2)).await, moved] {
        let text = shown(&refused.as_ref().expect_err("the claim is a list"));
        assert!(matches!(refused, Err(Error::Malformed { .. })), "{refused:?}");
        assert!(text.contains("`user!email!#") && text.contains("another type than string"), "{text}");
    }
    assert_eq!(contents(&server), before);
    server.cli(&["DEL", claim]);
    users.insert(&user(2)).await?;
    is_right(&users, &[1, 2]).await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_member_that_is_no_entry_is_passed_over() -> Test {
    let server = RedisServer::start();
    let users = users(&server.url(0)).await?;
    users.put(&user(1)).await?;
    for member in ["", "York!", "York!x!", "zebra"] {
        server.cli(&["ZADD", "{#index:user!city!}", "5", member]);
    }
    let page = users.by(User::CITY).page().await?;
    assert_eq!((page.entities.len(), page.skipped), (1, 4));
    server.cli(&["EVAL", r"redis.call('ZADD', KEYS[1], 0, 'A\255')", "1", "{#index:user!city!}"]);
    let refused = users.by(User::CITY).page().await;
    assert!(matches!(refused, Err(Error::Malformed { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_full_server_refuses_entries_with_their_entity() -> Test {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    for parameters in ["", "?list_index=true"] {
        server.cli(&["FLUSHALL"]);
        let users = users(&format!("{}{parameters}", server.url(0))).await?;
        users.put_many([user(1), user(2)]).await?;
        let before = contents(&server);
        server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
        let moved = users.update(1, |user| user.city = "Bath".to_owned()).await.map(drop);
        for refused in [users.insert(&user(3)).await, users.put(&user(3)).await, moved] {
            let text = shown(&refused.expect_err("there is no room"));
            assert!(text.contains("the server's memory is full"), "{text}");
        }
        assert_eq!(contents(&server), before);
        assert_eq!(users.by(User::CITY).count().await?, 2);
        users.delete(2).await?;
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        is_right(&users, &[1]).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_lost_answer_leaves_the_entity_and_its_entries_written_or_not() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let users = users(&proxy.url()).await?;
    users.put(&user(1)).await?;
    let cut = || proxy.arm(Fault::CutReply(2, Box::new(|| ())));

    // The token of the record shows that the commit took place.
    cut();
    users.insert(&user(2)).await?;
    is_right(&users, &[1, 2]).await?;

    // The server forgot the script, and its refusal is lost: nothing is written.
    server.cli(&["SCRIPT", "FLUSH"]);
    cut();
    let lost = users.insert(&user(3)).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    is_right(&users, &[1, 2]).await?;
    server.cli(&["SCRIPT", "FLUSH"]);
    users.insert(&user(3)).await?;
    is_right(&users, &[1, 2, 3]).await?;

    proxy.arm(Fault::LoseRequest);
    let lost = users.insert(&user(4)).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    is_right(&users, &[1, 2, 3]).await?;

    // Entries alone leave no token.
    let entry = Key::from_text("user!city!Ayr!00000000000000000009!");
    cut();
    let lost = users.store().commit(Vec::new(), Write::AddEntry(entry.clone()).into()).await;
    assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
    assert_eq!(users.store().entries(&EntryQuery::new(entry)).await?.len(), 1);
    assert_eq!(users.sweep_indexes().await?.removed, 1);

    // Both reads of a delete are answered, and then its commit is cut.
    let calls = |stats: &str| stats.matches("cmdstat_unlink").count();
    assert_eq!(calls(&server.cli(&["INFO", "commandstats"])), 0);
    let mut lost = 0;
    for id in [1, 2] {
        for _ in 0..8 {
            cut();
            match users.delete(id).await {
                Err(Error::OutcomeUnknown { .. }) => lost += 1,
                Ok(()) => break,
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            }
        }
        proxy.disarm();
        users.delete(id).await?;
    }
    println!("{lost} deletes were lost");
    is_right(&users, &[3]).await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_page_of_a_large_index_is_bounded_and_leads_on() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    let entry = |number: usize| Key::from_text(format!("user!city!York!{number:020}!"));
    let writes: Vec<Write> = (0..9_000).map(|number| Write::AddEntry(entry(number))).collect();
    assert_eq!(store.commit(Vec::new(), writes.into()).await?, Commit::Done);
    let mut query = EntryQuery::new(Key::from_text("user!city!")).with_limit(usize::MAX);
    let mut found = 0;
    loop {
        let page = store.entries(&query).await?;
        assert!(page.len() <= 1_024, "{}", page.len());
        assert!(page.keys().eq((found..found + page.len()).map(entry).map(Key::into_string)));
        found += page.len();
        let Some(next) = page.next else { break };
        let to = query.to.clone();
        query = query.with_range(std::ops::Bound::Excluded(next), to);
    }
    assert_eq!(found, 9_000);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn lookups_and_inserts_take_as_few_round_trips_as_by_hand() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let users = users(&proxy.url()).await?;
    users.put_many((0..200).map(user)).await?;
    assert_eq!(users.by(User::CITY).limit(100).page().await?.entities.len(), 100);
    let taken = |before: usize| proxy.round_trips() - before;

    let before = proxy.round_trips();
    users.insert(&user(300)).await?;
    assert_eq!(taken(before), 1, "insert");

    let before = proxy.round_trips();
    assert!(users.by(User::EMAIL).get("7@example.com").await?.is_some());
    assert_eq!(taken(before), 2, "by email");

    let before = proxy.round_trips();
    assert_eq!(users.by(User::CITY).limit(100).page().await?.entities.len(), 100);
    assert_eq!(taken(before), 2, "a page");

    // What decides it is not there: the claim is read, and who holds it.
    let before = proxy.round_trips();
    let refused = users.insert(&User { email: "7@example.com".to_owned(), ..user(301) }).await;
    assert!(matches!(refused, Err(Error::NotUnique { .. })), "{refused:?}");
    assert_eq!(taken(before), 5, "insert of a value that is taken");
    let before = proxy.round_trips();
    let refused = users.insert(&user(7)).await;
    assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{refused:?}");
    assert_eq!(taken(before), 1, "insert of a user that is there");
    Ok(())
}
