//! What lies further down.

use kv_runtime::schema::Effect::{Additive, Breaking, New};

use crate::{between, only, releases};

#[test]
fn a_field_of_a_nested_struct() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            pub struct Address { street: String }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, address: Option<Address>, all: Vec<Address> }
        }
        today {
            #[derive(Serialize, Deserialize)]
            pub struct Address { street: String, zip: u32 }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, address: Option<Address>, all: Vec<Address> }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [one, all] = differences.as_slice() else { panic!("{differences:#?}") };
    // Old code's update of an object keeps what it does not know, but it cannot tell an array's
    // elements from one another.
    assert_eq!((one.effect, all.effect), (Additive, Breaking));
    assert_eq!(one.what, "`User` version 1 is released without `address.zip: u32`, which it has today");
    assert_eq!(all.what, "`User` version 1 is released without `all[].zip: u32`, which it has today");
    assert!(one.mend.contains("`#[kv(step(1 => path::to::up))]`"), "{}", one.mend);
}

#[test]
fn a_nested_rename_and_another_type() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            pub struct Address { street: String, zip: u32, of: uuid::Uuid }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, address: Address }
        }
        today {
            #[derive(Serialize, Deserialize)]
            pub struct Address { #[serde(rename = "road")] street: String, zip: String, of: uuid::Uuid }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, address: Address }
        }
    }
    let whats: Vec<_> =
        between(&v1::App::schema(), &v2::App::schema()).into_iter().map(|it| it.what).collect();
    assert_eq!(
        whats,
        [
            "`User` version 1 is released with `address.street: String`; today it has `address.road: String`",
            "`User` version 1 is released with `address.zip: u32`; today it has `address.zip: string`",
        ]
    );
}

#[test]
fn a_new_variant_of_a_nested_enum() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            pub enum Role { Guest, Member { since: u32 } }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, roles: Vec<Role> }
        }
        today {
            #[derive(Serialize, Deserialize)]
            pub enum Role { Guest, Member { since: u64 }, Admin }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, roles: Vec<Role> }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [variant, field] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((variant.effect, field.effect), (Breaking, Breaking));
    assert_eq!(
        variant.what,
        "`User` version 1 is released without the variant `Admin` of `roles[]`, which older code cannot read"
    );
    assert!(field.what.contains("`roles[].Member.since: u32`"), "{}", field.what);
}

#[test]
fn a_new_variant_of_an_enum_with_a_tag() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            #[serde(tag = "kind")]
            pub enum Role { Guest, Member { since: u32 } }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, role: Role }
        }
        today {
            #[derive(Serialize, Deserialize)]
            #[serde(tag = "kind")]
            pub enum Role { Guest, Member { since: u32 }, Admin }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, role: Role }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.contains("without the variant `Admin` of `role`"), "{what}");
}

/// What hides its shape is known by its type, and hides nothing else.
#[test]
fn opaque_types() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            #[serde(untagged)]
            pub enum Filter { Number(u8), Text(String) }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, filter: Filter, any: serde_json::Value, last: u8 }
        }
        today {
            #[derive(Serialize, Deserialize)]
            #[serde(untagged)]
            pub enum Sieve { Number(u8), Text(String) }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, filter: Sieve, any: serde_json::Value, last: u16 }
        }
    }
    let json = v1::App::schema().to_string();
    assert!(json.contains(r#""opaque": "Filter""#) && json.contains(r#""opaque": "Value""#), "{json}");
    let whats: Vec<_> =
        between(&v1::App::schema(), &v2::App::schema()).into_iter().map(|it| it.what).collect();
    assert_eq!(
        whats,
        [
            "`User` version 1 is released with `filter: Filter`; today it has `filter: Sieve`",
            "`User` version 1 is released with `last: u8`; today it has `last: u16`",
        ]
    );
}

#[test]
fn a_flattened_member_leaves_the_types() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User {
                #[kv(id)] id: u64, name: String, #[serde(flatten)] rest: serde_json::Map<String, serde_json::Value>,
            }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User {
                #[kv(id)] id: u64, name: Vec<u8>, #[serde(flatten)] rest: serde_json::Map<String, serde_json::Value>,
            }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(what, "`User` version 1 is released with `name: String`; today it has `name: Vec<u8>`");
}

#[test]
fn adding_flatten_needs_a_new_version() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", oldest = 2, version = 2)]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", oldest = 2, version = 2)]
            pub struct User {
                #[kv(id)] id: u64,
                name: String,
                #[serde(flatten)] rest: std::collections::BTreeMap<String, serde_json::Value>,
            }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [rest, _hidden] = differences.as_slice() else { panic!("{differences:#?}") };
    assert!(rest.mend.starts_with("raise `version` to 3 and write `#[kv(step(2 => "), "{}", rest.mend);

    /// There is nothing to change.
    mod raised {
        use kv_runtime::KvEntity;
        use kv_runtime::migrate::Object;

        #[allow(dead_code)]
        #[derive(KvEntity)]
        #[kv(prefix = "user", oldest = 2, version = 3, step(2 => keep, compatible))]
        pub struct User {
            #[kv(id)]
            id: u64,
            name: String,
            #[serde(flatten)]
            rest: std::collections::BTreeMap<String, serde_json::Value>,
        }

        fn keep(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
            Ok(())
        }

        kv_runtime::schema! { pub App: User }
    }
    assert_eq!(only(&v1::App::schema(), &raised::App::schema()).0, New);
}

#[test]
fn what_a_struct_variant_says_of_its_fields() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            pub enum Role { Member { #[serde(default)] since: u32 } }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, role: Role }
        }
        today {
            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub enum Role { Member { since: u32 } }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, role: Role }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    assert!(differences.iter().all(|it| it.effect == Breaking), "{differences:#?}");
    let whats: Vec<_> = differences.iter().map(|it| it.what.as_str()).collect();
    let [missing, denied] = whats.as_slice() else { panic!("{whats:#?}") };
    assert!(
        missing.contains("values without `role.Member.since` are read; today they are refused"),
        "{missing}"
    );
    assert!(denied.contains("deny_unknown_fields"), "{denied}");
}

#[test]
fn a_field_that_loses_its_default_while_its_type_gains_a_field() {
    releases! {
        released {
            #[derive(Serialize, Deserialize, Default)]
            pub struct Address { street: String }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[serde(default)] address: Address }
        }
        today {
            #[derive(Serialize, Deserialize, Default)]
            pub struct Address { street: String, #[serde(default)] zip: u32 }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, address: Address }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [added, missing] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((added.effect, missing.effect), (Additive, Breaking));
    assert!(
        missing.what.contains("values without `address` are read; today they are refused"),
        "{}",
        missing.what
    );
}

#[test]
fn a_recursion_that_points_at_another_type() {
    releases! {
        released {
            #[derive(Serialize, Deserialize)]
            pub struct Tree { leaves: Vec<Leaf> }
            #[derive(Serialize, Deserialize)]
            pub struct Leaf { next: Option<Box<Leaf>> }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, tree: Tree }
        }
        today {
            #[derive(Serialize, Deserialize)]
            pub struct Tree { leaves: Vec<Leaf> }
            #[derive(Serialize, Deserialize)]
            pub struct Leaf { next: Option<Box<Tree>> }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, tree: Tree }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.contains("itself") && what.contains("the type 1 further out"), "{what}");
}
