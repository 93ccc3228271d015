//! Indexes: a new one, one that is gone, and what takes a new generation.

use kv_runtime::schema::Effect::{Breaking, New, Policy};
use kv_runtime::schema::{Lock, Schema};

use crate::{between, only, releases};

#[test]
fn a_new_index_is_built_after_the_release() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile")]
            pub struct User { #[kv(id)] id: u64, email: String, city: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", group = "profile", index(name = "by_city", on(city, email)))]
            pub struct User { #[kv(id)] id: u64, #[kv(unique)] email: String, city: String }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [email, by_city] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((email.effect, by_city.effect), (New, New));
    assert_eq!(email.what, "the index `email` of `User.profile` is not in the lock");
    assert!(email.mend.contains("run `build_indexes()`"), "{}", email.mend);
    // And back.
    let differences = between(&v2::App::schema(), &v1::App::schema());
    assert!(differences.iter().all(|it| it.effect == Policy), "{differences:#?}");
    assert!(differences[0].mend.contains("drop_index(\"email\")"), "{differences:#?}");
    assert_eq!(between(&v2::App::schema(), &v2::App::schema()), []);
}

#[test]
fn another_definition_takes_a_generation() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user", index(name = "by_city", on(country, city)))]
            pub struct User {
                #[kv(id)] id: u64,
                #[kv(unique)] email: String,
                #[kv(index)] age: u8,
                #[kv(index)] nickname: String,
                country: String,
                city: String,
            }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user", index(name = "by_city", on(city, country, age)))]
            pub struct User {
                #[kv(id)] id: u64,
                #[kv(unique(with = str::to_lowercase))] email: String,
                #[kv(unique)] age: u8,
                #[kv(index(generation = 2, with = str::to_lowercase))] nickname: String,
                country: String,
                city: String,
            }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [email, age, nickname, by_city] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!([email, age, nickname, by_city].map(|it| it.effect), [Breaking, Breaking, New, Breaking]);
    assert_eq!(
        email.what,
        "`email` of `User` was released as a unique index on (email: text); today it is a unique index on (email: text) with \
         `str::to_lowercase`"
    );
    assert_eq!(email.mend, "write `generation = 2` on the index, and build it after the release");
    assert_eq!(nickname.what, "generation 2 of the index `nickname` of `User` is not in the lock");
    assert!(by_city.what.contains("(country: text; city: text); today"), "{}", by_city.what);
    // An older generation than the one that was released is never right.
    let back = between(&v2::App::schema(), &v1::App::schema());
    let nickname = back.iter().find(|it| it.what.contains("`nickname`")).expect("it differs");
    assert_eq!(nickname.effect, Breaking);
    assert!(nickname.what.ends_with("was released in generation 2; today it is 1"), "{}", nickname.what);
}

#[test]
fn a_field_with_another_name_is_confirmed() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] city: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User {
                #[kv(id)] id: u64,
                #[kv(index(name = "city"))]
                #[serde(rename = "city")]
                town: String,
            }
        }
    }
    let (effect, what, mend) = only(&v1::App::schema(), &v2::App::schema());
    assert_eq!(effect, Policy);
    assert!(what.contains("an index on (city: text); today it is an index on (town: text)"), "{what}");
    assert!(mend.starts_with("if a field got another name, confirm it"), "{mend}");
}

#[test]
fn another_variant_of_an_enum_changes_no_entry() {
    releases! {
        released {
            #[derive(kv_runtime::KvId, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
            pub enum Plan { Free }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] plan: Plan }
        }
        today {
            #[derive(kv_runtime::KvId, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
            pub enum Plan { Free, Paid }
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] plan: Plan }
        }
    }
    let of_indexes = |released: &Schema, today: &Schema| {
        let differences = between(released, today).into_iter();
        differences.filter(|it| it.what.contains("index")).collect::<Vec<_>>()
    };
    assert_eq!(of_indexes(&v1::App::schema(), &v2::App::schema()), []);
    // A variant that is gone takes its entries with it.
    assert_eq!(of_indexes(&v2::App::schema(), &v1::App::schema())[0].effect, Breaking);
}

#[test]
fn a_function_step_may_change_the_indexed_values() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] city: String }
        }
        today {
            fn shorten(user: &mut kv_runtime::migrate::Object) -> Result<(), kv_runtime::BoxError> {
                user.insert("city".to_owned(), "L".into());
                Ok(())
            }
            #[derive(KvEntity)]
            #[kv(prefix = "user", version = 3, step(1 => shorten))]
            pub struct User {
                #[kv(id)] id: u64,
                #[kv(index)] city: String,
                #[kv(added(since = 3))] country: String,
            }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    let [index, version] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!((index.effect, version.effect), (Policy, New));
    assert!(index.what.starts_with("the way to version 2 of `User` may change the values"), "{}", index.what);
    assert!(index.mend.contains("write `generation = 2` on the index"), "{}", index.mend);
    // Once it is recorded, it is not asked again.
    assert_eq!(v2::App::schema().compare(&Lock::of(&v2::App::schema())), []);
}

#[test]
fn the_conversion_of_a_predecessor_may_change_them_too() {
    releases! {
        released {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] city: String }
        }
        today {
            #[derive(KvEntity)]
            #[kv(prefix = "user")]
            pub struct UserV1 { #[kv(id)] id: u64, city: String }
            impl From<UserV1> for User {
                fn from(old: UserV1) -> Self {
                    Self { id: old.id, city: old.city.to_lowercase() }
                }
            }
            #[derive(KvEntity)]
            #[kv(prefix = "user", version = 2, previous = UserV1)]
            pub struct User { #[kv(id)] id: u64, #[kv(index)] city: String }
        }
    }
    let differences = between(&v1::App::schema(), &v2::App::schema());
    assert_eq!(differences.iter().map(|it| it.effect).collect::<Vec<_>>(), [Policy, New], "{differences:#?}");
}

#[test]
fn a_view_tells_the_indexes_of_its_group() {
    #[derive(kv_runtime::KvEntity)]
    #[kv(prefix = "user", group = "profile", group(name = "settings"))]
    struct User {
        #[kv(id)]
        id: u64,
        #[kv(unique)]
        email: String,
        #[kv(group = "settings", index)]
        theme: u8,
    }
    kv_runtime::schema! { Whole: User }
    kv_runtime::schema! { Views: UserSettings, UserProfile }
    let names = |schema: Schema| -> Vec<String> {
        let mut groups = schema.entities[0].groups.clone();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        groups.iter().flat_map(|group| &group.indexes).map(|index| index.name.clone()).collect()
    };
    assert_eq!(names(Whole::schema()), ["email", "theme"]);
    assert_eq!(names(Views::schema()), ["email", "theme"]);
}
