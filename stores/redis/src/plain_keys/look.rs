//! Looks under the plain keys of records that are not there: for reads that found nothing, and for
//! writes that look at nothing by themselves.

use std::collections::HashSet;

use futures_util::future::join;
use kv_store::key::Key;
use kv_store::store::{Condition, Write};
use kv_store::{Location, Result};
use redis::{Cmd, Pipeline, Value};

use crate::NAME;
use crate::error::{Fault, failed, unexpected_answer};
use crate::inner::Inner;
use crate::key_format::KeyFormat;
use crate::list::exists;
use crate::server::Deadline;

impl Inner {
    /// Whether a record that is not there may be under a plain key. An index belongs to the keys of
    /// its entities, and a store without hash tags has its own.
    pub(crate) const fn may_be_hidden(&self, key: &Key) -> bool {
        self.checks_plain_keys && !key.is_of_index()
    }

    /// Fails if a record is under the plain key of one that was read and is not there. An entity is
    /// there if the first of its groups that were read is: further ones may be absent.
    pub(crate) async fn none_is_hidden<R>(
        &self,
        keys: &[Key],
        records: &[Option<R>],
        by: Deadline,
    ) -> Result<()> {
        if !self.checks_plain_keys || records.iter().all(Option::is_some) {
            return Ok(());
        }
        let (mut there, mut absent) = (HashSet::new(), Vec::new());
        for (key, record) in keys.iter().zip(records) {
            match record {
                Some(_) => drop(there.insert(key.entity_part())),
                None if self.may_be_hidden(key) && !there.contains(key.entity_part()) => absent.push(key),
                None => {}
            }
        }
        match self.hidden_of(&absent, by).await?.first() {
            Some(hidden) => Err(self.is_hidden(hidden, "")),
            None => Ok(()),
        }
    }

    /// Fails if a write would make a second record beside one under a plain key, or would not reach
    /// that one. A condition on the entity says already whether it is there.
    pub(crate) async fn none_is_hidden_from(
        &self,
        conditions: &[Condition],
        writes: &[Write],
        by: Deadline,
    ) -> Result<()> {
        if !self.checks_plain_keys {
            return Ok(());
        }
        let known: HashSet<&str> = conditions.iter().map(|condition| condition.key.entity_part()).collect();
        let writes =
            writes.iter().filter(|write| !matches!(write, Write::AddEntry(_) | Write::RemoveEntry(_)));
        let unread = writes.map(Write::key).filter(|key| !known.contains(key.entity_part()));
        self.none_is_beside(unread, by).await
    }

    /// The same of records about which nothing is known.
    pub(crate) async fn none_is_beside<'k>(
        &self,
        keys: impl Iterator<Item = &'k Key>,
        by: Deadline,
    ) -> Result<()> {
        let keys: Vec<&Key> = keys.filter(|key| self.may_be_hidden(key)).collect();
        let hidden = self.hidden_of(&keys, by).await?;
        if hidden.is_empty() {
            return Ok(());
        }
        let entities: HashSet<&str> = hidden.iter().map(|key| key.entity_part()).collect();
        let of_these: Vec<&Key> =
            keys.into_iter().filter(|key| entities.contains(key.entity_part())).collect();
        let spelled: Vec<_> = of_these.iter().map(|key| self.spelling.spell(key)).collect();
        let found = self.each(&spelled, |key| [exists(key)], by).await.map_err(not_looked)?;
        let there: HashSet<&str> = of_these
            .iter()
            .zip(found)
            .filter(|(_, [found])| *found == Value::Int(1))
            .map(|(key, _)| key.entity_part())
            .collect();
        match hidden.into_iter().find(|key| !there.contains(key.entity_part())) {
            Some(hidden) => Err(self.is_hidden(hidden, NOTHING_WRITTEN)),
            None => Ok(()),
        }
    }

    /// Fails if a record is under the plain key of one that a write did not find.
    pub(crate) async fn is_not_hidden(&self, key: &Key, by: Deadline) -> Result<()> {
        match self.hidden_of(&[key], by).await?.first() {
            Some(hidden) => Err(self.is_hidden(hidden, NOTHING_WRITTEN)),
            None => Ok(()),
        }
    }

    /// Those of these keys that have a record without the hash tag. It costs one round trip: on a
    /// cluster one command for each key, since these are on other nodes.
    async fn hidden_of<'k>(&self, keys: &[&'k Key], by: Deadline) -> Result<Vec<&'k Key>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let plain: Vec<_> = keys.iter().map(|key| KeyFormat::Plain.spell(key)).collect();
        let are_hidden = self.are_records(&plain, by).await.map_err(not_looked)?;
        Ok(keys
            .iter()
            .copied()
            .zip(are_hidden)
            .filter(|(_, is_hidden)| *is_hidden)
            .map(|(key, _)| key)
            .collect())
    }

    /// Whether each of these keys of the server has a record. Another type of value is none.
    pub(crate) async fn are_records<S: AsRef<str>>(
        &self,
        spelled: &[S],
        by: Deadline,
    ) -> Result<Vec<bool>, Fault> {
        let types = self.each(spelled, |key| [type_of(key)], by).await?;
        types.into_iter().map(|[found]| is_string(found)).collect()
    }

    /// Sends a write of a record that must be there, and looks under its plain key at the same time.
    /// Returns whether the record was there; if not, nothing was written, and there is none under the
    /// plain key either.
    pub(crate) async fn write_if_there(
        &self,
        key: &Key,
        write: Cmd,
        by: Deadline,
    ) -> Result<Result<bool, Fault>> {
        let (ours, plain) = (self.spelling.spell(key), KeyFormat::Plain.spell(key));
        let (written, found) = if self.connection.is_cluster() {
            let look = type_of(&plain);
            let both = join(
                self.connection.query_by(&ours, &write, by),
                self.connection.query_by(&plain, &look, by),
            );
            both.await
        } else {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.add_command(write).add_command(type_of(&plain));
            match self.connection.pipeline_by(&ours, &pipeline, by).await.map(<[Value; 2]>::try_from) {
                Ok(Ok([written, found])) => (written.extract_error().map_err(Fault::sent), Ok(found)),
                Ok(Err(_)) => (Err(unexpected_answer("there are two answers")), Ok(Value::Nil)),
                Err(fault) => (Err(fault), Ok(Value::Nil)),
            }
        };
        if !matches!(written, Ok(Value::Nil)) {
            return Ok(written.map(|_| true));
        }
        match found.and_then(is_string) {
            Ok(false) => Ok(Ok(false)),
            Ok(true) => Err(self.is_hidden(key, NOTHING_WRITTEN)),
            Err(fault) => Err(not_looked(fault)),
        }
    }
}

/// Whether `TYPE` says that a key has a record.
fn is_string(found: Value) -> Result<bool, Fault> {
    let found = found.extract_error().map_err(Fault::sent)?;
    Ok(matches!(found, Value::SimpleString(found) if found == "string"))
}

/// What the error of a write says at its end.
pub(crate) const NOTHING_WRITTEN: &str = "; nothing was written";

fn not_looked(fault: Fault) -> kv_store::Error {
    failed(Location::store(NAME), "look for plain keys", fault)
}

fn type_of(key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, key.len() + 4);
    command.arg("TYPE").arg(key);
    command
}
