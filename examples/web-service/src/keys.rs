//! API keys. A key is shown once and stored as its hash, so a backup of the store contains none.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use kv_runtime::Kv;
use kv_runtime::store::Store;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::caller::Caller;
use crate::failure::Result;
use crate::model::ApiKey;

#[derive(Serialize, Deserialize)]
pub struct Key {
    pub key: String,
}

pub async fn add(State(app): State<App>, caller: Caller) -> Result<impl IntoResponse> {
    caller.may_write(&app).await?;
    Ok((StatusCode::CREATED, Json(new_key(&app.kv, caller).await?)))
}

/// Makes a key for a user, and stores its hash.
pub async fn new_key(kv: &Kv<impl Store>, caller: Caller) -> kv_runtime::Result<Key> {
    let key = Uuid::new_v4().simple().to_string();
    let Caller { tenant, user } = caller;
    kv.collection().put(&ApiKey { hash: hash(&key), tenant, user }).await?;
    Ok(Key { key })
}

/// Whose key this is.
pub async fn user_of_key(kv: &Kv<impl Store>, key: &str) -> kv_runtime::Result<Option<Caller>> {
    let found = kv.collection::<ApiKey>().get(&hash(key)).await?;
    Ok(found.map(|ApiKey { tenant, user, .. }| Caller { tenant, user }))
}

/// Keys are random, so a hash without a salt is enough. Passwords would need more.
fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}
