use std::borrow::Cow;

use kv_runtime::KvEntity;

macro_rules! entity {
    ($name:ident, $prefix:literal, $ty:ty) => {
        #[derive(KvEntity)]
        #[kv(prefix = $prefix)]
        struct $name {
            #[kv(id)]
            id: u64,
            borrowed: $ty,
        }
    };
}

entity!(Direct, "direct", &'static str);
entity!(Owned, "owned", Cow<'static, str>);

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: Option<&'static str>,
    pairs: Vec<(u8, &'static [u8])>,
}

fn main() {}
