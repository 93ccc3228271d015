//! Lookups of a unique value: the claim and the entity's records in one round trip.

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{ClaimQuery, Claimed};
use kv_store::{Location, Result};
use redis::{Cmd, Value};

use super::NAME;
use super::error::{failed, unexpected};
use super::inner::Inner;
use super::key_format::{INDEX, KeyFormat};
use super::read::Expiries;
use super::script::{Lua, lua};
use super::wire;

static CLAIM: Lua = lua!(include_str!("claim.lua"));

impl Inner {
    /// Reads a claim and a further record, and the records that the claim leads to, as one script.
    /// It reads keys that it is not given, which only one server has; and makes them of texts alone,
    /// which is right only for keys without hash tags.
    pub(super) async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        if self.connection.is_cluster() || self.spelling != KeyFormat::Plain {
            return self.claim_alone(query).await;
        }
        let at = || Location::of(NAME, &query.claim);
        let spelled = self.spelling.spell(&query.claim);
        let fill = |mut command: Cmd| {
            command.arg(2).arg(&*self.spelling.spell(&query.also)).arg(&*spelled);
            command.arg(&query.before).arg(&query.behind);
            command
        };
        let answer = self.connection.run_filled(&spelled, &CLAIM, fill, self.connection.deadline()).await;
        let answer = match answer {
            // The script does not tell which of the keys it is.
            Err(fault) if fault.code().as_deref() == Some("WRONGTYPE") => {
                return self.claim_alone(query).await;
            }
            answer => answer.map_err(|fault| failed(at(), "read", fault))?,
        };
        let Value::Array(answers) = answer else { return Err(unexpected(at(), "read")) };
        let mut answers = answers.into_iter();
        let (Some(also), Some(claim)) = (answers.next(), answers.next()) else {
            return Err(unexpected(at(), "read"));
        };
        let also = wire::record(&query.also, also)?;
        let claim = wire::record(&query.claim, claim)?;
        let is_followed = claim.as_ref().is_some_and(|claim| is_followed(query, claim));
        let records = if is_followed { records(query, answers) } else { None };
        let claimed = Claimed::new(claim, also);
        Ok(match records {
            Some(records) => claimed.with_records(records),
            None => claimed,
        })
    }

    async fn claim_alone(&self, query: &ClaimQuery) -> Result<Claimed> {
        let keys = [query.also.clone(), query.claim.clone()];
        let mut records = self.get_many(&keys, Expiries::Omitted).await?.into_iter();
        let (also, claim) = (records.next().flatten(), records.next().flatten());
        Ok(Claimed::new(claim, also))
    }
}

/// Whether the script has made the keys of the records as they are spelled: the claim is a JSON text
/// without escapes.
fn is_followed(query: &ClaimQuery, claim: &Record) -> bool {
    let [b'"', entity @ .., b'"'] = &claim.value[..] else { return false };
    !entity.iter().any(|byte| matches!(byte, b'"' | b'\\'))
        && ![query.before.as_bytes(), entity].concat().starts_with(INDEX.as_bytes())
}

/// The records, unless one cannot be read. Its caller reads it again, and so finds out why: it knows
/// which parts of the key are secret, and how to go on.
fn records(query: &ClaimQuery, answers: impl ExactSizeIterator<Item = Value>) -> Option<Vec<Option<Record>>> {
    if query.behind.is_empty() || answers.len() != query.behind.len() {
        return None;
    }
    let unnamed = Key::from_text("");
    answers.map(|answer| wire::record(&unnamed, answer).ok()).collect()
}
