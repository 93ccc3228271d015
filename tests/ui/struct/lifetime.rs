use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User<'a> {
    #[kv(id)]
    id: u64,
    name: &'a str,
}

#[derive(KvEntity)]
#[kv(prefix = "page")]
struct Page<'a, T: Clone + 'a> {
    #[kv(id)]
    id: &'a str,
    body: T,
}

#[derive(KvEntity)]
#[kv(prefix = "tag")]
struct Tag {
    #[kv(id)]
    id: u64,
    name: &'static str,
}

fn main() {}
