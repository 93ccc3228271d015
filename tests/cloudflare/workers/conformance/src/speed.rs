//! Calls of a store, beside the same SQL by hand.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::store::DurableStore;
use kv_runtime::{Kv, KvEntity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use worker::{Date, SqlStorage, SqlStorageValue, State};

use super::told;

/// What is read and written: a few members, as a profile has them.
#[derive(KvEntity)]
#[kv(prefix = "player")]
struct Player {
    #[kv(id)]
    id: u64,
    name: String,
    email: String,
    score: u64,
}

/// The same by hand: the content of the row.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    email: String,
    score: u64,
}

const CALLS: u64 = 2_000;
const RECORDS: u64 = 200;
const ROUNDS: usize = 5;

/// The milliseconds of each round, by case. The runtime's clock moves on only at a call to the
/// outside, so each round ends with one.
pub(super) async fn inside(state: &State, store: &DurableStore) -> worker::Result<Value> {
    let players = Kv::new(store.clone()).collection::<Player>();
    let by_hand = ByHand::open(state)?;
    for id in 0..RECORDS {
        let (name, email) = (format!("Player {id}"), format!("player{id}@example.org"));
        by_hand.put(id, &Row { name: name.clone(), email: email.clone(), score: 0 })?;
        players.put(&Player { id, name, email, score: 0 }).await.map_err(told)?;
    }
    let mut rounds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let mut times = vec![now().await];
        for call in 0..CALLS {
            players.get(call % RECORDS).await.map_err(told)?;
        }
        times.push(now().await);
        for call in 0..CALLS {
            by_hand.get(call % RECORDS)?;
        }
        times.push(now().await);
        for call in 0..CALLS {
            players.update(call % RECORDS, |player| player.score += 1).await.map_err(told)?;
        }
        times.push(now().await);
        for call in 0..CALLS {
            by_hand.update(call % RECORDS, |player| player.score += 1)?;
        }
        times.push(now().await);
        for (round, pair) in rounds.iter_mut().zip(times.windows(2)) {
            round.push(pair[1] - pair[0]);
        }
    }
    let [get, get_by_hand, update, update_by_hand] = rounds;
    Ok(json!({
        "get": get,
        "get_by_hand": get_by_hand,
        "update": update,
        "update_by_hand": update_by_hand,
    }))
}

async fn now() -> u64 {
    worker::Delay::from(Duration::from_millis(1)).await;
    Date::now().as_millis()
}

/// A row a record, with its revision beside it.
struct ByHand(SqlStorage);

const GET: &str =
    "SELECT value, revision FROM by_hand WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)";
const UPDATE: &str = "UPDATE by_hand SET value = ?, revision = revision + 1 WHERE key = ? AND revision = ? \
     AND (expires_at IS NULL OR expires_at > ?) RETURNING 1";

impl ByHand {
    fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        sql.exec(
            "CREATE TABLE IF NOT EXISTS by_hand (key TEXT PRIMARY KEY, value BLOB NOT NULL, \
             revision INTEGER, expires_at INTEGER) WITHOUT ROWID",
            None,
        )?;
        Ok(Self(sql))
    }

    fn put(&self, id: u64, row: &Row) -> worker::Result<()> {
        let put = "INSERT OR REPLACE INTO by_hand (key, value, revision) VALUES (?, ?, 0)";
        self.0.exec(put, vec![key(id), SqlStorageValue::Blob(serde_json::to_vec(row)?)]).map(drop)
    }

    fn get(&self, id: u64) -> worker::Result<(Row, i64)> {
        let mut rows = self.0.exec(GET, vec![key(id), time()])?.raw();
        match rows.next().transpose()?.map(<[SqlStorageValue; 2]>::try_from) {
            Some(Ok([SqlStorageValue::Blob(value), SqlStorageValue::Integer(revision)])) => {
                Ok((serde_json::from_slice(&value)?, revision))
            }
            _ => Err("there is no such row".into()),
        }
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut Row)) -> worker::Result<()> {
        let (mut row, revision) = self.get(id)?;
        change(&mut row);
        let value = SqlStorageValue::Blob(serde_json::to_vec(&row)?);
        let values = vec![value, key(id), SqlStorageValue::Integer(revision), time()];
        match self.0.exec(UPDATE, values)?.raw().next() {
            Some(_) => Ok(()),
            None => Err("it was written meanwhile".into()),
        }
    }
}

fn key(id: u64) -> SqlStorageValue {
    Key::from_text(format!("player:{id}")).as_str().into()
}

fn time() -> SqlStorageValue {
    SqlStorageValue::Float(Date::now().as_millis() as f64)
}
