use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "point")]
struct Point {
    #[kv(id)]
    x: f64,
    name: String,
}

fn main() {}
