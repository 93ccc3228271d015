use kv_runtime::store::CloudflareStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
}

async fn migrate(kv: Kv<CloudflareStore>) -> Result<()> {
    let backfill = kv.collection::<User>().migrate_all().rate(100);
    drop(backfill);
    Ok(())
}

fn main() {}
