use kv_runtime::Kv;
use kv_runtime::store::CloudflareStore;
use kv_runtime::tower_sessions::KvSessionStore;

fn sessions(kv: &Kv<CloudflareStore>) -> KvSessionStore<CloudflareStore> {
    KvSessionStore::new(kv)
}

fn main() {}
