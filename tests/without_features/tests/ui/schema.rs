use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

kv_runtime::schema! { App: User }

fn main() {
    App::schema().check_lock("kv.lock").unwrap();
}
