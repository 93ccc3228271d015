//! The payload of the benchmarks: a profile of 10 fields, about 400 bytes as JSON and 220 as postcard.

use serde::{Deserialize, Serialize};

/// What is stored of a user, beside the id.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub bio: String,
    pub avatar_url: String,
    pub locale: String,
    pub interests: Vec<String>,
    pub last_seen: u64,
    pub logins: u32,
    pub is_verified: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub enum Role {
    Guest,
    Member,
    Owner,
}

impl Profile {
    /// One of many that differ.
    pub fn sample(id: u64) -> Self {
        Self {
            name: format!("Ada Lovelace the {id}th"),
            email: format!("ada.lovelace.{id}@example.org"),
            role: [Role::Guest, Role::Member, Role::Owner][(id % 3) as usize],
            bio: "Writes programs for an engine that nobody has built, and explains why they matter."
                .to_owned(),
            avatar_url: format!("https://static.example.org/{id}.png"),
            locale: "en-GB".to_owned(),
            interests: ["mathematics", "poetry", "horses"].map(str::to_owned).to_vec(),
            last_seen: 1_763_900_000_000 + id,
            logins: (id % 1_000) as u32,
            is_verified: id.is_multiple_of(2),
        }
    }
}
