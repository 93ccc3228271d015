use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(borrow)]
    name: std::borrow::Cow<'static, str>,
}

fn main() {}
