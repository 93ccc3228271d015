use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user:v-1.0_x", group = "profile", version = 2, oldest = 2, ttl = "1h30m", codec = "json")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {
    let user = User { id: 1, name: String::new() };
    assert_eq!(user.id(), 1);
    assert!(user.name.is_empty());
    assert_eq!(User::SCHEMA.groups()[0].version(), 2);
}
