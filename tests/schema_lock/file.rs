//! The file: made, updated, overwritten, refused.

use std::fs;
use std::path::PathBuf;

use kv_runtime::schema::{LockError, LockMode, Schema};

use crate::releases;

releases! {
    released {
        #[derive(KvEntity)]
        #[kv(prefix = "user", group = "profile")]
        pub struct User { #[kv(id)] id: u64, name: String }
    }
    today {
        #[derive(KvEntity)]
        #[kv(prefix = "user", group = "profile")]
        pub struct User { #[kv(id)] id: u64, user_name: String }
    }
}

mod v3 {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", version = 2, oldest = 2, ttl = "1h")]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub user_name: String,
    }
    kv_runtime::schema! { pub App: User }
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kv-schema.lock");
    (dir, path)
}

fn versions(path: &PathBuf) -> Vec<u64> {
    let lock: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    lock["releases"].as_array().unwrap().iter().map(|it| it["version"].as_u64().unwrap()).collect()
}

#[test]
fn a_lock_is_made_on_demand() {
    let (_dir, path) = place();
    let error = v1::App::schema().check_lock_as(&path, LockMode::Check).unwrap_err();
    assert!(error.to_string().contains("KV_SCHEMA_LOCK=update makes it"), "{error}");
    assert!(!path.exists());
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    v1::App::schema().check_lock_as(&path, LockMode::Check).unwrap();
    // The test of an application, whose environment has no `KV_SCHEMA_LOCK`.
    v1::App::schema().check_lock(&path).unwrap();
}

#[test]
fn an_update_keeps_what_was_released() {
    let (_dir, path) = place();
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    let released = fs::read_to_string(&path).unwrap();
    for mode in [LockMode::Check, LockMode::Update] {
        let error = v2::App::schema().check_lock_as(&path, mode).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("renamed(from = \"name\", since = 2)"), "{text}");
        assert!(text.contains("KV_SCHEMA_LOCK=overwrite"), "{text}");
        assert_eq!(format!("{error:?}"), text);
        assert_eq!(fs::read_to_string(&path).unwrap(), released);
    }
    // A raised version is recorded beside the released one, and its TTL with it.
    let error = v3::App::schema().check_lock_as(&path, LockMode::Check).unwrap_err();
    assert!(matches!(&error, LockError::Differs { differences, .. } if differences.len() == 2), "{error}");
    assert!(!error.to_string().contains("overwrite"), "{error}");
    v3::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    assert_eq!(versions(&path), [1, 2]);
    v3::App::schema().check_lock_as(&path, LockMode::Check).unwrap();
}

#[test]
fn overwriting_is_for_what_was_not_released() {
    let (_dir, path) = place();
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    v2::App::schema().check_lock_as(&path, LockMode::Overwrite).unwrap();
    assert_eq!(versions(&path), [1]);
    assert!(fs::read_to_string(&path).unwrap().contains("user_name"));
    v3::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    v2::App::schema().check_lock_as(&path, LockMode::Overwrite).unwrap();
    assert_eq!(versions(&path), [1]);
}

/// Two updates in a row do not make a move pass.
#[test]
fn a_move_is_never_recorded_by_an_update() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "a", group(name = "b"))]
            pub struct User { #[kv(id)] id: u64, one: u8, two: u8, #[kv(group = "b")] three: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "a", version = 2, oldest = 2, group(name = "b", version = 2, oldest = 2))]
            pub struct User { #[kv(id)] id: u64, one: u8, #[kv(group = "b")] two: u8, #[kv(group = "b")] three: u8 }
        }
    }
    let (_dir, path) = place();
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    for _ in 0..2 {
        let error = v2::App::schema().check_lock_as(&path, LockMode::Update).unwrap_err();
        assert!(error.to_string().contains("this is no step"), "{error}");
    }
    v2::App::schema().check_lock_as(&path, LockMode::Overwrite).unwrap();
    v2::App::schema().check_lock_as(&path, LockMode::Check).unwrap();
}

