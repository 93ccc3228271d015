//! Keys: what no version goes with.

use kv_runtime::schema::Effect::{Breaking, New, Policy};
use kv_runtime::schema::{Lock, Schema};

use crate::{between, only, releases};

#[test]
fn another_prefix() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            // A raised version does not help.
            #[derive(KvEntity)]
            #[kv(prefix = "account", version = 2, oldest = 2)]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    assert_eq!(differences[0].effect, Breaking);
    assert_eq!(
        differences[0].what,
        "`User` was released with the prefix `user`; today it is `account`, and no record is found under it"
    );
}

#[test]
fn another_id_type_and_order() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id, ordered)] id: u64, name: String }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(what, "`User` was released with the id (id: u64); today it is (id: u64, ordered)");
    assert!(mend.starts_with("no step can change keys"), "{mend}");
}

#[test]
fn a_shard_id_is_another_key() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] org: String, #[kv(id)] number: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id, shard)] org: String, #[kv(id)] number: u64, name: String }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert_eq!(
        what,
        "`User` was released without a shard id; today it is `org`. With hash tags, as on every Redis cluster, its keys are \
         others, and no record is found under them"
    );
    assert!(mend.starts_with("put it back; or move the records before the release"), "{mend}");
    assert!(mend.contains("`Add a shard id`") && mend.contains("KV_SCHEMA_LOCK=overwrite"), "{mend}");
    let (effect, what, _) = only(&v2::App::schema(), &v1::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.starts_with("`User` was released with the shard id `org`; today it has none"), "{what}");
    // The lock keeps it, and an older lock, which says nothing of it, means none.
    assert!(Lock::of(&v2::App::schema()).to_string().contains("\"shard\": true"));
    assert!(!Lock::of(&v1::App::schema()).to_string().contains("shard"));
}

#[test]
fn exchanged_ids() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] org: u64, #[kv(id)] number: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] number: u64, #[kv(id)] org: u64, name: String }
        }
    }
    assert_eq!(only(&v1::App::schema(), &v2::App::schema()).0, Breaking);
}

#[test]
fn another_ttl_is_to_be_confirmed() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", ttl = "24h")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", ttl = "1h")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Policy);
    assert!(
        what.starts_with("`User` was released with a TTL of 86400 s; today it is with a TTL of 3600 s"),
        "{what}"
    );
    assert!(mend.contains("confirm it: KV_SCHEMA_LOCK=update"), "{mend}");
}

#[test]
fn a_renamed_struct_stores_the_same() {
    mod other {
        #[derive(kv_runtime::KvEntity)]
        #[kv(prefix = "user")]
        pub struct Account {
            #[kv(id)]
            pub id: u64,
            pub name: String,
        }
        kv_runtime::schema! { pub App: Account }
    }
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    assert_eq!(between(&v1::App::schema(), &v2::App::schema()), []);
    let (effect, what, _) = only(&v1::App::schema(), &other::App::schema());
    assert_eq!(effect, Policy);
    assert_eq!(what, "`User` was released under this prefix; today it is called `Account`");
}

#[test]
fn new_and_vanished_entities() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, name: String }
        }
    }
    let (effect, what, _) = only(&Schema::default(), &v2::App::schema());
    assert_eq!((effect, what.as_str()), (New, "`User` is not in the lock"));
    let (effect, what, _) = only(&v1::App::schema(), &Schema::default());
    assert_eq!(effect, Policy);
    assert!(what.starts_with("`User` was released and is no longer in the schema"), "{what}");
    assert_eq!(v1::App::schema().compare(&Lock::of(&v2::App::schema())), []);
}
