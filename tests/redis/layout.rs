//! kv-runtime/docs/wire-format.md says what stands on the server: every example in it.

use kv_runtime::__private::{id_of, key_of};
use kv_runtime::key::Key;
use kv_runtime::store::{ListQuery, RedisStore, StoreExt};
use kv_runtime::{Kv, KvEntity};
use serde::Deserialize;

use super::redis_server::RedisServer;
use super::{Test, record};

const PAGE: &str = include_str!("../../kv-runtime/docs/wire-format.md");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Example {
    entity: String,
    group: Option<String>,
    hash_tags: String,
    part: String,
    entry: String,
    entry_with_hash_tags: String,
}

fn examples() -> Vec<Example> {
    let (_, block) = PAGE.split_once("\n```json redis\n").expect("there are examples");
    let (block, _) = block.split_once("\n```\n").expect("the block ends");
    serde_json::from_str(block).expect("the examples are JSON")
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct Profile {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "settings")]
struct Settings {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "app:cache", group = "v")]
struct Cached {
    #[kv(id)]
    id: String,
}

#[derive(KvEntity)]
#[kv(prefix = "order")]
struct Order {
    #[kv(id, ordered, shard)]
    org: u64,
    #[kv(id)]
    number: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "seat", group = "plan")]
struct Seat {
    #[kv(id, shard)]
    org: String,
    #[kv(id)]
    user: u64,
}

/// The key of the example, as its entity writes it.
fn key(example: &Example) -> Key {
    fn written<E: KvEntity>(text: &str) -> Option<Key> {
        id_of::<E>(text).map(|id| key_of::<E>(&id))
    }
    let text = &example.entry;
    let key = written::<Profile>(text).or_else(|| written::<Settings>(text));
    let key = key.or_else(|| written::<Member>(text)).or_else(|| written::<Cached>(text));
    let key = key.or_else(|| written::<Order>(text)).or_else(|| written::<Seat>(text));
    let key = key.unwrap_or_else(|| panic!("`{text}` is no entity's"));
    assert_eq!((key.entity_part(), key.group()), (&*example.entity, example.group.as_deref()));
    key
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn keys_and_index_are_laid_out_as_documented() -> Test {
    let server = RedisServer::start();
    for (database, hash_tags) in [(0, false), (1, true)] {
        let options = RedisStore::options().hash_tags(hash_tags).list_index(true);
        let store = options.connect(&server.url(database)).await?;
        let database = database.to_string();
        let there = |command: &[&str]| server.cli(&[&["-n", &database], command].concat()).trim().to_owned();
        for example in examples() {
            store.put(key(&example), record("{}")).await?;
            let (stands, entry) = match hash_tags {
                true => (&example.hash_tags, &example.entry_with_hash_tags),
                false => (&example.entry, &example.entry),
            };
            assert_eq!(there(&["EXISTS", stands]), "1", "{stands}");
            // A byte 0 is no argument of a process.
            let script = "return redis.call('ZSCORE', KEYS[1], (string.gsub(ARGV[1], '<0>', '\\0')))";
            let score = there(&["EVAL", script, "1", &example.part, &entry.replace('\0', "<0>")]);
            assert_eq!(score, "0", "{entry:?} in {}", example.part);
        }
        for prefix in ["user:", "member:", "app:", "order:", "seat:"] {
            store.page(&ListQuery::new(Key::from_text(prefix))).await?;
        }
        let script = "return redis.call('ZSCORE', KEYS[1], '\\0complete')";
        for example in examples() {
            assert_eq!(there(&["EVAL", script, "1", &example.part]), "0", "{}", example.part);
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_url_asks_for_the_index_and_for_hash_tags() -> Test {
    let server = RedisServer::start();
    let put = async |database: usize, options: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let profiles = Kv::connect(&(server.url(database) + options)).await?.collection::<Profile>();
        profiles.put(&Profile { id: "7".to_owned() }).await?;
        assert_eq!(profiles.list().ids().page().await?.ids, ["7"]);
        let keys = server.cli(&["-n", &database.to_string(), "KEYS", "*"]);
        Ok(keys.lines().map(str::to_owned).collect())
    };
    assert_eq!(put(0, "").await?, ["user:7:profile"]);
    assert_eq!(put(1, "?hash_tags=true").await?, ["{user:7}:profile"]);
    let indexed = put(2, "?list_index=true").await?;
    assert!(indexed.len() > 1 && indexed.iter().any(|key| key == "user:7:profile"), "{indexed:?}");
    Ok(())
}
