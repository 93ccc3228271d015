//! native_db's side: postcard, too, as its default (bincode) is larger, and a number as key.

use std::path::Path;

use native_db::{Builder, Database, Models, ToKey, native_db};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};

use crate::side::Side;
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
    pub fn open(models: &'a Models, path: &Path) -> Result<Self> {
        let builder = Builder::new();
        let database =
            if path.exists() { builder.open(models, path)? } else { builder.create(models, path)? };
        Ok(Self { database })
    }
}

impl Side for Theirs<'_> {
    fn insert(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for &id in ids {
            transaction.insert(User { id, profile: Profile::sample(id) })?;
        }
        Ok(transaction.commit()?)
    }

    fn get(&self, ids: &[u64]) -> Result<usize> {
        let mut found = 0;
        for &id in ids {
            let transaction = self.database.r_transaction()?;
            let user: Option<User> = std::hint::black_box(transaction.get().primary(id)?);
            found += usize::from(user.is_some());
        }
        Ok(found)
    }

    fn list(&self, first: u64, records: usize) -> Result<usize> {
        let transaction = self.database.r_transaction()?;
        let scan = transaction.scan().primary()?;
        let users: Vec<User> = scan.range(first..)?.take(records).collect::<Result<_, _>>()?;
        Ok(std::hint::black_box(users).len())
    }

    fn stream(&self) -> Result<usize> {
        let transaction = self.database.r_transaction()?;
        let scan = transaction.scan().primary::<User>()?;
        let mut seen = 0;
        for user in scan.all()? {
            std::hint::black_box(user?);
            seen += 1;
        }
        Ok(seen)
    }

    fn update(&self, id: u64) -> Result<()> {
        self.update_many(&[id])
    }

    /// One after the other: each is durable by itself, and it has no transactions that share a
    /// commit.
    fn update_many(&self, ids: &[u64]) -> Result<()> {
        for &id in ids {
            let transaction = self.database.rw_transaction()?;
            let user: User = transaction.get().primary(id)?.ok_or("no such user")?;
            let mut changed = user.clone();
            changed.profile.logins += 1;
            transaction.update(user, changed)?;
            transaction.commit()?;
        }
        Ok(())
    }

    fn delete(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for &id in ids {
            let user: User = transaction.get().primary(id)?.ok_or("no such user")?;
            transaction.remove(user)?;
        }
        Ok(transaction.commit()?)
    }
}
