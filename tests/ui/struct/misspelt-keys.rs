use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefx = "user", grup(nme = "settings", optonal), verson = 2)]
struct User {
    #[kv(idd)]
    id: u64,
    name: String,
    #[kv(grop = "settings")]
    theme: String,
}

fn main() {}
