//! native_db's side: postcard, too, as its default (bincode) is larger; a number as key where the id is one, and a text with the
//! team in front where members are listed by team.

use std::path::Path;

use native_db::{Builder, Database, Models, ToKey, native_db};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};

use crate::support::Result;
use crate::support::profile::Profile;

/// A profile by number.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[native_model(id = 1, version = 1, with = native_model::postcard_1_0::PostCard)]
#[native_db]
pub struct User {
    #[primary_key]
    pub id: u64,
    pub profile: Profile,
}

/// A profile within a team.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[native_model(id = 2, version = 1, with = native_model::postcard_1_0::PostCard)]
#[native_db(primary_key(key -> String))]
pub struct Member {
    pub team: u32,
    pub user: u32,
    pub profile: Profile,
}

impl Member {
    fn key(&self) -> String {
        format!("{}:{}", self.team, self.user)
    }
}

pub fn models() -> Result<Models> {
    let mut models = Models::new();
    models.define::<User>()?;
    models.define::<Member>()?;
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

    pub fn insert_users(&self, users: Vec<User>) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for user in users {
            transaction.insert(user)?;
        }
        Ok(transaction.commit()?)
    }

    pub fn insert_members(&self, members: impl Iterator<Item = Member>) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for member in members {
            transaction.insert(member)?;
        }
        Ok(transaction.commit()?)
    }

    pub fn insert(&self, user: User) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        transaction.insert(user)?;
        Ok(transaction.commit()?)
    }

    /// Changes two users together. The caller has to pass what was there before.
    pub fn update_two(&self, ids: [u64; 2]) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for id in ids {
            let before: User = transaction.get().primary(id)?.ok_or("every user is there")?;
            let mut after = before.clone();
            after.profile.logins += 1;
            transaction.update(before, after)?;
        }
        Ok(transaction.commit()?)
    }

    pub fn get_all(&self, ids: &[u64]) -> Result<usize> {
        let mut found = 0;
        for id in ids {
            let transaction = self.database.r_transaction()?;
            let user: Option<User> = std::hint::black_box(transaction.get().primary(*id)?);
            found += usize::from(user.is_some());
        }
        Ok(found)
    }

    pub fn members_of(&self, team: u32) -> Result<Vec<Member>> {
        let transaction = self.database.r_transaction()?;
        let members =
            transaction.scan().primary()?.start_with(format!("{team}:"))?.collect::<Result<_, _>>()?;
        Ok(members)
    }
}
