//! How often the server is asked.

use kv_runtime::store::RedisStore;
use kv_runtime::{Kv, KvEntity};

use super::Test;
use super::proxy::Proxy;
use super::redis_server::RedisServer;

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs", optional))]
#[kv(group(name = "stats"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
    #[kv(group = "stats")]
    visits: u64,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_entity_of_three_groups_takes_one_and_an_update_two() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?;
    let users = Kv::new(store).collection::<User>();
    let taken = |before: usize| proxy.round_trips() - before;

    let before = proxy.round_trips();
    users.put(&User { id: 7, name: "Ada".to_owned(), dark: true, visits: 1 }).await?;
    assert_eq!(taken(before), 1, "put");

    let before = proxy.round_trips();
    assert!(users.get(7).await?.is_some());
    assert_eq!(taken(before), 1, "get");

    // The first commit has to bring the script to the server.
    users.update(7, |user| user.visits += 1).await?;
    let before = proxy.round_trips();
    users.update(7, |user| user.visits += 1).await?;
    assert_eq!(taken(before), 2, "update");

    // What is not there is asked for no second time.
    server.cli(&["DEL", "user:7:prefs"]);
    let before = proxy.round_trips();
    assert_eq!(users.get(7).await?.map(|user| user.visits), Some(3));
    assert_eq!(taken(before), 1, "get of an absent group");

    for id in 0..100 {
        users.put(&User { id, name: "Ada".to_owned(), dark: true, visits: 3 }).await?;
    }
    let before = proxy.round_trips();
    assert_eq!(users.get_many(0..100).await?.into_iter().flatten().count(), 100);
    assert_eq!(taken(before), 1, "get_many");

    // In a large batch what is shown as nothing is asked for again: it may be of another type.
    let before = proxy.round_trips();
    assert_eq!(users.get_many(0..101).await?.into_iter().flatten().count(), 100);
    assert_eq!(taken(before), 2, "get_many with an absent one");

    let before = proxy.round_trips();
    users.insert(&User { id: 800, name: "Bob".to_owned(), dark: true, visits: 1 }).await?;
    assert_eq!(taken(before), 1, "insert");

    let before = proxy.round_trips();
    users.delete(7).await?;
    assert_eq!(taken(before), 1, "delete");
    Ok(())
}
