//! Writes that go to a store together.

use std::iter::Chain;

use super::info::StoreInfo;
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::{Expiry, NewRecord};

/// One write of a batch.
#[derive(Clone, Debug)]
pub enum Write {
    /// Writes the record. Replaces any stored one.
    Put(Key, NewRecord),
    /// Writes value and metadata, and keeps the expiry that the stored record has at the time of
    /// the commit. The new record's own expiry is used only if there is no stored record. Only a
    /// commit has it.
    Update(Key, NewRecord),
    /// Sets only the expiry of the record. Does nothing if there is no record.
    /// [`Expiry::AtLeast`] MUST NOT shorten the record's expiry, and MUST NOT change a record that
    /// does not expire. Only a commit has it.
    Touch(Key, Expiry),
    /// Deletes the record, if there is one.
    Delete(Key),
    /// Adds an entry of an index. Only a commit of an [`IndexStore`](super::IndexStore) has it.
    AddEntry(Key),
    /// Removes an entry of an index. Only a commit of an [`IndexStore`](super::IndexStore) has it.
    RemoveEntry(Key),
}

impl Write {
    /// Returns the key that it writes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(key, _)
            | Self::Update(key, _)
            | Self::Touch(key, _)
            | Self::Delete(key)
            | Self::AddEntry(key)
            | Self::RemoveEntry(key) => key,
        }
    }

    /// Returns the same write of another key, for a wrapper that changes keys.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        match self {
            Self::Put(_, record) => Self::Put(key, record),
            Self::Update(_, record) => Self::Update(key, record),
            Self::Touch(_, expiry) => Self::Touch(key, expiry),
            Self::Delete(_) => Self::Delete(key),
            Self::AddEntry(_) => Self::AddEntry(key),
            Self::RemoveEntry(_) => Self::RemoveEntry(key),
        }
    }
}

/// Writes in order. If two have the same key, the later one wins. A single one needs no list.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::key::Key;
/// use kv_runtime::store::{Batch, Write};
///
/// let one = Batch::from(Write::Delete(Key::from_text("user:7")));
/// assert_eq!((one.len(), one.first().map(|write| write.key().as_str())), (1, Some("user:7")));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    first: Option<Write>,
    rest: Vec<Write>,
    is_part: bool,
}

/// A batch by the kind of its writes: [`Batch::into_kind`].
#[derive(Debug)]
pub enum Batches {
    /// One write.
    One(Write),
    /// Records to put, none or several.
    Puts(Vec<(Key, NewRecord)>),
    /// Keys to delete, several.
    Deletes(Vec<Key>),
    /// Several writes of different kinds.
    Mixed(Vec<Write>),
}

