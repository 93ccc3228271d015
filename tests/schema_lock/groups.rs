//! Several groups: their views, moved fields, which is the first.

use kv_runtime::schema::Effect::{Breaking, New, Policy};

use crate::{between, only, releases};

#[test]
fn a_field_in_another_group() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "settings"))]
            pub struct User { #[kv(id)] id: u64, name: String, theme: u8, #[kv(group = "settings")] items: u32 }
        }
        today {
            // Raised versions do not help either.
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2, group(name = "settings", version = 2, oldest = 2))]
            pub struct User { #[kv(id)] id: u64, name: String, #[kv(group = "settings")] theme: u8, #[kv(group = "settings")] items: u32 }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [moved, profile, settings] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((moved.effect, profile.effect, settings.effect), (Breaking, New, New));
    assert_eq!(moved.what, "`theme` was released in `User.profile`; today it is in `User.settings`");
    assert_eq!(
        moved.mend,
        "this is no step: add it to `User.settings` and leave it in `User.profile`, write both, backfill, and remove it from \
         `User.profile` in a later release"
    );
}

#[test]
fn a_moved_field_is_reported_once() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "settings"))]
            pub struct User { #[kv(id)] id: u64, name: String, theme: u8, #[kv(group = "settings")] items: u32 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "settings"))]
            pub struct User { #[kv(id)] id: u64, name: String, #[kv(group = "settings")] theme: u8, #[kv(group = "settings")] items: u32 }
        }
    }
    assert!(only(&v1::App::schema(), &v2::App::schema()).1.starts_with("`theme` was released in"));
}

/// Added to the new group, and left in the old: that is the way.
#[test]
fn a_field_in_both_groups_is_no_move() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "settings"))]
            pub struct User { #[kv(id)] id: u64, theme: u8, #[kv(group = "settings")] #[serde(rename = "theme")] theme_too: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", version = 2, oldest = 2, group(name = "settings"))]
            pub struct User { #[kv(id)] id: u64, #[serde(skip)] none: (), #[kv(group = "settings")] theme: u8 }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!((effect, what.as_str()), (New, "version 2 of `User.profile` is not in the lock"));
}

#[test]
fn another_first_group() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group(name = "a"), group(name = "b"))]
            pub struct User { #[kv(id)] id: u64, #[kv(group = "a")] one: u8, #[kv(group = "b")] two: u16 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group(name = "b"), group(name = "a"))]
            pub struct User { #[kv(id)] id: u64, #[kv(group = "a")] one: u8, #[kv(group = "b")] two: u16 }
        }
    }
    let (effect, what, _) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Breaking);
    assert!(what.starts_with("`User.a` was released as the first group"), "{what}");
}

#[test]
fn groups_that_come_and_go() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "old"))]
            pub struct User { #[kv(id)] id: u64, name: String, #[kv(group = "old")] was: u8 }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", group(name = "new", optional))]
            pub struct User { #[kv(id)] id: u64, name: String, #[kv(group = "new")] is: u16 }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [new, old] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((new.effect, old.effect), (New, Policy));
    assert_eq!(new.what, "`User.new` is not in the lock");
    assert!(old.what.starts_with("`User.old` was released and is gone today"), "{}", old.what);
}

#[test]
fn a_view_is_a_part_of_its_entity() {
    mod app {
        #[derive(kv_runtime::KvEntity)]
        #[kv(prefix = "user", group = "profile", group(name = "settings"))]
        pub struct User {
            #[kv(id)]
            pub id: u64,
            pub name: String,
            #[kv(group = "settings")]
            pub theme: u8,
        }
        kv_runtime::schema! { pub App: UserSettings, User, UserProfile }
        kv_runtime::schema! { pub Whole: User }
    }
    assert_eq!(app::App::schema(), app::Whole::schema());
}
