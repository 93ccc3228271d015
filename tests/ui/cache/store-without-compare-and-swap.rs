use kv_runtime::cache::{Cache, Cached};
use kv_runtime::store::CloudflareStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn cached(kv: Kv<CloudflareStore>) -> Cached<User, CloudflareStore> {
    kv.collection::<User>().cached(Cache::new())
}

fn told_how(kv: Kv<CloudflareStore>) -> [Cached<User, CloudflareStore>; 2] {
    let users = kv.collection::<User>();
    [users.clone().cached(Cache::new().without_filling()), users.cached(Cache::new().pure_cache())]
}

fn main() {}