impl Batch {
    /// Returns an empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: None, rest: Vec::new(), is_part: false }
    }

    /// Returns a batch that puts records.
    #[must_use]
    pub fn puts(records: impl IntoIterator<Item = (Key, NewRecord)>) -> Self {
        records.into_iter().map(|(key, record)| Write::Put(key, record)).collect()
    }

    /// Returns a batch that deletes records.
    #[must_use]
    pub fn deletes(keys: impl IntoIterator<Item = Key>) -> Self {
        keys.into_iter().map(Write::Delete).collect()
    }

    /// Marks it as a part of a longer write, which ends with a batch that is no part and may be
    /// empty.
    ///
    /// A store whose every write waits for its disk MAY commit the part with a later write only.
    /// Until then reads may miss it, a crash may lose it, and a [mark](super::StoreInfo::mark) MUST
    /// NOT settle. A later write MUST NOT be seen or be durable without it. A part that is a commit
    /// MUST see all parts before it in its conditions; if one of these does not hold, the parts MUST
    /// be readable when the call returns, so that its caller can read what it lost to.
    #[must_use]
    pub const fn as_part(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// Returns whether it is a [part](Self::as_part) of a longer write.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        self.is_part
    }

    /// Adds a write behind the others.
    pub fn push(&mut self, write: Write) {
        if self.first.is_none() {
            self.first = Some(write);
        } else {
            self.rest.push(write);
        }
    }

    /// Returns the number of writes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.first.is_some() as usize + self.rest.len()
    }

    /// Returns whether there is no write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Returns the first write.
    #[must_use]
    pub const fn first(&self) -> Option<&Write> {
        self.first.as_ref()
    }

    /// Returns the writes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Write> + Clone {
        self.first.iter().chain(&self.rest)
    }

    /// Returns the same batch with each write changed, such as to other keys.
    #[must_use]
    pub fn map(self, mut change: impl FnMut(Write) -> Write) -> Self {
        Self {
            first: self.first.map(&mut change),
            rest: self.rest.into_iter().map(change).collect(),
            is_part: self.is_part,
        }
    }

    /// Returns the writes by their kind, for stores whose engines have a call for each.
    #[must_use]
    pub fn into_kind(self) -> Batches {
        let Self { first, rest, .. } = self;
        let Some(first) = first else { return Batches::Puts(Vec::new()) };
        if rest.is_empty() {
            return Batches::One(first);
        }
        let are = |kind: fn(&Write) -> bool| kind(&first) && rest.iter().all(kind);
        if are(|write| matches!(write, Write::Put(..))) {
            let puts = std::iter::once(first).chain(rest).filter_map(|write| match write {
                Write::Put(key, record) => Some((key, record)),
                _ => None,
            });
            return Batches::Puts(puts.collect());
        }
        if are(|write| matches!(write, Write::Delete(_))) {
            let keys = std::iter::once(first).chain(rest).filter_map(|write| match write {
                Write::Delete(key) => Some(key),
                _ => None,
            });
            return Batches::Deletes(keys.collect());
        }
        Batches::Mixed(std::iter::once(first).chain(rest).collect())
    }

    /// Makes the writes one after the other: for stores whose engines have no batches. The error of a
    /// single write is passed on. Of several it becomes [`Error::Partial`].
    pub async fn one_by_one<F: Future<Output = Result<()>>>(
        self,
        store: &StoreInfo,
        mut write: impl FnMut(Write) -> F,
    ) -> Result<()> {
        let is_single = self.len() == 1;
        for (written, next) in self.into_iter().enumerate() {
            let at = Location::of(store.name(), next.key());
            match write(next).await {
                Ok(()) => {}
                Err(error) if is_single => return Err(error),
                Err(error) => {
                    let unknown = if error.is_unknown() { vec![written] } else { Vec::new() };
                    let (also, source) = (Vec::new(), Box::new(error));
                    return Err(Error::Partial { at, written, also, unknown, source });
                }
            }
        }
        Ok(())
    }

    /// Returns the writes as a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<Write> {
        self.into_iter().collect()
    }
}

impl From<Write> for Batch {
    fn from(write: Write) -> Self {
        Self { first: Some(write), rest: Vec::new(), is_part: false }
    }
}

impl From<Vec<Write>> for Batch {
    fn from(writes: Vec<Write>) -> Self {
        writes.into_iter().collect()
    }
}

impl FromIterator<Write> for Batch {
    fn from_iter<I: IntoIterator<Item = Write>>(writes: I) -> Self {
        let mut writes = writes.into_iter();
        Self { first: writes.next(), rest: writes.collect(), is_part: false }
    }
}

impl IntoIterator for Batch {
    type Item = Write;
    type IntoIter = Chain<std::option::IntoIter<Write>, std::vec::IntoIter<Write>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Metadata;

    fn put(key: &str) -> Write {
        Write::Put(Key::from_text(key), NewRecord::new("{}", Metadata::default()))
    }

    fn delete(key: &str) -> Write {
        Write::Delete(Key::from_text(key))
    }

    #[test]
    fn a_batch_keeps_the_order_of_its_writes() {
        let mut batch = Batch::from(vec![put("a"), delete("b")]);
        batch.push(put("c"));
        let keys: String = batch.iter().map(|write| write.key().as_str()).collect();
        assert_eq!((keys.as_str(), batch.len(), batch.is_empty()), ("abc", 3, false));
        let renamed = batch.map(|write| {
            let key = Key::from_text(format!("{}!", write.key().as_str()));
            write.with_key(key)
        });
        let keys: Vec<String> = renamed.into_iter().map(|write| write.key().as_str().to_owned()).collect();
        assert_eq!(keys, ["a!", "b!", "c!"]);
    }

    #[test]
    fn batches_of_one_kind_are_told_apart() {
        assert!(matches!(Batch::new().into_kind(), Batches::Puts(puts) if puts.is_empty()));
        assert!(matches!(Batch::from(put("a")).into_kind(), Batches::One(Write::Put(..))));
        let puts = Batch::from(vec![put("a"), put("b")]);
        assert!(matches!(puts.into_kind(), Batches::Puts(puts) if puts.len() == 2));
        let deletes = Batch::deletes([Key::from_text("a"), Key::from_text("b")]);
        assert!(matches!(deletes.into_kind(), Batches::Deletes(keys) if keys.len() == 2));
        let mixed = Batch::from(vec![put("a"), delete("a")]);
        assert!(matches!(mixed.into_kind(), Batches::Mixed(writes) if writes.len() == 2));
    }
}
