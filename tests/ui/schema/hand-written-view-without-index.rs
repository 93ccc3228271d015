#[derive(kv_runtime::KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(group = "settings")]
    theme: String,
}

/// It would write the group without the entries of its index.
#[derive(kv_runtime::KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct Profile {
    #[kv(id)]
    id: u64,
    email: String,
}

kv_runtime::schema! { WithView: User, UserProfile, UserSettings }
kv_runtime::schema! { ByHand: User, Profile }

fn main() {}
