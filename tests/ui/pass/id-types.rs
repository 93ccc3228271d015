use kv_runtime::{KvEntity, KvId};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrgId(Box<str>);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outer(Inner);

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[kv(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Inner {
    FirstOne,
    #[kv(rename = "zweites")]
    SecondOne,
}

#[derive(KvEntity)]
#[kv(prefix = "flag")]
struct Flag {
    #[kv(id)]
    org: OrgId,
    #[kv(id)]
    outer: Outer,
}

fn main() {
    let flag = Flag { org: OrgId("a".into()), outer: Outer(Inner::FirstOne) };
    assert_eq!(flag.id(), (OrgId("a".into()), Outer(Inner::FirstOne)));
    assert_eq!(Outer::decode("zweites", false), Some(Outer(Inner::SecondOne)));
    assert_eq!(Outer::decode("FIRST-ONE", false), Some(Outer(Inner::FirstOne)));
}