#[test]
fn a_removed_entity_stays_in_the_lock_and_is_reported_once() {
    let (_dir, path) = place();
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    assert!(Schema::default().check_lock_as(&path, LockMode::Check).is_err());
    Schema::default().check_lock_as(&path, LockMode::Update).unwrap();
    Schema::default().check_lock_as(&path, LockMode::Check).unwrap();
    assert_eq!(versions(&path), [1]);
    // An entity that reuses the prefix would read the old records.
    assert!(v2::App::schema().check_lock_as(&path, LockMode::Update).is_err());
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let (_dir, path) = place();
    fs::write(&path, "{}").unwrap();
    let error = v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap_err();
    assert!(matches!(error, LockError::Malformed { .. }), "{error}");
    fs::write(&path, r#"{"format": 2, "releases": []}"#).unwrap();
    let error = v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap_err();
    assert!(matches!(error, LockError::Format { found: 2, .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"format": 2, "releases": []}"#);
}

/// A lock of three versions, as it is written.
fn three_versions() -> (tempfile::TempDir, PathBuf, String) {
    let (dir, path) = place();
    v1::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    v3::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    v4::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    (dir, path, text)
}

mod v4 {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", version = 3, oldest = 3, ttl = "1h")]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub user_name: String,
        pub more: u8,
    }
    kv_runtime::schema! { pub App: User }
}

/// Checks that this text is refused as a lock, and whether an overwrite accepts it.
fn refused(path: &PathBuf, text: &str, overwrite: bool) -> String {
    fs::write(path, text).unwrap();
    let refusal = |mode| v4::App::schema().check_lock_as(path, mode).unwrap_err();
    let error = refusal(LockMode::Check);
    assert!(matches!(error, LockError::Edited { .. }), "{error}");
    assert_eq!(refusal(LockMode::Update).to_string(), error.to_string());
    assert_eq!(fs::read_to_string(path).unwrap(), text, "it is left as it is");
    if overwrite {
        v4::App::schema().check_lock_as(path, LockMode::Overwrite).unwrap();
        v4::App::schema().check_lock_as(path, LockMode::Check).unwrap();
    } else {
        refusal(LockMode::Overwrite);
    }
    error.to_string()
}

/// The lock's text with its releases changed.
fn with_releases(text: &str, change: impl FnOnce(&mut Vec<serde_json::Value>)) -> String {
    let mut lock: serde_json::Value = serde_json::from_str(text).unwrap();
    change(lock["releases"].as_array_mut().unwrap());
    serde_json::to_string_pretty(&lock).unwrap() + "\n"
}

#[test]
fn two_releases_of_one_version_are_refused() {
    let (_dir, path, text) = three_versions();
    let twice = with_releases(&text, |releases| releases.insert(1, releases[1].clone()));
    let told = refused(&path, &twice, false);
    assert!(told.contains("version 2 of `User.profile` twice"), "{told}");
    assert!(told.contains("raise `version` to 3"), "{told}");
}

#[test]
fn an_entry_that_is_deleted_or_edited_is_refused() {
    let (_dir, path, text) = three_versions();
    let told = refused(&path, &with_releases(&text, |releases| drop(releases.remove(1))), true);
    assert!(told.contains("version 3 of `User.profile` follows version 2"), "{told}");
    for (from, to) in [
        (r#""u8""#, r#""u16""#),
        (r#""prefix": "user""#, r#""prefix": "usr""#),
        (r#""ttl": 3600"#, r#""ttl": 60"#),
    ] {
        assert!(text.contains(from), "{text}");
        let told = refused(&path, &text.replacen(from, to, 1), true);
        assert!(told.contains("User"), "{told}");
    }
    for edited in [text.replace("\"format\": 1,", "\"format\": 1, \"more\": 2,"), text.trim_end().to_owned()]
    {
        let told = refused(&path, &edited, true);
        assert!(told.contains("does not write"), "{told}");
    }
}
