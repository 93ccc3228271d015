use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct Account {
    #[kv(id)]
    login: String,
    plan: String,
}

kv_runtime::schema! { pub App: User, Account }

fn main() {}
