//! redb by hand: keys of text, and postcard values.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::side::Side;
use crate::support::Result;
use crate::support::profile::Profile;

const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");

/// So many records are rewritten in one transaction, as ours migrates them.
const REWRITTEN: usize = 4_000;

/// The file, open.
pub struct Raw(Database);

fn key(id: u64) -> String {
    format!("user:{id}")
}

fn encoded(profile: &Profile) -> Result<Vec<u8>> {
    Ok(postcard::to_allocvec(profile)?)
}

impl Raw {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(Database::create(path)?))
    }

    /// Decodes every record and writes it again.
    pub fn rewrite(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let transaction = self.0.begin_write()?;
            let rewritten = {
                let mut users = transaction.open_table(USERS)?;
                let mut batch = Vec::with_capacity(REWRITTEN);
                for found in users
                    .range::<&str>((std::ops::Bound::Excluded(after.as_str()), std::ops::Bound::Unbounded))?
                    .take(REWRITTEN)
                {
                    let (key, value) = found?;
                    batch.push((key.value().to_owned(), postcard::from_bytes::<Profile>(value.value())?));
                }
                for (key, profile) in &batch {
                    users.insert(key.as_str(), encoded(profile)?.as_slice())?;
                }
                after = batch.last().map_or(after, |(key, _)| key.clone());
                batch.len()
            };
            transaction.commit()?;
            if rewritten < REWRITTEN {
                return Ok(());
            }
        }
    }
}

impl Side for Raw {
    fn insert(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut users = transaction.open_table(USERS)?;
            for &id in ids {
                users.insert(key(id).as_str(), encoded(&Profile::sample(id))?.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn get(&self, ids: &[u64]) -> Result<usize> {
        let mut found = 0;
        for &id in ids {
            let users = self.0.begin_read()?.open_table(USERS)?;
            if let Some(value) = users.get(key(id).as_str())? {
                std::hint::black_box(postcard::from_bytes::<Profile>(value.value())?);
                found += 1;
            }
        }
        Ok(found)
    }

    fn list(&self, first: u64, records: usize) -> Result<usize> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut listed = Vec::new();
        for found in users.range(key(first).as_str()..)?.take(records) {
            let (key, value) = found?;
            let id: u64 = key.value().trim_start_matches("user:").parse()?;
            listed.push((id, postcard::from_bytes::<Profile>(value.value())?));
        }
        Ok(std::hint::black_box(listed).len())
    }

    fn stream(&self) -> Result<usize> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut seen = 0;
        for found in users.iter()? {
            let (key, value) = found?;
            let id: u64 = key.value().trim_start_matches("user:").parse()?;
            std::hint::black_box((id, postcard::from_bytes::<Profile>(value.value())?));
            seen += 1;
        }
        Ok(seen)
    }

    fn update(&self, id: u64) -> Result<()> {
        self.update_many(&[id])
    }

    fn update_many(&self, ids: &[u64]) -> Result<()> {
        for &id in ids {
            let transaction = self.0.begin_write()?;
            {
                let mut users = transaction.open_table(USERS)?;
                let key = key(id);
                let profile = match users.get(key.as_str())? {
                    Some(value) => postcard::from_bytes::<Profile>(value.value())?,
                    None => return Err("no such user".into()),
                };
                let changed = Profile { logins: profile.logins + 1, ..profile };
                users.insert(key.as_str(), encoded(&changed)?.as_slice())?;
            }
            transaction.commit()?;
        }
        Ok(())
    }

    fn delete(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut users = transaction.open_table(USERS)?;
            for &id in ids {
                users.remove(key(id).as_str())?;
            }
        }
        Ok(transaction.commit()?)
    }
}
