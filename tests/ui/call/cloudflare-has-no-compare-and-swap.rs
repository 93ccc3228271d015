use kv_runtime::store::CloudflareStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "session", ttl = "1h")]
struct Session {
    #[kv(id)]
    token: String,
    user: u64,
}

async fn insert(kv: Kv<CloudflareStore>, session: &Session) -> Result<()> {
    kv.collection::<Session>().insert(session).await
}

async fn touch(kv: Kv<CloudflareStore>) -> Result<bool> {
    kv.collection::<Session>().touch("a").await
}

async fn what_there_is(kv: Kv<CloudflareStore>) -> Result<Session> {
    let sessions = kv.collection::<Session>();
    sessions.touch_last_write_wins("a").await?;
    sessions.update_last_write_wins("a", |session| session.user += 1).await
}

fn main() {}
