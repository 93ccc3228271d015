//! Plain records and the member that holds their version.

use kv_runtime::schema::Effect::{Breaking, Policy};

use crate::{between, only, releases};

#[test]
fn what_is_plain_is_in_the_lock() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", plain, version_in = "v", version_map(-1 => 1, "a" => 1))]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    assert!(!v1::App::schema().to_string().contains("plain"));
    let text = v2::App::schema().to_string();
    for part in [r#""plain": true"#, r#""version_in": "v""#, r#""-1 => 1""#, r#""\"a\" => 1""#] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Policy);
    assert!(what.starts_with("`User` was released with metadata; today its records are plain"), "{what}");
    let (effect, what, _) = only(&v2::App::schema(), &v1::App::schema());
    assert_eq!(effect, Policy);
    assert!(what.contains("other programs cannot read"), "{what}");
}

/// A program that reads numbers as doubles rounds these, so the lock names them where a review sees
/// them.
#[test]
fn integers_that_javascript_rounds_are_in_the_lock() {
    pub mod app {
        use kv_runtime::KvEntity;

        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct Item {
            pub id: u64,
            pub count: u32,
        }

        #[derive(KvEntity)]
        #[kv(prefix = "order", plain)]
        pub struct Order {
            #[kv(id)]
            pub id: u64,
            pub wei: u128,
            #[serde(with = "kv_runtime::json::as_text")]
            pub snowflake: u64,
            pub items: Vec<Item>,
            pub by_day: std::collections::BTreeMap<String, (u8, Option<i64>)>,
        }

        #[derive(KvEntity)]
        #[kv(prefix = "enveloped")]
        pub struct Enveloped {
            #[kv(id)]
            pub id: u64,
            pub wei: u128,
        }

        kv_runtime::schema! { pub App: Order, Enveloped }
    }
    let schema = app::App::schema();
    let [enveloped, order] = schema.entities.as_slice() else { panic!("{schema}") };
    assert_eq!(order.groups[0].javascript_rounds, ["wei", "items[].id", "by_day.*[1]"]);
    assert!(enveloped.groups[0].javascript_rounds.is_empty());
    assert!(schema.to_string().contains(r#""javascript_rounds": ["#));
    // It is no difference: the type that is stored is the same.
    let mut older = schema.clone();
    older.entities[1].groups[0].javascript_rounds.clear();
    assert_eq!(between(&older, &schema), []);
}

#[test]
fn a_version_stays_where_it_is() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", plain, version_in = "v", version_map(-1 => 1))]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", plain, version_in = "meta.v", version_map(-1 => 1))]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(
        what,
        "`User` was released with its version in the member `v`; today it is in the member `meta.v`, where no released \
         record has it"
    );
}

#[test]
fn a_spelling_may_be_added_and_not_be_taken_away() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", plain, version_in = "v", version_map(-1 => 1))]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", plain, version_in = "v", version_map(missing => 1, -1 => 1))]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    assert_eq!(only(&v1::App::schema(), &v2::App::schema()).0, Policy);
    assert_eq!(only(&v2::App::schema(), &v1::App::schema()).0, Breaking);
    assert_eq!(between(&v1::App::schema(), &v1::App::schema()), []);
}
