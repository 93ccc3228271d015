//! A predecessor is what was released, and stays so.

use kv_runtime::schema::Effect::{Breaking, New};
use kv_runtime::schema::{Lock, LockMode, Schema};

/// The entity as it was released.
mod released {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub name: String,
    }
    kv_runtime::schema! { pub App: User }
}

/// The same under another name, and once with a mistake.
mod kept {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    pub struct UserV1 {
        #[kv(id)]
        pub id: u64,
        pub name: String,
    }
    kv_runtime::schema! { pub App: UserV1 }
}

mod edited {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    pub struct UserV1 {
        #[kv(id)]
        pub id: u64,
        pub name: Option<String>,
    }
    kv_runtime::schema! { pub App: UserV1 }
}

mod today {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub names: Vec<String>,
    }
    kv_runtime::schema! { pub App: User }
}

/// Today's schema with a predecessor.
fn today_after(previous: &Schema) -> Schema {
    let mut schema = today::App::schema();
    schema.entities[0].groups[0].previous = Some(Box::new(previous.entities[0].clone()));
    schema
}

#[test]
fn a_predecessor_that_is_what_was_released() {
    let differences = today_after(&kept::App::schema()).compare(&Lock::of(&released::App::schema()));
    let effects: Vec<_> = differences.iter().map(|it| (it.effect, it.what.as_str())).collect();
    assert_eq!(effects, [(New, "version 2 of `User.profile` is not in the lock")]);
}

#[test]
fn an_edited_predecessor() {
    let schema = today_after(&edited::App::schema());
    let differences = schema.compare(&Lock::of(&released::App::schema()));
    let edited = differences.iter().find(|it| it.effect == Breaking).unwrap();
    assert_eq!(
        edited.what,
        "`UserV1` is the predecessor of `User.profile` and no longer what was released as version 1: that is released with \
         `name: String`; `UserV1` has `name: Option<String>`"
    );
    assert_eq!(edited.mend, "put `UserV1` back as it was: records of that version are read by it");

    // It is caught later, too, and an update does not take it for the released shape.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kv-schema.lock");
    released::App::schema().check_lock_as(&path, LockMode::Update).unwrap();
    today_after(&kept::App::schema()).check_lock_as(&path, LockMode::Update).unwrap();
    let lock = std::fs::read_to_string(&path).unwrap();
    schema.check_lock_as(&path, LockMode::Update).unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lock);
    today_after(&kept::App::schema()).check_lock_as(&path, LockMode::Check).unwrap();
}

/// A lock that is younger than the predecessor learns its shape.
#[test]
fn a_predecessor_that_was_never_recorded() {
    let differences = today_after(&kept::App::schema()).compare(&Lock::of(&today::App::schema()));
    let whats: Vec<_> = differences.iter().map(|it| (it.effect, it.what.as_str())).collect();
    assert_eq!(whats, [(New, "version 1 of `User.profile`, its predecessor `UserV1`, is not in the lock")]);
    let lock = Lock::of(&today_after(&kept::App::schema()));
    assert_eq!(today_after(&kept::App::schema()).compare(&lock), []);
    assert_eq!(today_after(&edited::App::schema()).compare(&lock).len(), 1);
}

/// The predecessor as the attribute names it.
mod migrated {
    use super::kept::UserV1;

    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", version = 2, previous = UserV1)]
    pub struct User {
        #[kv(id)]
        pub id: u64,
        pub names: Vec<String>,
    }

    impl From<UserV1> for User {
        fn from(user: UserV1) -> Self {
            Self { id: user.id, names: vec![user.name] }
        }
    }

    kv_runtime::schema! { pub App: User }
}

#[test]
fn the_attribute_shows_the_predecessor() {
    assert_eq!(migrated::App::schema(), today_after(&kept::App::schema()));
}
