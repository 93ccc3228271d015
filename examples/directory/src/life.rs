//! What goes on while the indexes are built: people sign up, move, log in and leave.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_runtime::store::IndexStore;
use kv_runtime::{Collection, Error};
use tokio::task::JoinHandle;

use crate::Result;
use crate::people::{People, Person};

const TASKS: u64 = 8;

/// The first people stay as they are, so that the example can show them.
const SETTLED: u64 = 500;

/// Tasks that write until [`Life::end`] is called.
pub struct Life {
    is_over: Arc<AtomicBool>,
    /// The id of the next one who signs up.
    next: Arc<AtomicU64>,
    first: u64,
    tasks: Vec<JoinHandle<std::result::Result<(), Error>>>,
}

impl Life {
    pub fn begin<S: IndexStore>(
        collection: Collection<Person, S>,
        made_up: Arc<People>,
        people: u64,
    ) -> Self {
        let (is_over, first) = (Arc::new(AtomicBool::new(false)), people + 1);
        let next = Arc::new(AtomicU64::new(first));
        let tasks = (0..TASKS).map(|task| {
            let (collection, made_up) = (collection.clone(), Arc::clone(&made_up));
            let (is_over, next) = (Arc::clone(&is_over), Arc::clone(&next));
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(task);
                // Each does something, however soon the build is over.
                loop {
                    // `put`, because an earlier run may have had the same ids.
                    collection.put(&made_up.person(next.fetch_add(1, Ordering::Relaxed))).await?;
                    change(&collection, &made_up, random.u64(SETTLED..=people), &mut random).await?;
                    if is_over.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        });
        let tasks = tasks.collect();
        Self { is_over, next, first, tasks }
    }

    /// Ends the tasks, and returns the ids of the people who signed up.
    pub async fn end(self) -> Result<Range<u64>> {
        self.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.first..self.next.load(Ordering::Relaxed))
    }
}

/// Changes somebody, who may have left.
async fn change<S: IndexStore>(
    collection: &Collection<Person, S>,
    made_up: &People,
    id: u64,
    random: &mut fastrand::Rng,
) -> std::result::Result<(), Error> {
    let changed = match random.u8(..4) {
        0 => collection.delete(id).await.map(drop),
        1 => {
            let Person { country, city, .. } = made_up.person(random.u64(1..=id));
            let relocate = |person: &mut Person| {
                person.country.clone_from(&country);
                person.city.clone_from(&city);
            };
            collection.update(id, relocate).await.map(drop)
        }
        _ => collection.update(id, |person| person.logins += 1).await.map(drop),
    };
    match changed {
        Err(Error::NotFound { .. }) => Ok(()),
        changed => changed,
    }
}
