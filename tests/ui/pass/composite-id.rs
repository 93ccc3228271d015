use std::sync::Arc;

use kv_runtime::{KvEntity, Lookup};

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id, ordered)]
    user: u64,
    #[kv(id, secret)]
    device: Arc<str>,
    role: String,
}

fn names<I: Lookup<<Member as KvEntity>::Id>>(_: I) {}

fn main() {
    let member = Member { org: "acme".to_owned(), user: 7, device: "phone".into(), role: String::new() };
    let id: (String, u64, Arc<str>) = member.id();
    names(&id);
    names(id);
    names(("acme", 7, "phone"));
    assert!(member.role.is_empty());
}
