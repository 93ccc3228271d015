//! Reads of records by their keys.

use std::borrow::Cow;

use kv_store::key::Key;
use kv_store::record::{Head, Metadata, Record};
use kv_store::{Location, Result, Timestamp};
use redis::{Cmd, Pipeline, Value};

use super::NAME;
use super::connection::side_by_side;
use super::error::unexpected_answer;
use super::error::{Fault, failed, unexpected};
use super::inner::Inner;
use super::script::{Lua, lua};
use super::server::Deadline;
use super::wire::{self, HEAD_LEN, HeadError};

/// As much of a record as its envelope can have.
const LONGEST_ENVELOPE: usize = 64 + (1 << 16);

/// `MGET` shows another type of value as nothing. Of so many keys `EXISTS` asks in the same round
/// trip how many are there: an entity's groups are read in one, absent ones too. Of more keys,
/// where each costs more than the round trip, only those shown as nothing are asked for a second
/// time.
const ASKED_AT_ONCE: usize = 16;

/// Values and remaining times. What is wrong with one key is the answer for that key alone.
static GET_WITH_PTTL: Lua = lua!(
    "local answers = {}
for place, key in ipairs(KEYS) do
  answers[2 * place - 1] = redis.pcall('GET', key)
  answers[2 * place] = redis.pcall('PTTL', key)
end
return answers"
);

/// Whether a batch says when its records expire, which takes a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiries {
    Included,
    Omitted,
}

