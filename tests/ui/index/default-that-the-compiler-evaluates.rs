use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", version = 2, group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(index)]
    #[serde(default = "today")]
    signed_up: Timestamp,
    #[kv(index, added(since = 2, default = Self::next_number()))]
    number: u64,
    #[kv(group = "settings", unique)]
    #[serde(default = "first")]
    rank: u8,
}

impl User {
    fn next_number() -> u64 {
        7
    }
}

fn today() -> Timestamp {
    Timestamp::from_millis(1)
}

const fn first() -> u8 {
    1
}

fn main() {}
