// As `renamed = { package = "kv-runtime", ... }` would, and nobody else is called `kv_runtime`.
mod kv_runtime {}
mod deps {
    pub extern crate kv_runtime as renamed;
}

use deps::renamed::{KvEntity, KvId};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(crate = "crate::deps::renamed")]
struct Id(String);

#[derive(KvEntity)]
#[kv(crate = "crate::deps::renamed", prefix = "user", group(name = "other", optional))]
struct User<T> {
    #[kv(id)]
    id: Id,
    name: String,
    #[kv(group = "other")]
    other: Option<T>,
}

mod inner {
    use super::deps::renamed;

    #[derive(renamed::KvEntity)]
    #[kv(prefix = "relative", crate = "renamed")]
    pub struct Relative {
        #[kv(id)]
        pub id: u8,
    }
}

fn main() {
    let user = User { id: Id("a".to_owned()), name: String::new(), other: Some(1_u8) };
    assert_eq!(user.id(), Id("a".to_owned()));
    assert!(user.name.is_empty() && user.other.is_some());
    assert_eq!(inner::Relative { id: 1 }.id(), 1);
}
