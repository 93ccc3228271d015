mod a {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", group(name = "settings"))]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub name: String,
        #[kv(group = "settings")]
        pub theme: String,
    }
}

mod b {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", group(name = "settings"))]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub login: String,
        #[kv(group = "settings")]
        pub dark: bool,
    }
}

kv_runtime::schema! { Whole: a::User, b::UserProfile }
kv_runtime::schema! { Views: a::UserProfile, b::UserProfile }

fn main() {}
