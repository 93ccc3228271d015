//! Fields of the value itself.

use kv_runtime::schema::Effect::{Additive, Breaking, New, Policy};

use crate::{between, only, releases};

mod text {
    pub fn upper<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

#[test]
fn an_unchanged_schema_is_no_difference() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] id: u64, name: String, id_card: Option<u32> }
        }
        today {
            // Names of types and of ids are not stored, nor is the order of members in JSON.
            #[derive(Serialize, Deserialize)]
            pub struct Name(String);
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] number: u64, id_card: Option<u32>, name: Name }
        }
    }
    assert_eq!(between(&v1::App::schema(), &v2::App::schema()), []);
    assert_eq!(v1::App::schema(), v1::App::schema());
    assert_eq!(v1::App::schema().to_string(), v1::App::schema().to_string());
}

#[test]
fn a_renamed_field() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] id: u64, name: String, age: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] id: u64, user_name: String, age: u8 }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(
        what,
        "`User.profile` version 2 is released with `name: String`; today it has `user_name: String`"
    );
    assert_eq!(mend, "raise `version` to 3 and mark the field `#[kv(renamed(from = \"name\", since = 3))]`");
}

#[test]
fn added_fields() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String, role: u8, email: Option<String> }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [role, email] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((role.effect, email.effect), (Additive, Additive));
    assert_eq!(role.what, "`User` version 1 is released without `role: u8`, which it has today");
    assert_eq!(role.mend, "raise `version` to 2 and mark the field `#[kv(added(since = 2, default = ...))]`");
    assert_eq!(email.mend, "raise `version` to 2 and mark the field `#[kv(added(since = 2))]`");
}

#[test]
fn an_added_field_where_unknown_ones_are_refused() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            #[serde(deny_unknown_fields)]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            #[serde(deny_unknown_fields)]
            pub struct User { #[kv(id)] id: u64, name: String, role: u8 }
        }
    }
    assert_eq!(only(&v1::App::schema(), &v2::App::schema()).0, Breaking);
}

#[test]
fn a_removed_field() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String, age: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(what, "`User` version 1 is released with `age: u8`; today it has none");
    assert!(mend.contains("`#[kv(removed(name = \"age\", since = 2))]`"), "{mend}");
}

#[test]
fn a_retyped_field() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, age: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, age: Option<u8> }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(what, "`User` version 1 is released with `age: u8`; today it has `age: Option<u8>`");
    assert!(mend.contains("raise `version` to 2 and write `#[kv(step(1 => path::to::up))]`"), "{mend}");
}

#[test]
fn texts_that_become_something_else() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, owner: uuid::Uuid }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, owner: std::net::IpAddr }
        }
    }
    assert_eq!(only(&v1::App::schema(), &v2::App::schema()).0, Breaking);
}

#[test]
fn serde_attributes() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[serde(default)] plain: String, written: String }
        }
        today {
            use super::text;
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            #[serde(rename_all = "camelCase")]
            pub struct User { #[kv(id)] id: u64, plain: String, #[serde(deserialize_with = "text::upper")] written: String }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [plain, written] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((plain.effect, written.effect), (Breaking, Breaking));
    assert_eq!(
        plain.what,
        "`User` version 1 is released so that values without `plain` are read; today they are refused"
    );
    assert_eq!(
        written.what,
        "`User` version 1 is released with `written` as `#[serde()]`; today it is `#[serde(deserialize_with = \"text::upper\")]`"
    );
}

#[test]
fn a_serde_attribute_that_renames() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, user_name: String, age: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            #[serde(rename_all = "camelCase")]
            pub struct User { #[kv(id)] id: u64, user_name: String, age: u8 }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.contains("`user_name: String`; today it has `userName: String`"), "{what}");
    assert!(mend.contains("renamed(from = \"user_name\", since = 2)"), "{mend}");
}

#[test]
fn attributes_that_only_read_more() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String, age: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[serde(alias = "called")] name: String, #[serde(default)] age: u8 }
        }
    }
    let effects: Vec<_> =
        between(&v1::App::schema(), &v2::App::schema()).iter().map(|it| it.effect).collect();
    assert_eq!(effects, [Policy, Policy]);
}

#[test]
fn unknown_fields_denied() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            #[serde(deny_unknown_fields)]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.contains("today they are refused (`deny_unknown_fields`)"), "{what}");
}

#[test]
fn a_raised_version_may_have_any_shape() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] id: u64, age: Vec<u8> }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!((effect, what.as_str()), (New, "version 2 of `User` is not in the lock"));
    assert_eq!(mend, "record it: KV_SCHEMA_LOCK=update");
    // And it never goes back.
    let (effect, what, _) = only(&v2::App::schema(), &v1::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(what, "`User` was released as version 2; today it is version 1, which cannot read that");
}

#[test]
fn a_binary_codec_tells_fields_by_their_order() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", codec = "postcard")]
            pub struct User { #[kv(id)] id: u64, a: u8, b: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", codec = "postcard")]
            pub struct User { #[kv(id)] id: u64, b: u8, a: u8, c: u8 }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [added, order] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((added.effect, order.effect), (Breaking, Breaking));
    assert!(order.what.contains("released in the order a, b; today it is b, a, c"), "{}", order.what);
    assert!(added.mend.contains("`#[kv(previous = UserV1)]`"), "{}", added.mend);
}

#[test]
fn another_codec() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", codec = "postcard")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.starts_with("`User` version 1 is released in json; today it is postcard"), "{what}");
    assert_eq!(mend, "raise `version` to 2");
}
