//! `#[derive(KvId)]`.

use kv_runtime::key::IdKind;
use kv_runtime::{KvEntity, KvId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{collection, stored};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct UserId(u64);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[kv(rename_all = "kebab-case")]
enum Flag {
    NewHome,
    #[kv(rename = "beta.2")]
    Beta,
    r#Box,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "flag")]
struct UserFlag {
    #[kv(id)]
    flag: Flag,
    #[kv(id, ordered)]
    user: UserId,
    /// An id type can be in a value as well, by serde's derives.
    set_by: UserId,
}

#[tokio::test]
async fn newtypes_and_enums_are_ids() {
    let flags = collection::<UserFlag>();
    let flag = UserFlag { flag: Flag::NewHome, user: UserId(7), set_by: UserId(1) };
    flags.put(&flag).await.unwrap();
    assert_eq!(stored(flags.store(), "flag:new-home:00000000000000000007").await, json!({"set_by": 1}));
    assert_eq!(flags.get((Flag::NewHome, UserId(7))).await.unwrap(), Some(flag.clone()));
    assert_eq!(flags.get_many([(&Flag::NewHome, &UserId(7))]).await.unwrap(), [Some(flag.clone())]);
    assert_eq!(flags.get((Flag::Beta, UserId(7))).await.unwrap(), None);
    let page = flags.list().within(Flag::NewHome).page().await.unwrap();
    assert_eq!(page.entities, [flag]);
}

#[test]
fn kinds_are_those_of_what_is_inside() {
    assert_eq!(UserId::KIND, IdKind::Integer { signed: false, bits: 64 });
    assert_eq!(Flag::KIND, IdKind::Enum(&["new-home", "beta.2", "box"]));
}

#[test]
fn only_the_canonical_text_is_an_id() {
    assert_eq!(Flag::decode("new-home", false), Some(Flag::NewHome));
    assert_eq!(Flag::decode("NewHome", false), None);
    assert_eq!(UserId::decode("7", false), Some(UserId(7)));
    assert_eq!(UserId::decode("07", false), None);
}
