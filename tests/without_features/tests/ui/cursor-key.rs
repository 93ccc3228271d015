use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;

fn main() {
    let kv = Kv::new(MemoryStore::new()).with_cursor_key([7; 32]);
    drop(kv);
}
