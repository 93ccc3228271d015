use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, KvId, Result};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct OrgId(String);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct UserId(u64);

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: OrgId,
    #[kv(id)]
    user: UserId,
    #[kv(id)]
    team: u32,
    role: String,
}

async fn read(kv: Kv<MemoryStore>) -> Result<Option<Member>> {
    kv.collection::<Member>().get(("acme", 7, "red")).await
}

async fn right(kv: Kv<MemoryStore>, acme: OrgId) -> Result<Option<Member>> {
    kv.collection::<Member>().get((&acme, UserId(7), 3)).await
}

fn main() {}
