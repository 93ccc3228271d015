//! native_db's side: postcard, too, and the same two keys.

use std::path::Path;

use native_db::{Builder, Database, Models, ToKey, native_db};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};

use crate::support::Result;
use crate::support::profile::Profile;

/// A profile with a unique email, in a team.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[native_model(id = 1, version = 1, with = native_model::postcard_1_0::PostCard)]
#[native_db]
pub struct User {
    #[primary_key]
    pub id: u64,
    #[secondary_key(unique)]
    pub email: String,
    #[secondary_key]
    pub team: u32,
    pub profile: Profile,
}

pub fn models() -> Result<Models> {
    let mut models = Models::new();
    models.define::<User>()?;
    Ok(models)
}

/// The file, open.
pub struct Theirs<'a> {
    database: Database<'a>,
}

impl<'a> Theirs<'a> {
    pub fn create(models: &'a Models, path: &Path) -> Result<Self> {
        Ok(Self { database: Builder::new().create(models, path)? })
    }

    pub fn insert(&self, users: Vec<User>) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for user in users {
            transaction.insert(user)?;
        }
        Ok(transaction.commit()?)
    }

    /// How many of these emails somebody has.
    pub fn get_all(&self, emails: &[String]) -> Result<usize> {
        let mut found = 0;
        for email in emails {
            let transaction = self.database.r_transaction()?;
            let user: Option<User> = transaction.get().secondary(UserKey::email, email.as_str())?;
            found += usize::from(std::hint::black_box(user).is_some());
        }
        Ok(found)
    }

    /// The first users of a team.
    pub fn of_team(&self, team: u32, limit: usize) -> Result<usize> {
        let transaction = self.database.r_transaction()?;
        let scan = transaction.scan().secondary::<User>(UserKey::team)?;
        let users: Vec<User> = scan.range(team..=team)?.take(limit).collect::<Result<_, _>>()?;
        Ok(std::hint::black_box(users).len())
    }
}
