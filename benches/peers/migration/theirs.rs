//! native_db's side: the same profile at two ages, in postcard.

use std::path::Path;

use native_db::{Builder, Database, Models, ToKey, native_db};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};

use crate::support::Result;
use crate::support::profile::{Profile, Role};

macro_rules! user {
    ($User:ident, $name:ident, $version:literal $(, from = $Old:ident)?) => {
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        #[native_model(id = 1, version = $version, with = native_model::postcard_1_0::PostCard $(, from = $Old)?)]
        #[native_db]
        pub struct $User {
            #[primary_key]
            pub id: u64,
            pub $name: String,
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

        impl $User {
            fn sample(id: u64) -> Self {
                let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
                    Profile::sample(id);
                Self { id, $name: name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
            }
        }
    };
}

user!(OldUser, name, 1);
user!(NewUser, user_name, 2, from = OldUser);
crate::entities::typed_step!(OldUser => NewUser);

/// native_model asks for the way back, too.
impl From<NewUser> for OldUser {
    fn from(new: NewUser) -> Self {
        let NewUser {
            id,
            user_name,
            email,
            role,
            bio,
            avatar_url,
            locale,
            interests,
            last_seen,
            logins,
            is_verified,
        } = new;
        Self {
            id,
            name: user_name,
            email,
            role,
            bio,
            avatar_url,
            locale,
            interests,
            last_seen,
            logins,
            is_verified,
        }
    }
}

pub fn models() -> Result<Models> {
    let mut models = Models::new();
    models.define::<OldUser>()?;
    models.define::<NewUser>()?;
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

    pub fn open(models: &'a Models, path: &Path) -> Result<Self> {
        Ok(Self { database: Builder::new().open(models, path)? })
    }

    pub fn insert(&self, ids: impl Iterator<Item = u64>) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        for id in ids {
            transaction.insert(OldUser::sample(id))?;
        }
        Ok(transaction.commit()?)
    }

    pub fn migrate(&self) -> Result<()> {
        let transaction = self.database.rw_transaction()?;
        transaction.migrate::<NewUser>()?;
        Ok(transaction.commit()?)
    }

    pub fn assert_holds(&self, id: u64) -> Result<()> {
        let found: Option<NewUser> = self.database.r_transaction()?.get().primary(id)?;
        assert_eq!(found, Some(NewUser::sample(id)));
        Ok(())
    }
}
