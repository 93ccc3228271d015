use std::borrow::Cow;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: Option<&'static str>,
    pairs: Vec<(u8, &'static [u8])>,
    owned: Cow<'static, str>,
}

fn main() {}
