//! An index by hand over redb: a table whose keys are the value and the id, and without values.

use std::path::Path;

use redb::{Database, TableDefinition};

use crate::support::Result;

const BY_EMAIL: TableDefinition<'_, &str, &str> = TableDefinition::new("by_email");
const BY_TEAM: TableDefinition<'_, &str, ()> = TableDefinition::new("by_team");

/// Writes the entries of two indexes, and nothing else, into a new file. Returns the bytes that their
/// trees take.
pub fn write_entries(path: &Path, entries: &[(String, u32, u64)]) -> Result<f64> {
    let database = Database::create(path)?;
    let transaction = database.begin_write()?;
    {
        let (mut by_email, mut by_team) =
            (transaction.open_table(BY_EMAIL)?, transaction.open_table(BY_TEAM)?);
        for (email, team, id) in entries {
            let id = format!("user:{id}");
            by_email.insert(format!("user:email:{email}").as_str(), id.as_str())?;
            by_team.insert(format!("user:team:{team:010}:{id}").as_str(), ())?;
        }
    }
    transaction.commit()?;
    let stats = database.begin_write()?.stats()?;
    Ok((stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes()) as f64)
}
