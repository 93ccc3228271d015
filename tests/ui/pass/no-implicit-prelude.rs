#![no_implicit_prelude]

#[derive(::kv_runtime::KvEntity)]
#[kv(prefix = "user", group = "profile", ttl = "1h", group(name = "settings", optional))]
#[serde(default)]
struct User {
    #[kv(id, ordered)]
    id: Id,
    name: ::std::string::String,
    #[kv(group = "settings", index)]
    #[serde(default)]
    theme: ::std::option::Option<u8>,
    #[kv(skip)]
    skipped: u8,
}

impl ::std::default::Default for User {
    fn default() -> Self {
        User { id: Id(0), name: ::std::string::String::new(), theme: ::std::option::Option::None, skipped: 0 }
    }
}

#[derive(::kv_runtime::KvEntity)]
#[kv(prefix = "generic")]
struct Generic<T> {
    #[kv(id)]
    kind: Kind,
    #[kv(expires_at)]
    at: ::std::time::SystemTime,
    value: T,
}

#[derive(
    ::kv_runtime::KvId,
    ::std::clone::Clone,
    ::std::cmp::PartialEq,
    ::std::cmp::Eq,
    ::std::hash::Hash,
    ::std::fmt::Debug,
)]
struct Id(u64);

#[derive(
    ::kv_runtime::KvId,
    ::std::clone::Clone,
    ::std::cmp::PartialEq,
    ::std::cmp::Eq,
    ::std::hash::Hash,
    ::std::fmt::Debug,
)]
enum Kind {
    One,
}

fn main() {
    let user: User = ::std::default::Default::default();
    ::std::assert_eq!(::kv_runtime::KvEntity::id(&user), Id(0));
    ::std::assert!(user.name.is_empty() && user.theme.is_none() && user.skipped == 0);
    let generic = Generic { kind: Kind::One, at: ::std::time::SystemTime::UNIX_EPOCH, value: 1_u8 };
    ::std::assert_eq!(::kv_runtime::KvEntity::id(&generic), Kind::One);
    ::std::assert_eq!((generic.at, generic.value), (::std::time::SystemTime::UNIX_EPOCH, 1));
}
