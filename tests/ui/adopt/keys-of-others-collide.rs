use kv_runtime::{KvEntity, schema};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, raw)]
    id: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user:session")]
struct Session {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(shared_prefix = "us")]
struct Theirs {
    #[kv(id)]
    id: u64,
}

schema!(App: User, Session, Theirs);

fn main() {}
