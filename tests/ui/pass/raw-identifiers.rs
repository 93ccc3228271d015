use kv_runtime::KvEntity;

#[allow(non_camel_case_types)]
#[derive(KvEntity, Debug)]
#[kv(prefix = "type", view = "Anchor", derive(Debug), group(name = "impl", view = "Impl", derive(Debug)))]
struct r#type {
    #[kv(id)]
    r#fn: u64,
    r#match: String,
    #[kv(group = "impl")]
    r#impl: u8,
}

#[allow(non_camel_case_types)]
#[derive(KvEntity, serde::Serialize, serde::Deserialize)]
#[kv(prefix = "tree")]
struct r#enum {
    #[kv(id)]
    id: u64,
    children: Vec<Self>,
}

fn main() {
    assert_eq!(r#enum { id: 1, children: Vec::new() }.children.len(), 0);
    let entity = r#type { r#fn: 1, r#match: String::new(), r#impl: 2 };
    assert_eq!(entity.id(), 1);
    assert_eq!(r#type::SCHEMA.name(), "type");
    assert_eq!(r#type::SCHEMA.ids()[0].name(), "fn");
    println!("{entity:?} {:?} {:?}", Anchor { r#fn: 1, r#match: String::new() }, Impl { r#fn: 1, r#impl: 2 });
}
