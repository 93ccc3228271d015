//! Values, stored and read through every codec and store.

use std::fmt::{Debug, Write as _};

use fastrand::Rng;
use kv_runtime::index::StoredIn;
use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{MemoryStore, RedbDurability, RedbStore, Store, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::prelude::{Any, any};

/// So many values are made of each type.
const VALUES: usize = 12;

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "json")]
struct InJson<T> {
    #[kv(id)]
    id: u64,
    before: u8,
    value: T,
    after: String,
}

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "postcard", codec = "postcard")]
struct InPostcard<T> {
    #[kv(id)]
    id: u64,
    before: u8,
    value: T,
    after: String,
}

/// The stores, and what was found.
pub struct Harness {
    rng: Rng,
    memory: Kv<MemoryStore>,
    redb: Kv<RedbStore>,
    runtime: Runtime,
    _directory: tempfile::TempDir,
    pub stored: usize,
    pub refused: usize,
    /// What came back changed, or failed otherwise than it should.
    pub faults: Vec<String>,
}

impl Harness {
    pub fn new(seed: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("values.redb");
        let redb = RedbStore::options().durability(RedbDurability::OnFlush).open(file)?;
        Ok(Self {
            rng: Rng::with_seed(seed),
            memory: Kv::new(MemoryStore::new()),
            redb: Kv::new(redb),
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
            _directory: directory,
            stored: 0,
            refused: 0,
            faults: Vec::new(),
        })
    }

    /// Checks values of one type. Of a loose one only encodings are compared.
    pub(crate) fn check<T>(&mut self, name: &str, is_loose: bool)
    where
        T: Any + Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let values: Vec<T> = (0..VALUES).map(|_| any(&mut self.rng)).collect();
        for pair in values.chunks(2) {
            let id = self.rng.u64(..);
            let is_same = |a: &T, b: &T| is_same(a, b, is_loose);
            let json: Vec<_> = pair
                .iter()
                .map(|value| InJson { id, before: 1, value: value.clone(), after: after() })
                .collect();
            let found = kept(&self.memory, &self.runtime, &json, |a, b| is_same(&a.value, &b.value));
            let found = found.and_then(|stored| {
                let all = self.memory.collection::<InJson<T>>();
                let update = all.update(id, |standing| standing.value = json[0].value.clone());
                let Err(error) = self.runtime.block_on(update) else { return Ok(stored) };
                let is_refusal = matches!(error, Error::Encode { .. } | Error::NotFound { .. });
                if is_refusal { Ok(stored) } else { Err(format!("{json:?} is not updated: {error:?}")) }
            });
            self.note(name, "json", found);
            let binary: Vec<_> = pair
                .iter()
                .map(|value| InPostcard { id, before: 1, value: value.clone(), after: after() })
                .collect();
            let found = kept(&self.redb, &self.runtime, &binary, |a, b| is_same(&a.value, &b.value));
            self.note(name, "postcard", found);
        }
    }

    fn note(&mut self, name: &str, codec: &str, found: Result<usize, String>) {
        match found {
            Ok(stored) => {
                self.stored += stored;
                self.refused += 2 - stored.min(2);
            }
            Err(fault) => self.faults.push(format!("{name} in {codec}: {fault}")),
        }
    }
}

/// Whether two values are the same, every NaN included.
fn is_same<T: Debug + PartialEq + Serialize>(a: &T, b: &T, is_loose: bool) -> bool {
    if a == b || (!is_loose && shown(a) == shown(b)) {
        return true;
    }
    let json = |value: &T| {
        serde_json::to_vec(value).ok().map(|mut json| {
            // Hash maps have another order each time.
            json.sort_unstable();
            json
        })
    };
    is_loose && json(a).is_some_and(|a| json(b) == Some(a))
}

/// `Debug` tells every NaN and every -0 from every other number. Hash maps have another order each
/// time.
fn shown<T: Debug>(value: &T) -> Vec<u8> {
    let mut text = String::new();
    if write!(text, "{value:?}").is_err() {
        text.clear();
    }
    let mut text = text.into_bytes();
    text.sort_unstable();
    text
}

fn after() -> String {
    "é".to_owned()
}

/// Writes the entities one over the other; each comes back, or is refused before it is stored. Gives
/// how many were stored. By records, since the calls on a collection would be compiled for each type.
fn kept<E, S>(
    kv: &Kv<S>,
    runtime: &Runtime,
    entities: &[E],
    is_same: impl Fn(&E, &E) -> bool,
) -> Result<usize, String>
where
    E: KvEntity<Id = u64> + StoredIn<S> + Debug,
    S: Store,
{
    let all = kv.collection::<E>();
    let mut stored = 0;
    for entity in entities {
        let records = match all.records_of(entity) {
            Ok(records) => records,
            Err(Error::Encode { .. }) => continue,
            Err(error) => return Err(format!("{entity:?} is not encoded: {error:?}")),
        };
        let records = runtime.block_on(through(kv.store(), records)).map_err(|error| format!("{error:?}"))?;
        match all.entity_of(entity.id(), &records) {
            Ok(Some(read)) if is_same(&read, entity) => stored += 1,
            Ok(read) => return Err(format!("{entity:?} came back as {read:?}")),
            Err(error) => return Err(format!("{entity:?} is not read: {error:?}")),
        }
    }
    Ok(stored)
}

/// The records, as the store gives them back.
async fn through<S: Store>(
    store: &S,
    records: Vec<(Key, NewRecord)>,
) -> kv_runtime::Result<Vec<Option<Record>>> {
    let keys: Vec<Key> = records.iter().map(|(key, _)| key.clone()).collect();
    for (key, record) in records {
        store.put(key, record).await?;
    }
    let mut found = Vec::new();
    for key in keys {
        found.push(store.read(&key).await?);
    }
    Ok(found)
}
