//! Leases: numbers under names of their own beside the records.
//!
//! A lease of a key is taken while there is no record. The server forgets it after
//! [`LONGEST_LEASE`] at the latest, and nobody extends it. A fill is a commit that expects no
//! record and the number of its lease. Of all writes only those void a lease after which the record
//! may be gone before the lease is:
//!
//! - Deletes, and writes of records that have expired already.
//! - Puts, touches and updates that give a record a shorter life than `LONGEST_LEASE`.
//!
//! That is enough. After any other write there is a record that stays for longer than the lease,
//! because it was written after the lease was taken. An update of a standing record keeps its
//! expiry, and a touch that extends sets a later one. So if there is no record while the lease is
//! there, nobody has written since. The server's clock counts both.
//!
//! Not covered: deletes by other programs, and records that the server evicts.

use std::borrow::Cow;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::Expiry;
use kv_store::store::{Condition, LONGEST_LEASE, Lease, Write};
use kv_store::{Location, Result, Timestamp};
use redis::{Pipeline, Value};

use super::NAME;
use super::connection::{Connection, side_by_side};
use super::error::unexpected_answer;
use super::error::{Fault, failed};
use super::inner::Inner;
use super::key_format::lease_of;
use super::plain_keys::Beside;
use super::read::many;
use super::script::{Lua, lua};
use super::server::Deadline;
use super::wire::{self, Lifetime};

/// Takes leases of records that are absent. One that lasts long enough is shared.
static TAKE: Lua = lua!(
    "-- KEYS: the records, then their leases. ARGV: the least time that a shared lease must have
-- left, the time of a new one, its number. A record that is there gets a number that is no lease.
local records = #KEYS / 2
local numbers = {}
for place = 1, records do
  local lease = KEYS[records + place]
  numbers[place] = ARGV[3]
  if redis.call('EXISTS', KEYS[place]) == 0 then
    if redis.call('PTTL', lease) >= tonumber(ARGV[1]) then
      numbers[place] = redis.call('GET', lease)
    else
      redis.call('SET', lease, ARGV[3], 'PX', ARGV[2])
    end
  end
end
return numbers"
);

/// How far the clock of a process may be from the server's. A record that expires at a moment is
/// taken for short-lived accordingly.
const MOST_APART: Duration = Duration::from_secs(3_600);

impl Lifetime {
    /// Whether the record may be gone before a lease that was taken before it was written.
    pub(super) fn is_short(self, now: Timestamp) -> bool {
        let longest = LONGEST_LEASE.as_millis();
        match self {
            Self::Endless => false,
            Self::Millis(ttl) => u128::from(ttl) < longest,
            Self::Until(moment) => {
                u128::from(moment) < u128::from(now.as_millis()) + longest + MOST_APART.as_millis()
            }
            Self::Over => true,
        }
    }
}

/// The leases that a commit has to do with.
pub(super) struct Leases {
    /// What its conditions show.
    pub(super) shown: Vec<Beside>,
    /// The names of those that end with it.
    pub(super) ended: Vec<String>,
}

