//! Records that the store cannot read: they hide no others, keep their values, and can be repaired.

use std::path::Path;

use kv_runtime::store::RedbStore;
use kv_runtime::{Error, Kv};
use redb::{Database, TableDefinition};

use crate::user::User;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn damage(path: &Path, key: &str) -> Outcome {
    let transaction = Database::open(path)?.begin_write()?;
    let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new("records"))?;
    // An envelope that is cut short.
    table.insert(key, b"\xFFK\x01\x02".as_slice())?;
    drop(table);
    Ok(transaction.commit()?)
}

#[tokio::test]
async fn a_damaged_record_hides_no_other_and_can_be_overwritten() -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("damaged.redb");
    let user = |id: u64| User::new(id, &format!("{id}@example.com"));
    for repair in 0..4 {
        let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
        users.put_many((1..=9).map(user)).await?;
        drop(users);
        damage(&path, "user:5")?;

        let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
        let page = users.by(User::SIGNED_UP).page().await?;
        assert_eq!((page.entities.len(), page.failed.len()), (8, 1));
        let taken = users.put(&User::new(10, "5@example.com")).await;
        assert!(matches!(taken, Err(Error::NotUnique { .. })), "{taken:?}");
        let report = users.check_indexes().await?;
        assert_eq!((report.unreadable, report.added, report.removed), (1, 0, 0), "{report:?}");
        match repair {
            0 => users.put(&user(5)).await?,
            1 => users.put_many((4..=6).map(user)).await?,
            2 => users.delete(5).await?,
            _ => users.delete_many([4, 5]).await?,
        }
        users.put(&User::new(10, &format!("{}@example.com", if repair < 2 { 10 } else { 5 }))).await?;
        users.delete(10).await?;
        let report = users.check_indexes().await?;
        assert_eq!((report.unreadable, report.added, report.violations), (0, 0, 0), "{report:?}");
        drop(users);
    }
    Ok(())
}

/// Beside a damaged record the entities of a batch are written one by one.
#[tokio::test]
async fn a_batch_that_fails_beside_a_damaged_record_counts_what_was_written() -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("damaged.redb");
    let user = |id: u64, logins| User { logins, ..User::new(id, &format!("{id}@example.com")) };
    let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
    users.put_many((1..=9).map(|id| user(id, 0))).await?;
    drop(users);
    damage(&path, "user:5")?;

    let users = Kv::new(RedbStore::open(&path)?).collection::<User>();
    let taken = User::new(6, "1@example.com");
    let failed = users.put_many([user(4, 1), user(5, 1), user(4, 2), taken, user(7, 1)]).await;
    let Err(Error::Partial { written, also, unknown, source, .. }) = &failed else { panic!("{failed:?}") };
    assert!(matches!(**source, Error::NotUnique { .. }), "{source}");
    assert_eq!((*written, &also[..], &unknown[..]), (3, &[][..], &[][..]));
    let logins = users.get_many([4, 5, 6, 7]).await?.into_iter().flatten().map(|user| user.logins);
    assert_eq!(logins.collect::<Vec<_>>(), [2, 1, 0, 0]);
    Ok(())
}
