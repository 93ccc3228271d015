use kv_runtime::KvEntity;

macro_rules! entity {
    ($name:ident, $prefix:literal, $ttl:expr, $view:literal, $id:ty, $field:ident: $ty:ty) => {
        #[derive(KvEntity, Debug)]
        #[kv(prefix = $prefix, ttl = $ttl, group(name = "more", view = $view, derive(Debug)))]
        struct $name {
            #[kv(id, ordered)]
            id: $id,
            from_macro: Vec<$id>,
            #[kv(group = "more")]
            #[serde(rename = "renamed")]
            $field: $ty,
        }
    };
}

entity!(Made, "made", "1h", "More", u64, field: Option<Vec<u8>>);

fn main() {
    let made = Made { id: 1, from_macro: Vec::new(), field: None };
    assert_eq!(made.id(), 1);
    assert_eq!(Made::SCHEMA.groups()[0].ttl().map(|ttl| ttl.as_secs()), Some(3600));
    println!("{made:?} {:?}", More { id: 1, field: None });
}
