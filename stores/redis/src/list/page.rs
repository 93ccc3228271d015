//! One page.

use std::sync::Arc;

use kv_store::key::Key;
use kv_store::store::{Content, Entry, ListPage, ListQuery};
use kv_store::{Error, Location, Result};
use redis::{Pipeline, Value};

use crate::NAME;
use crate::connection::side_by_side;
use crate::error::{Fault, failed, of_other_type};
use crate::inner::Inner;
use crate::key_format::{FoundKey, Tag};
use crate::read::{beginning, pttl};
use crate::server::Deadline;
use crate::wire::{self, HEAD_LEN};

use super::candidates::{Candidates, Position};

/// How many candidates are looked at in one go.
const MOST_LOOKED_AT: usize = 2_048;

/// A page that fills.
struct Shown<'a> {
    query: &'a ListQuery,
    page: ListPage,
    /// How many bytes of keys and values it has.
    bytes: usize,
}

impl Shown<'_> {
    fn room(&self) -> usize {
        self.query.max_bytes().saturating_sub(self.bytes)
    }

    fn push(&mut self, found: &FoundKey, entry: Result<Option<Entry>>, len: usize) {
        match entry {
            Ok(None) => return,
            Ok(Some(entry)) => self.page.push(&found.text, entry),
            // By the prefix, as nothing here tells which part of the key is secret.
            Err(error) => {
                let error = error.with_location(Location::of(NAME, self.query.prefix()));
                self.page.push(&found.text, Entry::Failed(error));
            }
        }
        self.bytes += found.text.len() + len;
    }
}

impl Inner {
    pub(crate) async fn list(self: &Arc<Self>, query: &ListQuery) -> Result<ListPage> {
        let invalid = || Error::InvalidCursor { at: Location::of(NAME, query.prefix()) };
        let position = match query.position(NAME)? {
            Some(position) => Some(Position::parse(position).ok_or_else(invalid)?),
            None => None,
        };
        let candidates = match position
            .as_ref()
            .and_then(|position| self.remainders.take_up(query, position, self.info.clock()))
        {
            Some(candidates) => candidates,
            None => {
                let after = position.as_ref().map(|position| position.after);
                let candidates = self.candidates(query, after).await;
                candidates.map_err(|error| self.not_listed(query, error))?
            }
        };
        let (mut page, looked_at) =
            self.show(query, &candidates.keys).await.map_err(|error| self.not_listed(query, error))?;
        let is_rest = candidates.keys.len() > looked_at;
        let last = if is_rest {
            looked_at.checked_sub(1).and_then(|last| candidates.keys.get(last)).map(|found| &found.text)
        } else {
            candidates.last.as_ref().filter(|_| candidates.more)
        };
        page.cursor = last.map(|last| query.cursor_at(&format!("{:016x}{last}", candidates.remainder)));
        if is_rest && candidates.remainder != 0 {
            self.remainders.keep(query, candidates, self.info.clock());
        }
        Ok(page)
    }