impl Inner {
    /// Takes a lease of each key.
    pub(super) async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        let spelled: Vec<Cow<'_, str>> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        let (least, by) = (life.min(LONGEST_LEASE), self.connection.deadline());
        let longest = least.saturating_mul(2).min(LONGEST_LEASE);
        let new = kv_store::__private::random::token();
        let slots = self.by_slot(&spelled);
        let parts = slots.iter().map(async |places| {
            let records = places.iter().filter_map(|place| spelled.get(*place));
            let mut names: Vec<String> = records.clone().map(|record| (**record).to_owned()).collect();
            names.extend(records.map(|record| lease_of(record)));
            self.connection.lease(&names, [least, longest], new, by).await
        });
        let mut leases = vec![Lease::new(new); keys.len()];
        for (places, numbers) in slots.iter().zip(side_by_side(parts).await) {
            let numbers = numbers.map_err(|fault| failed(Location::store(NAME), "take leases", fault))?;
            for (place, number) in places.iter().zip(numbers) {
                if let Some(lease) = leases.get_mut(*place) {
                    *lease = Lease::new(number);
                }
            }
        }
        Ok(leases)
    }

    /// The leases of a commit. Those that it shows have served their purpose, and end with it.
    pub(super) fn leases(&self, conditions: &[Condition], writes: &[Write]) -> Leases {
        let name = |key: &Key| lease_of(&self.spelling.spell(key));
        let shown: Vec<_> = conditions
            .iter()
            .enumerate()
            // A lease without a number is of another store, and void here.
            .filter_map(|(index, condition)| Some((index, condition, condition.lease.as_ref()?)))
            .map(|(index, condition, lease)| Beside {
                of: index,
                key: name(&condition.key),
                word: [&b"v"[..], &lease.number().unwrap_or(0).to_le_bytes()].concat(),
                is_plain_key: false,
            })
            .collect();
        let now = self.info.clock().now();
        let is_short = |expiry: Expiry| Lifetime::of(expiry).is_short(now);
        let ends = |write: &&Write| match write {
            Write::Put(_, record) | Write::Update(_, record) => is_short(record.expiry),
            Write::Touch(_, Expiry::AtLeast(_)) => false,
            Write::Touch(_, expiry) => is_short(*expiry),
            Write::Delete(_) => true,
            Write::AddEntry(_) | Write::RemoveEntry(_) => false,
        };
        let mut ended: Vec<String> = writes.iter().filter(ends).map(|write| name(write.key())).collect();
        ended.extend(shown.iter().map(|lease| lease.key.clone()));
        Leases { shown, ended }
    }

    /// Removes records of one slot, and voids their leases in the same step. Returns how many of
    /// both there were.
    pub(super) async fn unlink(&self, spelled: &[Cow<'_, str>], by: Deadline) -> Result<u64, Fault> {
        let Some(first) = spelled.first() else { return Ok(0) };
        let leases: Vec<String> = spelled.iter().map(|record| lease_of(record)).collect();
        let all: Vec<&str> =
            spelled.iter().map(|key| &**key).chain(leases.iter().map(|key| &**key)).collect();
        let together = many("UNLINK", &all);
        if !self.connection.is_cluster() {
            return self.connection.query_by(first, &together, by).await.and_then(wire::count);
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(together);
        let removed = self.connection.pipeline_by(first, &pipeline, by).await;
        let removed = removed
            .and_then(|mut answers| answers.pop().unwrap_or_default().extract_error().map_err(Fault::sent));
        match removed {
            // While a slot moves, no node may have all names. The leases go first: who takes one
            // after that asks its origin after this call has begun.
            Err(fault) if fault.code().as_deref() == Some("TRYAGAIN") => {
                for lease in leases {
                    self.connection.query_by(first, &many("UNLINK", &[lease]), by).await?;
                }
                self.connection.query_by(first, &many("UNLINK", spelled), by).await.and_then(wire::count)
            }
            removed => removed.and_then(wire::count),
        }
    }
}

impl Connection {
    /// The numbers of leases: of the names the first half is of records, the second of leases.
    async fn lease(
        &self,
        names: &[String],
        [least, longest]: [Duration; 2],
        new: u64,
        by: Deadline,
    ) -> Result<Vec<u64>, Fault> {
        let millis = |duration: Duration| duration.as_millis().max(1).to_string();
        let (least, longest, new) = (millis(least), millis(longest), new.to_le_bytes());
        let answer = self.run(&TAKE, names, &[least.as_bytes(), longest.as_bytes(), &new], by).await?;
        let Value::Array(numbers) = answer else {
            return Err(unexpected_answer("the script answers with an array"));
        };
        let number = |number: Value| match number {
            Value::BulkString(bytes) => bytes.try_into().ok().map(u64::from_le_bytes),
            _ => None,
        };
        let numbers: Option<Vec<u64>> = numbers.into_iter().map(number).collect();
        numbers
            .filter(|numbers| 2 * numbers.len() == names.len())
            .ok_or_else(|| unexpected_answer("the script answers with a number for each key"))
    }
}
