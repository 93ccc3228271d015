use kv_runtime::Kv;
use kv_runtime::KvEntity;
use kv_runtime::store::{AtomicStore, CloudflareStore};

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(group = "settings")]
    theme: String,
}

fn on_cloudflare(kv: &Kv<CloudflareStore>) {
    let _ = kv.collection::<User>();
    let _ = kv.collection::<UserProfile>();
    // A group without an index can be kept anywhere.
    let _ = kv.collection::<UserSettings>();
}

fn anywhere<S: AtomicStore>(kv: &Kv<S>) {
    let _ = kv.collection::<User>();
}

fn any_entity<E: KvEntity, S: AtomicStore>(kv: &Kv<S>) {
    let _ = kv.collection::<E>();
}

fn main() {}
