//! An entity with indexes of every kind.

use kv_runtime::{KvEntity, Timestamp};

/// A user with a unique email, which ignores case.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user", index(name = "by_city", on(country, city), shown))]
pub struct User {
    #[kv(id)]
    pub id: u64,
    #[kv(unique(with = str::to_lowercase))]
    pub email: String,
    pub country: String,
    pub city: Option<String>,
    #[kv(index)]
    pub signed_up: Timestamp,
    #[kv(unique)]
    pub nickname: Option<String>,
    #[serde(default)]
    pub logins: u64,
}

impl User {
    pub fn new(id: u64, email: &str) -> Self {
        Self {
            id,
            email: email.to_owned(),
            country: "GB".to_owned(),
            city: None,
            signed_up: Timestamp::from_millis(id),
            nickname: None,
            logins: 0,
        }
    }

    pub fn of(id: u64, country: &str, city: Option<&str>) -> Self {
        Self {
            country: country.to_owned(),
            city: city.map(str::to_owned),
            ..Self::new(id, &format!("{id}@example.com"))
        }
    }
}
