use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::store::MemoryStore;
use kv_runtime::{KvEntity, Result};

#[derive(KvEntity, Clone)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn put(users: Cached<User, MemoryStore>, user: User) -> Result<()> {
    users.put(&user).await
}

async fn what_there_is(users: Cached<User, MemoryStore>, user: User) -> Result<()> {
    users.put(user.clone()).await?;
    users.insert(Arc::new(user)).await
}

fn main() {}
