//! Makes a call several times: `trips CALL TIMES`. `scripts/trips` runs it under callgrind, and
//! shows which functions of the library a call visits.

use kv_runtime::cache::Cache;
use kv_runtime::migrate::Object;
use kv_runtime::store::{MemoryStore, RedbStore};
use kv_runtime::{BoxError, Kv, KvEntity};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user")]
struct OldUser {
    #[kv(id)]
    id: u64,
    name: String,
    email: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user", version = 2, step(1 => rename))]
struct User {
    #[kv(id)]
    id: u64,
    user_name: String,
    email: String,
}

fn rename(user: &mut Object) -> Result<(), BoxError> {
    let name = user.remove("name").ok_or("there is no name")?;
    user.insert("user_name".to_owned(), name);
    Ok(())
}

fn old(id: u64) -> OldUser {
    OldUser { id, name: format!("user {id}"), email: format!("user{id}@example.com") }
}

fn current(id: u64) -> User {
    User { id, user_name: format!("user {id}"), email: format!("user{id}@example.com") }
}

/// Records that are there before the calls, as many in every run.
const STORED: u64 = 4_000;

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (call, times) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let times: u64 = times.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        match call.as_str() {
            "put" => {
                let folder = tempfile::tempdir()?;
                let users = Kv::new(RedbStore::open(folder.path().join("users.redb"))?).collection::<User>();
                for id in 0..times {
                    users.put(&current(id)).await?;
                }
            }
            "get-old" => {
                let kv = Kv::new(MemoryStore::new());
                kv.collection::<OldUser>().put_many((0..STORED).map(old)).await?;
                let users = kv.collection::<User>();
                for id in 0..times {
                    users.get(id).await?;
                }
            }
            "get" => {
                let users = Kv::new(MemoryStore::new()).collection::<User>();
                users.put_many((0..STORED).map(current)).await?;
                for id in 0..times {
                    users.get(id).await?;
                }
            }
            "miss" => {
                let users = Kv::new(MemoryStore::new()).collection::<User>().cached(Cache::new());
                for id in 0..times {
                    users.get_or_load(id, move || async move { Ok::<_, BoxError>(current(id)) }).await?;
                }
            }
            _ => return Err("usage: trips put|get-old|get|miss TIMES".into()),
        }
        Ok(())
    })
}
