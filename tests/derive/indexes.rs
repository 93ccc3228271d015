//! Indexes: the table, the values that are written, and the constants.

use kv_runtime::index::{Index, IndexParts, Unique};
use kv_runtime::{KvEntity, KvId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Plan {
    Free,
    Paid,
}

mod users {
    use super::{KvEntity, Plan, Timestamp};

    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "user", group = "profile", derive(Debug, Clone), group(name = "account"))]
    #[kv(
        index(name = "by_city", on(country, city), shown),
        index(name = "by_plan", on(plan, r#type), unique)
    )]
    pub(super) struct User {
        #[kv(id)]
        pub(super) id: u64,
        #[kv(unique(with = Self::lower), index(name = "by_domain", with = domain, generation = 2))]
        pub(super) email: String,
        pub(super) country: String,
        pub(super) city: Option<String>,
        #[kv(index)]
        #[serde(default = "first_rank")]
        pub(super) rank: u32,
        #[kv(group = "account", index)]
        pub(super) since: Option<Timestamp>,
        #[kv(group = "account")]
        pub(super) plan: Plan,
        #[kv(group = "account")]
        pub(super) r#type: bool,
    }

    impl User {
        fn lower(email: &str) -> String {
            email.to_lowercase()
        }
    }

    fn domain(email: &str) -> String {
        email.split('@').next_back().unwrap_or_default().to_owned()
    }

    const fn first_rank() -> u32 {
        1
    }
}

use users::{User, UserAccount, UserProfile};

fn ada() -> User {
    User {
        id: 7,
        email: "Ada@Example.com".to_owned(),
        country: "GB".to_owned(),
        city: Some("London".to_owned()),
        rank: 3,
        since: None,
        plan: Plan::Paid,
        r#type: true,
    }
}

/// What an entity has in its index of this name.
fn written<E: KvEntity>(entity: &E, name: &str) -> String {
    let number = E::INDEXES.iter().position(|index| index.name() == name).expect("there is the index");
    let mut parts = IndexParts::new();
    entity.write_index(number, &mut parts);
    assert_eq!(parts.len(), E::INDEXES[number].parts().len(), "{name}");
    parts.as_str().to_owned()
}

/// The same of one value, or of several.
fn parts(write: impl FnOnce(&mut IndexParts)) -> String {
    let mut parts = IndexParts::new();
    write(&mut parts);
    parts.as_str().to_owned()
}

#[test]
fn the_table_says_what_is_declared() {
    let names: Vec<&str> = User::INDEXES.iter().map(|index| index.name()).collect();
    assert_eq!(names, ["email", "by_domain", "rank", "since", "by_city", "by_plan"]);
    let [email, by_domain, rank, since, by_city, by_plan] = User::INDEXES else { panic!("{names:?}") };
    let unique = [email, by_domain, rank, since, by_city, by_plan].map(|index| index.is_unique());
    assert_eq!(unique, [true, false, false, false, false, true]);
    assert_eq!((email.normaliser(), email.generation_number()), (Some("<User>::lower"), 1));
    assert_eq!((by_domain.normaliser(), by_domain.generation_number()), (Some("domain"), 2));
    assert_eq!([rank, since, by_plan].map(|index| index.group()), [0, 1, 1]);
    let fields = |index: &kv_runtime::index::IndexSchema| {
        index.parts().iter().map(|part| (part.field(), part.is_optional())).collect::<Vec<_>>()
    };
    assert_eq!(fields(by_city), [("country", false), ("city", true)]);
    assert_eq!(fields(by_plan), [("plan", false), ("type", false)]);
    assert!(by_city.is_shown() && !email.is_shown());
    assert!(!by_plan.parts()[0].kind().is_ordered(), "an enum has no order");
    assert!(rank.parts()[0].kind().is_ordered());
}

#[test]
fn the_values_of_an_index_are_those_of_its_fields_in_its_order() {
    use kv_runtime::index::IndexValue;

    let ada = ada();
    let text = |value: &str| parts(|parts| value.to_owned().write(parts));
    assert_eq!(written(&ada, "email"), text("ada@example.com"));
    assert_eq!(written(&ada, "by_domain"), text("Example.com"));
    assert_eq!(written(&ada, "rank"), parts(|parts| 3_u32.write(parts)));
    let both = parts(|parts| {
        "GB".to_owned().write(parts);
        Some("London".to_owned()).write(parts);
    });
    assert_eq!(written(&ada, "by_city"), both);
    let mut missing = IndexParts::new();
    ada.write_index(3, &mut missing);
    assert!(missing.is_missing(), "`since` is `None`");
    // No index has this number.
    let mut none = IndexParts::new();
    ada.write_index(6, &mut none);
    assert_eq!(none.as_str(), "");
}

#[test]
fn a_view_has_the_indexes_of_its_group() {
    let of = |indexes: &[kv_runtime::index::IndexSchema]| {
        indexes.iter().map(|index| (index.name(), index.group())).collect::<Vec<_>>()
    };
    assert_eq!(of(UserProfile::INDEXES), [("email", 0), ("by_domain", 0), ("rank", 0), ("by_city", 0)]);
    assert_eq!(of(UserAccount::INDEXES), [("since", 0), ("by_plan", 0)]);
    let User { id, email, country, city, rank, since, plan, r#type } = ada();
    let profile = UserProfile { id, email, country, city, rank };
    for name in ["email", "by_domain", "rank", "by_city"] {
        assert_eq!(written(&profile, name), written(&ada(), name), "{name}");
    }
    let account = UserAccount { id, since, plan, r#type };
    assert_eq!(written(&account, "by_plan"), written(&ada(), "by_plan"));
}

#[test]
fn constants_have_the_types_of_the_fields() {
    let _: Unique<User, String> = User::EMAIL;
    let _: Index<User, String> = User::BY_DOMAIN;
    let _: Index<User, u32> = User::RANK;
    let _: Index<User, Option<Timestamp>> = User::SINCE;
    let _: Index<User, (String, Option<String>)> = User::BY_CITY;
    let _: Unique<User, (Plan, bool)> = User::BY_PLAN;
    let _: Unique<UserProfile, String> = UserProfile::EMAIL;
    let _: Unique<UserAccount, (Plan, bool)> = UserAccount::BY_PLAN;
    assert_eq!(format!("{:?}", User::BY_PLAN), "Unique { number: 5, .. }");
    assert_eq!(Plan::Free, Plan::Free);
}

#[derive(KvEntity)]
#[kv(prefix = "measured", index(name = "by_both", on(value, hash)))]
struct Measured<T, const N: usize>
where
    T: Clone,
{
    #[kv(id)]
    id: u64,
    #[kv(index)]
    value: T,
    hash: Hash<N>,
}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Hash<const N: usize>(u32);

#[test]
fn a_generic_entity_can_be_indexed_by_its_parameters() {
    let _: Index<Measured<u16, 4>, (u16, Hash<4>)> = Measured::<u16, 4>::BY_BOTH;
    let measured = Measured { id: 1, value: "a".to_owned(), hash: Hash::<4>(5) };
    let both = written(&measured, "by_both");
    assert!(both.starts_with(&written(&measured, "value")), "{both}");
}
