use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;

struct Plain {
    id: u64,
}

fn collect(kv: Kv<MemoryStore>) {
    let _ = kv.collection::<Plain>();
}

fn main() {}
