#[derive(kv_runtime::KvEntity)]
#[kv(prefix = "org")]
struct Org {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    name: String,
}

#[derive(kv_runtime::KvEntity)]
#[kv(prefix = "org")]
struct Member {
    #[kv(id)]
    org: u64,
    #[kv(id)]
    id: u64,
    #[kv(index)]
    name: String,
}

#[derive(kv_runtime::KvEntity)]
#[kv(prefix = "org:member")]
struct Renamed {
    #[kv(id)]
    org: u64,
    #[kv(id)]
    id: u64,
    #[kv(index)]
    name: String,
}

kv_runtime::schema! { App: Org, Renamed, Member }

fn main() {}
