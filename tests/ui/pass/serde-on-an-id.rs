//! serde's attributes on an id are for the user's own derive: ids are not in the stored value.

use kv_runtime::KvEntity;

#[derive(KvEntity, serde::Serialize)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    #[serde(rename = "userId")]
    id: u64,
    name: String,
}

fn main() {
    let user = User { id: 7, name: "Ada".to_owned() };
    assert_eq!(serde_json::to_string(&user).ok().as_deref(), Some(r#"{"userId":7,"name":"Ada"}"#));
}