impl Inner {
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.get_by(key, self.connection.deadline()).await
    }

    pub(super) async fn get_by(&self, key: &Key, by: Deadline) -> Result<Option<Record>> {
        let spelled = self.spelling.spell(key);
        let answer = self.connection.query_by(&spelled, &get(&spelled), by).await;
        wire::record(key, answer.map_err(|error| failed(Location::of(NAME, key), "read", error))?)
    }

    pub(super) async fn get_many(&self, keys: &[Key], expiries: Expiries) -> Result<Vec<Option<Record>>> {
        self.get_many_by(keys, expiries, self.connection.deadline()).await
    }

    pub(super) async fn get_many_by(
        &self,
        keys: &[Key],
        expiries: Expiries,
        by: Deadline,
    ) -> Result<Vec<Option<Record>>> {
        if let ([key], Expiries::Omitted) = (keys, expiries) {
            // `GET` says itself if the value is of another type.
            return Ok(vec![self.get_by(key, by).await?]);
        }
        let spelled: Vec<Cow<'_, str>> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        let answers = self.values(&spelled, expiries, by).await;
        let answers = answers.map_err(|error| failed(Location::store(NAME), "read", error))?;
        // One moment for all, as they are one answer.
        let now = self.info.clock().now();
        let record = |(key, answer): (&Key, Answer)| {
            let Some(mut record) = wire::record(key, answer.value)? else { return Ok(None) };
            if expiries == Expiries::Included {
                record.expires_at = wire::expires_at(&answer.pttl, now);
                record.expiry_known = true;
            }
            Ok(Some(record))
        };
        keys.iter().zip(answers).map(record).collect()
    }

    pub(super) async fn head(&self, key: &Key, by: Deadline) -> Result<Option<Head>> {
        let at = || Location::of(NAME, key);
        let spelled = self.spelling.spell(key);
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(beginning(&spelled, HEAD_LEN)).add_command(pttl(&spelled));
        let answers = self.connection.pipeline_by(&spelled, &pipeline, by).await;
        let answers = answers.map_err(|error| failed(at(), "read", error))?;
        let Ok([head, pttl]) = <[Value; 2]>::try_from(answers) else { return Err(unexpected(at(), "read")) };
        self.head_of(key, &spelled, head, &pttl, self.info.clock().now(), by).await
    }

    /// The head of a record from its beginning and its remaining time at `now`.
    pub(super) async fn head_of(
        &self,
        key: &Key,
        spelled: &str,
        head: Value,
        pttl: &Value,
        now: Timestamp,
        by: Deadline,
    ) -> Result<Option<Head>> {
        let at = || Location::of(NAME, key);
        let Some(head) = wire::bytes(head, &at)? else { return Ok(None) };
        // The beginning of what is not there is empty, as that of an empty value.
        if matches!(pttl, Value::Int(-2)) {
            return Ok(None);
        }
        let metadata = match wire::metadata(&head) {
            Ok(metadata) => metadata,
            Err(HeadError::Damaged(damage)) => return Err(damage.into_error(at())),
            Err(HeadError::Longer) => match self.long_metadata(key, spelled, by).await? {
                Some(metadata) => metadata,
                None => return Ok(None),
            },
        };
        Ok(Some(Head::new(metadata, wire::expires_at(pttl, now))))
    }

    /// Metadata with members that are not ours, which needs the whole envelope.
    async fn long_metadata(&self, key: &Key, spelled: &str, by: Deadline) -> Result<Option<Metadata>> {
        let at = || Location::of(NAME, key);
        let answer = self.connection.query_by(spelled, &beginning(spelled, LONGEST_ENVELOPE), by).await;
        let head = wire::bytes(answer.map_err(|error| failed(at(), "read", error))?, &at)?;
        match head.filter(|head| !head.is_empty()).map(|head| kv_store::record::envelope::read(&head)) {
            Some(Ok(envelope)) => Ok(Some(envelope.metadata)),
            Some(Err(damage)) => Err(damage.into_error(at())),
            None => Ok(None),
        }
    }

    /// Reads the values of keys, given in the server's key format, in their order.
    pub(super) async fn values<S: AsRef<str> + Sync>(
        &self,
        keys: &[S],
        expiries: Expiries,
        by: Deadline,
    ) -> Result<Vec<Answer>, Fault> {
        match self.by_slot(keys).as_slice() {
            [] => Ok(Vec::new()),
            [_] => {
                let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
                self.values_of_slot(&keys, expiries, by).await
            }
            slots => {
                let parts = slots.iter().map(async |places| {
                    let keys: Vec<&str> =
                        places.iter().filter_map(|place| keys.get(*place)).map(AsRef::as_ref).collect();
                    self.values_of_slot(&keys, expiries, by).await
                });
                let mut answers = vec![Answer::default(); keys.len()];
                for (places, part) in slots.iter().zip(side_by_side(parts).await) {
                    for (place, answer) in places.iter().zip(part?) {
                        if let Some(slot) = answers.get_mut(*place) {
                            *slot = answer;
                        }
                    }
                }
                Ok(answers)
            }
        }
    }

    async fn values_of_slot(
        &self,
        keys: &[&str],
        expiries: Expiries,
        by: Deadline,
    ) -> Result<Vec<Answer>, Fault> {
        let answers = self.values_together(keys, expiries, by).await;
        match answers {
            // While a slot moves, none of its two nodes may have all keys.
            Err(fault) if fault.code().as_deref() == Some("TRYAGAIN") => {
                let each = self.each(keys, |key| [get(key), pttl(key)], by).await?;
                Ok(each.into_iter().map(|[value, pttl]| Answer { value, pttl }).collect())
            }
            answers => answers,
        }
    }

    async fn values_together(
        &self,
        keys: &[&str],
        expiries: Expiries,
        by: Deadline,
    ) -> Result<Vec<Answer>, Fault> {
        let [first, ..] = keys else { return Ok(Vec::new()) };
        if expiries == Expiries::Included {
            return self.values_with_expiries(keys, by).await;
        }
        let asks_at_once = keys.len() <= ASKED_AT_ONCE;
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(many("MGET", keys));
        if asks_at_once {
            pipeline.add_command(many("EXISTS", keys));
        }
        let mut answers = self.connection.pipeline_by(first, &pipeline, by).await?.into_iter();
        let values = match answers.next() {
            Some(Value::Array(values)) if values.len() == keys.len() => values,
            Some(Value::ServerError(error)) => return Err(Fault::sent(error.into())),
            _ => return Err(unexpected_answer("MGET answers with an array")),
        };
        let there = if asks_at_once { Some(wire::count(answers.next().unwrap_or_default())?) } else { None };
        let mut answers: Vec<Answer> =
            values.into_iter().map(|value| Answer { value, pttl: Value::Nil }).collect();
        let shown = answers.iter().filter(|answer| answer.value != Value::Nil).count();
        if shown < keys.len() && there.is_none_or(|there| there > shown as u64) {
            self.find_other_types(keys, &mut answers, by).await?;
        }
        Ok(answers)
    }

    /// Records and their expiries, of one moment. A transaction would not do: a server whose memory
    /// is full takes no transaction at all.
    async fn values_with_expiries(&self, keys: &[&str], by: Deadline) -> Result<Vec<Answer>, Fault> {
        let answer = self.connection.run(&GET_WITH_PTTL, keys, &[], by).await?;
        let Value::Array(parts) = answer else {
            return Err(unexpected_answer("the script answers with an array"));
        };
        let mut parts = parts.into_iter();
        let mut answers = Vec::with_capacity(keys.len());
        while let (Some(value), Some(pttl)) = (parts.next(), parts.next()) {
            answers.push(Answer { value, pttl });
        }
        if answers.len() != keys.len() {
            return Err(unexpected_answer("the script answers for each key"));
        }
        Ok(answers)
    }

    /// Asks for the types of what `MGET` showed as nothing: one that is no string becomes an error.
    async fn find_other_types(
        &self,
        keys: &[&str],
        answers: &mut [Answer],
        by: Deadline,
    ) -> Result<(), Fault> {
        let mut hidden: Vec<(&str, &mut Answer)> =
            keys.iter().copied().zip(answers).filter(|(_, answer)| answer.value == Value::Nil).collect();
        let Some((first, _)) = hidden.first() else { return Ok(()) };
        let mut pipeline = Pipeline::with_capacity(hidden.len());
        for (key, _) in &hidden {
            pipeline.add_command(beginning(key, 1));
        }
        let looks = self.connection.pipeline_by(first, &pipeline, by).await?;
        for ((_, answer), found) in hidden.iter_mut().zip(looks) {
            // What was written between the two looks stays what it was at the first.
            if let Value::ServerError(_) = found {
                answer.value = found;
            }
        }
        Ok(())
    }

    /// The places of keys by the slots that they lie on; one server has one.
    pub(super) fn by_slot<S: AsRef<str>>(&self, keys: &[S]) -> Vec<Vec<usize>> {
        #[cfg(feature = "cluster")]
        if self.connection.is_cluster() {
            return super::cluster::by_slot(keys);
        }
        if keys.is_empty() { Vec::new() } else { vec![(0..keys.len()).collect()] }
    }
}

/// What the server has under a key.
#[derive(Clone, Default)]
pub(super) struct Answer {
    /// A string, nothing, or an error.
    pub(super) value: Value,
    /// The remaining time, where it was asked for.
    pub(super) pttl: Value,
}

pub(super) fn get(key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, key.len() + 3);
    command.arg("GET").arg(key);
    command
}

pub(super) fn pttl(key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, key.len() + 4);
    command.arg("PTTL").arg(key);
    command
}

/// Reads the first bytes of the value under a key.
pub(super) fn beginning(key: &str, bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(4, key.len() + 20);
    command.arg("GETRANGE").arg(key).arg(0).arg(bytes - 1);
    command
}

/// A command about many keys.
pub(super) fn many<S: AsRef<str>>(name: &str, keys: &[S]) -> Cmd {
    let bytes = keys.iter().map(|key| key.as_ref().len()).sum::<usize>();
    let mut command = Cmd::with_capacity(keys.len() + 1, bytes + name.len());
    command.arg(name);
    for key in keys {
        command.arg(key.as_ref());
    }
    command
}