    async fn candidates(
        self: &Arc<Self>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Candidates, Fault> {
        match self.indexed(query, after).await? {
            Some(candidates) => Ok(candidates),
            None => self.scan(query, after).await,
        }
    }

    fn not_listed(&self, query: &ListQuery, error: Fault) -> Error {
        failed(Location::of(NAME, query.prefix()), "list", error)
    }

    /// Shows what is still there of the candidates, up to the limits, and tells how many it looked
    /// at.
    async fn show(&self, query: &ListQuery, keys: &[FoundKey]) -> Result<(ListPage, usize), Fault> {
        let page = ListPage::with_capacity(query.limit().min(keys.len()));
        let mut shown = Shown { query, page, bytes: 0 };
        let mut looked_at = 0;
        while looked_at < keys.len() && shown.page.len() < query.limit() && shown.room() > 0 {
            let len = MOST_LOOKED_AT.min(query.limit() - shown.page.len());
            let keys = keys.get(looked_at..).unwrap_or_default();
            let taken = self.show_next(keys.get(..len).unwrap_or(keys), &mut shown).await?;
            looked_at += taken;
        }
        Ok((shown.page, looked_at))
    }

    /// Shows what is there of these, and returns how many of them that took: all of them, or so
    /// many records as there was room for.
    async fn show_next(&self, keys: &[FoundKey], shown: &mut Shown<'_>) -> Result<usize, Fault> {
        let (keys, are_hidden) = alike(keys);
        let spelled: Vec<_> = keys.iter().map(|found| self.spelling.spell_found(found)).collect();
        let by = self.connection.deadline();
        if are_hidden {
            for (found, is_record) in keys.iter().zip(self.are_records(&spelled, by).await?) {
                if is_record {
                    shown.push(found, Err(Self::is_hidden_from(shown.query)), 0);
                }
            }
            return Ok(keys.len());
        }
        match shown.query.content() {
            Content::Keys => {
                let there = self.each(&spelled, |key| [exists(key)], by).await?;
                for (found, [there]) in keys.iter().zip(there) {
                    let there = wire::count(there)? > 0;
                    shown.push(found, Ok(there.then_some(Entry::Key)), 0);
                }
            }
            Content::Heads => {
                let heads = self.each(&spelled, |key| [beginning(key, HEAD_LEN), pttl(key)], by).await?;
                let now = self.info.clock().now();
                for ((found, spelled), [head, pttl]) in keys.iter().zip(&spelled).zip(heads) {
                    let key = Key::from_text(found.text.as_str());
                    let head = self.head_of(&key, spelled, head, &pttl, now, by).await;
                    shown.push(found, head.map(|head| head.map(Entry::Head)), HEAD_LEN);
                }
            }
            // `Content::Records`, and any part that this store cannot return alone.
            _ => {
                let values = self.values_with_room(&spelled, shown.room(), by).await?;
                let len = values.len();
                for (found, value) in keys.iter().zip(values) {
                    let bytes = if let Value::BulkString(bytes) = &value { bytes.len() } else { 0 };
                    let prefix = shown.query.prefix();
                    let record = match value {
                        Value::Int(_) => Err(of_other_type(Location::of(NAME, prefix))),
                        value => wire::record(prefix, value),
                    };
                    shown.push(found, record.map(|record| record.map(Entry::Record)), bytes);
                }
                return Ok(len);
            }
        }
        Ok(keys.len())
    }

    /// Sends the same commands for each key, and returns the answers. On a cluster each key has its
    /// own request: of the keys of a slot that is moving, some may have moved already.
    pub(crate) async fn each<const N: usize, S: AsRef<str>>(
        &self,
        keys: &[S],
        commands: impl Fn(&str) -> [redis::Cmd; N],
        by: Deadline,
    ) -> Result<Vec<[Value; N]>, Fault> {
        let together = if self.connection.is_cluster() { 1 } else { keys.len().max(1) };
        let parts = keys.chunks(together).map(async |keys| {
            let mut pipeline = Pipeline::with_capacity(keys.len() * N);
            for command in keys.iter().flat_map(|key| commands(key.as_ref())) {
                pipeline.add_command(command);
            }
            let first = keys.first().map(AsRef::as_ref).unwrap_or_default();
            self.connection.pipeline_by(first, &pipeline, by).await
        });
        let mut answers = Vec::with_capacity(keys.len());
        for part in side_by_side(parts).await {
            let mut part = part?.into_iter();
            while part.len() > 0 {
                answers.push(std::array::from_fn(|_| part.next().unwrap_or_default()));
            }
        }
        Ok(answers)
    }
}

/// The first of these keys, up to one of the other kind, and whether they are plain keys of records
/// that are hidden.
fn alike(keys: &[FoundKey]) -> (&[FoundKey], bool) {
    let is_hidden = |found: &FoundKey| found.tag == Tag::Missing;
    let are_hidden = keys.first().is_some_and(is_hidden);
    let end = keys.iter().position(|found| is_hidden(found) != are_hidden);
    (keys.get(..end.unwrap_or(keys.len())).unwrap_or(keys), are_hidden)
}

pub(crate) fn exists(key: &str) -> redis::Cmd {
    let mut command = redis::Cmd::with_capacity(2, key.len() + 6);
    command.arg("EXISTS").arg(key);
    command
}
