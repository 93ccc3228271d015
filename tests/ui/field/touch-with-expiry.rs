use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: kv_runtime::Timestamp,
}

async fn touch(kv: kv_runtime::Kv<kv_runtime::store::MemoryStore>) {
    let _ = kv.collection::<User>().touch(1).await;
}

fn main() {}
