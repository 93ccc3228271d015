use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User<T> {
    #[kv(id)]
    id: u64,
    #[serde(bound = "T: Clone")]
    name: T,
}

fn main() {}
