use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, KvId, Result};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct OrgId(String);

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: OrgId,
    #[kv(id)]
    user: u64,
    role: String,
}

async fn get(kv: Kv<MemoryStore>) -> Result<Option<Member>> {
    kv.collection::<Member>().get(("acme", 9)).await
}

fn list(kv: Kv<MemoryStore>) {
    let _ = kv.collection::<Member>().list().within("acme");
}

async fn right(kv: Kv<MemoryStore>, acme: OrgId) -> Result<Option<Member>> {
    let _ = kv.collection::<Member>().list().within(&acme);
    kv.collection::<Member>().get((&acme, 9)).await
}

fn main() {}
