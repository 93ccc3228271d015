//! An entity with indexes of every kind.

use kv_runtime::__private as kv;
use kv_runtime::Timestamp;
use kv_runtime::index::{Index, Unique};
use serde::{Deserialize, Serialize};

/// A user with a unique email, which is not told apart by case.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: u64,
    pub email: String,
    pub country: String,
    pub city: Option<String>,
    pub signed_up: Timestamp,
    pub nickname: Option<String>,
    pub logins: u64,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    email: std::borrow::Cow<'a, str>,
    country: std::borrow::Cow<'a, str>,
    city: Option<std::borrow::Cow<'a, str>>,
    signed_up: Timestamp,
    nickname: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    logins: u64,
}

impl User {
    pub const EMAIL: Unique<Self, String> = Unique::<Self, String>::new(0).normalised(|email| lower(email));
    pub const BY_CITY: Index<Self, (String, Option<String>)> = Index::new(1);
    pub const SIGNED_UP: Index<Self, Timestamp> = Index::new(2);
    pub const NICKNAME: Unique<Self, Option<String>> = Unique::new(3);

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

fn lower(text: &str) -> String {
    text.to_lowercase()
}

impl<S: kv::IndexStore> kv::StoredIn<S> for User {}

impl kv::Touch for User {}

impl kv::KvEntity for User {
    type Id = u64;

    const SCHEMA: kv::EntitySchema = kv::EntitySchema::new(
        "User",
        "user",
        &[kv::IdSchema::new("id", <u64 as kv::KvId>::KIND)],
        &[kv::GroupSchema::new(None, 1, kv::Codec::Json)],
    );

    const INDEXES: &'static [kv::IndexSchema] = &[
        kv::IndexSchema::new("email", 0, &[kv::IndexPart::of::<String>("email")])
            .unique()
            .normalised("lower"),
        kv::IndexSchema::new(
            "by_city",
            0,
            &[kv::IndexPart::of::<String>("country"), kv::IndexPart::of::<Option<String>>("city")],
        )
        .shown(),
        kv::IndexSchema::new("signed_up", 0, &[kv::IndexPart::of::<Timestamp>("signed_up")]),
        kv::IndexSchema::new("nickname", 0, &[kv::IndexPart::of::<Option<String>>("nickname")]).unique(),
    ];

    fn id(&self) -> u64 {
        self.id
    }

    fn set_id(&mut self, id: u64) {
        self.id = id;
    }

    fn write_id(&self, key: &mut kv::KeyBuilder) {
        key.push(&self.id);
    }

    fn write_index(&self, index: usize, parts: &mut kv::IndexParts) {
        match index {
            0 => kv::write_normalised(&self.email, |email| lower(email), parts),
            1 => {
                kv::IndexValue::write(&self.country, parts);
                kv::IndexValue::write(&self.city, parts);
            }
            2 => kv::IndexValue::write(&self.signed_up, parts),
            3 => kv::IndexValue::write(&self.nickname, parts),
            _ => {}
        }
    }

    fn serialize_group<S: serde::Serializer>(&self, _: usize, serializer: S) -> Result<S::Ok, S::Error> {
        Stored {
            email: self.email.as_str().into(),
            country: self.country.as_str().into(),
            city: self.city.as_deref().map(Into::into),
            signed_up: self.signed_up,
            nickname: self.nickname.as_deref().map(Into::into),
            logins: self.logins,
        }
        .serialize(serializer)
    }

    fn from_groups<G: kv::GroupSource>(id: u64, groups: &mut G) -> Result<Self, G::Error> {
        let stored: Stored<'static> = groups.required(0)?;
        Ok(Self {
            id,
            email: stored.email.into_owned(),
            country: stored.country.into_owned(),
            city: stored.city.map(Into::into),
            signed_up: stored.signed_up,
            nickname: stored.nickname.map(Into::into),
            logins: stored.logins,
        })
    }
}
