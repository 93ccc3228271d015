mod outer {
    pub mod inner {
        use kv_runtime::KvEntity;
        use serde::{Deserialize, Serialize};

        #[derive(Serialize, Deserialize, Default)]
        struct Private;

        #[derive(KvEntity)]
        #[kv(prefix = "user", group = "a", group(name = "b"))]
        pub(in crate::outer) struct User {
            #[kv(id)]
            pub(in crate::outer) id: u64,
            private: Private,
            pub(super) shown: u8,
            #[kv(group = "b")]
            pub(crate) other: u8,
        }

        pub(in crate::outer) fn user() -> User {
            User { id: 1, private: Private, shown: 1, other: 2 }
        }
    }

    pub fn test() -> u64 {
        let user = inner::user();
        let view = inner::UserB { id: user.id, other: user.other };
        view.id + u64::from(user.shown) + u64::from(view.other)
    }
}

fn main() {
    assert_eq!(outer::test(), 4);
}
