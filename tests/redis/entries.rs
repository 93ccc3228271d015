//! Indexes of entities: a write that fails leaves nothing half written.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::NamespaceStore;
use kv_runtime::record::{Expiry, NewRecord};
use kv_runtime::store::{
    Commit, Condition, EntryQuery, Expect, GetOptions, IndexStore, RedisStore, Store, StoreExt, Write,
};
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

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "file", group = "head", group(name = "note", optional))]
struct File {
    #[kv(id)]
    path: String,
    #[kv(unique)]
    label: String,
    #[kv(group = "note")]
    note: Option<String>,
}

/// The server makes the keys of a claim's entity: of ids with quotes, of groups, and of tenants.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_claim_leads_to_entities_with_ids_of_any_characters() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    let tenants = [NamespaceStore::new(store.clone(), "a\"b"), NamespaceStore::new(store, "{#index")];
    for store in tenants {
        let files = Kv::new(store).collection::<File>();
        assert!(files.build_indexes().no_older_writers().run().await?.is_ready);
        for (number, path) in ["plain", "\"", "a\"b\\", "\\", "\u{1}", "%", "é{}:!", ""].iter().enumerate() {
            let note = (number % 2 == 0).then(|| "n".to_owned());
            let file = File { path: (*path).to_owned(), label: number.to_string(), note };
            files.insert(&file).await?;
            assert_eq!(files.by(File::LABEL).get(&file.label).await?, Some(file));
        }
    }
    Ok(())
}

/// What a lookup cannot read of an entity is its error, as that of a read by the id.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_claim_of_a_damaged_entity_is_an_error_with_its_key() -> Test {
    let server = RedisServer::start();
    let users = users(&server.url(0)).await?;
    users.put_many([user(7), user(8)]).await?;
    server.cli(&["DEL", "user:7"]);
    server.cli(&["LPUSH", "user:7", "x"]);
    server.cli(&["SETRANGE", "user:8", "2", "\u{7f}"]);
    for id in [7, 8] {
        let found = users.by(User::EMAIL).get(&format!("{id}@example.com")).await;
        let error = found.expect_err("the record is damaged");
        let by_id = users.get(id).await.expect_err("the record is damaged");
        assert_eq!(shown(&error), shown(&by_id));
    }
    // The claim itself is damaged.
    server.cli(&["DEL", "user!email!7@example.com!"]);
    server.cli(&["LPUSH", "user!email!7@example.com!", "x"]);
    assert!(users.by(User::EMAIL).get("7@example.com").await.is_err());
    Ok(())
}

/// An insert names the first record that is there, by the shorter script and the longer one.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_commit_of_new_records_writes_all_or_none() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    server.cli(&["SET", "there", ""]);
    server.cli(&["LPUSH", "list", "x"]);
    server.cli(&["SET", "{#index:user!city!}", "no set"]);
    let before = contents(&server);
    let absent = |name: &str| Condition::new(key(name), Expect::Absent);
    let entry = || Write::AddEntry(key("user!city!York!7!"));
    for ttl in [None, Some(Duration::from_secs(7_200))] {
        let put = |name: &str| {
            let new = super::record("1");
            Write::Put(key(name), if let Some(ttl) = ttl { new.with_expiry(Expiry::After(ttl)) } else { new })
        };
        let conditions = vec![absent("new"), absent("there"), absent("list")];
        let commit = store.commit(conditions, vec![put("new"), put("other")].into()).await?;
        assert_eq!(commit, Commit::Conflict(1));
        let commit = store.commit(vec![absent("new"), absent("list")], vec![put("new")].into()).await;
        assert!(matches!(commit, Err(Error::Malformed { .. })), "{commit:?}");
        let commit = store.commit(vec![absent("new")], vec![put("new"), entry()].into()).await;
        assert!(shown(&commit.expect_err("the set is a string")).contains("entries of an index"));
        assert_eq!(contents(&server), before);
    }
    server.cli(&["DEL", "{#index:user!city!}"]);
    let writes = vec![Write::Put(key("new"), super::record("1")), entry()];
    assert_eq!(store.commit(vec![absent("new")], writes.into()).await?, Commit::Done);
    assert_eq!(server.cli(&["ZCARD", "{#index:user!city!}"]).trim(), "1");
    assert!(store.get(&key("new"), GetOptions::new()).await?.is_some());
    Ok(())
}

/// A user who may write the entries and not the records leaves none.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_insert_that_may_not_write_the_record_leaves_no_entry() -> Test {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "app", "on", ">secret", "%R~*", "~{#index:*", "+@all"]);
    let url = server.url(0).replace("redis://", "redis://app:secret@");
    let store = RedisStore::connect(&url).await?;
    let writes = vec![Write::Put(key("new"), super::record("1")), Write::AddEntry(key("user!city!York!7!"))];
    let commit = store.commit(vec![Condition::new(key("new"), Expect::Absent)], writes.into()).await;
    assert!(matches!(commit, Err(Error::Store { retryable: false, .. })), "{commit:?}");
    assert_eq!(server.cli(&["DBSIZE"]).trim(), "0");
    Ok(())
}

/// An update names what it replaces, and keeps its TTL.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_update_of_one_record_compares_it_on_the_server() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    for is_plain in [false, true] {
        let new =
            |value: &str| if is_plain { NewRecord::plain(value.to_owned()) } else { super::record(value) };
        store.put(key("it"), new("1").with_expiry(Expiry::After(Duration::from_secs(7_200)))).await?;
        let read = store.get(&key("it"), GetOptions::new()).await?.expect("it was put");
        let update = async |value: &str| {
            let condition = Condition::new(key("it"), Expect::Revision(read.revision.clone()));
            store.commit(vec![condition], vec![Write::Update(key("it"), new(value))].into()).await
        };
        assert_eq!(update("2").await?, Commit::Done);
        assert!(server.cli(&["TTL", "it"]).trim().parse::<i64>()? > 7_000);
        assert_eq!(update("3").await?, Commit::Conflict(0));
        assert_eq!(
            store.get(&key("it"), GetOptions::new()).await?.map(|it| it.value.to_vec()),
            Some(b"2".to_vec())
        );
        server.cli(&["DEL", "it"]);
        assert_eq!(update("3").await?, Commit::Conflict(0));
        server.cli(&["LPUSH", "it", "x"]);
        assert!(matches!(update("3").await, Err(Error::Malformed { .. })));
        server.cli(&["DEL", "it"]);
    }
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
    // The first lookup has to bring the script to the server.
    assert!(users.by(User::EMAIL).get("7@example.com").await?.is_some());
    assert_eq!(taken(before), 2, "by email, at first");
    let before = proxy.round_trips();
    assert!(users.by(User::EMAIL).get("7@example.com").await?.is_some());
    assert_eq!(taken(before), 1, "by email");
    let before = proxy.round_trips();
    assert!(users.by(User::EMAIL).get("nobody@example.com").await?.is_none());
    assert_eq!(taken(before), 1, "by the email of nobody");
    // At the moment of the lookup nobody has the value that the claim gives to a user without it.
    server.cli(&["COPY", "user!email!7@example.com!", "user!email!old@example.com!"]);
    let before = proxy.round_trips();
    assert!(users.by(User::EMAIL).get("old@example.com").await?.is_none());
    assert_eq!(taken(before), 1, "by an email that the holder no longer has");
    server.cli(&["DEL", "user!email!old@example.com!"]);

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
