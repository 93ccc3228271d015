use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "org")]
struct Team {
    #[kv(id)]
    org: String,
    #[kv(id)]
    number: u32,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org:member")]
struct Member {
    #[kv(id)]
    number: u32,
    name: String,
}

// The organisation "member" would have its teams where the members are.
kv_runtime::schema! { App: Team, Member }

fn main() {}
