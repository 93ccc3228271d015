use kv_runtime::{Codec, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "user", codec = "postcard", group = "profile", group(name = "settings", codec = "json"))]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(skip)]
    skipped: u8,
    #[serde(skip_serializing, skip_deserializing)]
    neither: u8,
    name: String,
    #[kv(group = "settings")]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    theme: Option<String>,
}

fn main() {
    let groups = User::SCHEMA.groups();
    assert_eq!([groups[0].codec(), groups[1].codec()], [Codec::Postcard, Codec::Json]);
    assert_eq!(UserProfile::SCHEMA.groups()[0].codec(), Codec::Postcard);
    let user = User { id: 1, skipped: 0, neither: 0, name: String::new(), theme: None };
    assert_eq!((user.id(), user.skipped + user.neither, user.name.len(), user.theme), (1, 0, 0, None));
}
