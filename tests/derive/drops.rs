//! Entities that implement `Drop`, whose fields cannot be moved out.

use kv_runtime::KvEntity;
use serde_json::json;

use crate::{collection, lay_version};

/// What it holds is wiped when it is dropped.
#[derive(KvEntity, Debug, Default, PartialEq)]
#[kv(prefix = "secret")]
struct SecretV1 {
    #[kv(id)]
    id: u64,
    text: String,
}

impl Drop for SecretV1 {
    fn drop(&mut self) {
        self.text.clear();
    }
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "secret", version = 2, previous = SecretV1)]
struct Secret {
    #[kv(id)]
    id: u64,
    text: String,
    #[kv(skip)]
    cached: u8,
}

impl From<SecretV1> for Secret {
    fn from(mut old: SecretV1) -> Self {
        Self { id: old.id, text: std::mem::take(&mut old.text), cached: 1 }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.text.clear();
    }
}

#[tokio::test]
async fn an_entity_that_implements_drop_has_a_predecessor() {
    let secrets = collection::<Secret>();
    lay_version(secrets.store(), "secret:1", 1, json!({ "text": "a" })).await;
    let secret = secrets.get(1).await.expect("can be read").expect("is there");
    assert_eq!((secret.id, secret.text.as_str(), secret.cached), (1, "a", 0));
}
