#![no_implicit_prelude]
#![deny(warnings)]

use ::kv_runtime::KvEntity;

mod predecessors {
    use ::kv_runtime::KvEntity;

    #[derive(KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    struct UserV1 {
        #[kv(id)]
        id: u64,
        name: ::std::string::String,
    }

    /// Public, and made of something private.
    #[derive(KvEntity)]
    #[kv(prefix = "user", group = "profile", version = 2, write_version = 1, previous = UserV1)]
    pub struct UserV2 {
        #[kv(id)]
        pub id: u64,
        pub names: ::std::vec::Vec<::std::string::String>,
    }

    impl ::core::convert::From<UserV1> for UserV2 {
        fn from(old: UserV1) -> Self {
            Self { id: old.id, names: ::std::vec![old.name] }
        }
    }

    impl ::core::convert::From<&UserV2> for UserV1 {
        fn from(new: &UserV2) -> Self {
            Self { id: new.id, name: new.names.join(" ") }
        }
    }

    #[derive(KvEntity)]
    #[kv(prefix = "cell")]
    struct CellV1<T: ::core::clone::Clone> {
        #[kv(id)]
        id: u64,
        value: T,
    }

    #[derive(KvEntity)]
    #[kv(prefix = "cell", version = 2, previous = CellV1<T>)]
    pub struct Cell<T: ::core::clone::Clone> {
        #[kv(id)]
        pub id: u64,
        pub values: ::std::vec::Vec<T>,
    }

    impl<T: ::core::clone::Clone> ::core::convert::From<CellV1<T>> for Cell<T> {
        fn from(old: CellV1<T>) -> Self {
            Self { id: old.id, values: ::std::vec![old.value] }
        }
    }
}

macro_rules! user {
    ($name:ident, $previous:path, $default:expr, $since:literal) => {
        #[derive(KvEntity)]
        #[kv(prefix = "user", group = "profile", version = 4, previous = $previous)]
        #[kv(step(3 => up, down = up, compatible))]
        struct $name {
            #[kv(id)]
            id: u64,
            names: ::std::vec::Vec<::std::string::String>,
            #[kv(added(since = $since, default = $default))]
            visits: u32,
        }
    };
}

user!(User, predecessors::UserV2, 3 + 4, 3);

impl ::core::convert::From<predecessors::UserV2> for User {
    fn from(old: predecessors::UserV2) -> Self {
        Self { id: old.id, names: old.names, visits: 0 }
    }
}

fn up(_: &mut ::kv_runtime::migrate::Object) -> ::core::result::Result<(), ::kv_runtime::BoxError> {
    ::core::result::Result::Ok(())
}

fn main() {
    let User { id: _, names: _, visits: _ } = User { id: 1, names: ::std::vec![], visits: 0 };
    let _ = <predecessors::Cell<u8> as KvEntity>::SCHEMA;
}
