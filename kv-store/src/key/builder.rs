//! A key, and how it is built from an entity's schema and an id.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use super::known::Known;
use super::placement::Placement;
use super::redact::redact_into;
use super::schema::IdSchema;
use super::writer::{IdWriter, Segment};

/// The text under which a store keeps one record.
///
/// It knows where its entity ends and its group begins, so that a store may spell or place the two
/// apart. `Display` and `Debug` show a short hash in the place of every [secret
/// id](https://docs.rs/kv-runtime/latest/kv_runtime/derive.KvEntity.html#fields); only [`Key::as_str`] gives the text itself.
#[derive(Clone)]
pub struct Key {
    pub(super) text: String,
    pub(super) entity_len: usize,
    pub(super) secrets: Vec<Range<usize>>,
    pub(super) placement: Placement,
    /// Whether it was built as the key of an index: of an entry, of a claim, or of the index's state.
    pub(super) is_of_index: bool,
}

impl Key {
    /// Returns a key that was not built from an entity. Nothing in it is secret.
    ///
    /// The text tells neither a group from an id, nor whether the first id is a shard. If this
    /// program has opened a collection of the entity, both are known, and `user:123:profile` is the
    /// same key as the entity's own. Otherwise all of it is the entity's part, and a store that
    /// spreads its keys, such as a cluster, looks for it elsewhere. [`Collection::key`](https://docs.rs/kv-runtime/latest/kv_runtime/struct.Collection.html#method.key) returns an
    /// entity's own key in either case.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        let text = text.into();
        let Known { entity_len, placement } = Known::of(&text);
        Self { entity_len, text, secrets: Vec::new(), placement, is_of_index: false }
    }

    /// Returns the text as the store holds it, secret ids included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the text as the store holds it, secret ids included.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// The part that all groups of one entity share: `user:123` of `user:123:profile`.
    #[must_use]
    pub fn entity_part(&self) -> &str {
        &self.text[..self.entity_len]
    }

    /// The group's name, if the key has one: `profile` of `user:123:profile`.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.text[self.entity_len..].strip_prefix(':')
    }

    /// The shard of a key whose entity has a
    /// [shard id](https://docs.rs/kv-runtime/latest/kv_runtime/derive.KvEntity.html#fields): the id
    /// behind a `:` and the namespaces, if there are any. Equal integers have the same text, also
    /// where their keys are not written alike.
    #[must_use]
    pub fn shard(&self) -> Option<&str> {
        self.placement.shard().map(|shard| &**shard)
    }

    /// What decides where a store that spreads its keys places this one: the [shard](Self::shard) if
    /// it has one, and otherwise the [entity's part](Self::entity_part). Keys with the same placement
    /// are placed together. It is never empty, and it contains secret ids.
    #[must_use]
    pub fn placement(&self) -> &str {
        self.shard().unwrap_or_else(|| self.entity_part())
    }

    /// Whether its entity has a shard id. Not known of a key that was made of a text. A prefix of keys
    /// may be of a sharded entity and end before the shard id: then it has no shard.
    #[doc(hidden)]
    #[must_use]
    pub fn is_sharded(&self) -> Option<bool> {
        match self.placement {
            Placement::Text(_) => None,
            Placement::Entity => Some(false),
            Placement::Shard(_) => Some(true),
        }
    }

    /// The same key, placed where `other` is: for what is kept beside an entity and named otherwise.
    #[doc(hidden)]
    #[must_use]
    pub fn placed_with(mut self, other: &Self) -> Self {
        self.placement.clone_from(&other.placement);
        self
    }

    /// Whether it was built as a key of an index, and not of an entity. Not known of a text.
    #[doc(hidden)]
    #[must_use]
    pub const fn is_of_index(&self) -> bool {
        self.is_of_index
    }

    /// The same key in the shard that [`shard`](Self::shard) has returned of another one.
    #[doc(hidden)]
    #[must_use]
    pub fn in_shard(mut self, shard: &str) -> Self {
        self.placement = Placement::Shard(Some(shard.into()));
        self
    }

    /// Whether any of its ids is secret.
    #[doc(hidden)]
    pub fn has_secret(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Its length in bytes, which is what stores limit.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key has a prefix and is never empty")]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The same entity's key for another group.
    #[doc(hidden)]
    pub fn with_group(&self, group: Option<&str>) -> Self {
        let suffix = group.map_or(0, |group| group.len() + 1);
        let mut text = String::with_capacity(self.entity_len + suffix);
        text.push_str(self.entity_part());
        if let Some(group) = group {
            text.push(':');
            text.push_str(group);
        }
        Self {
            text,
            entity_len: self.entity_len,
            secrets: self.secrets.clone(),
            placement: self.placement.clone(),
            is_of_index: self.is_of_index,
        }
    }

    /// The key behind `prefix`, which becomes a part of what all groups of the entity share.
    #[doc(hidden)]
    pub fn within(&self, prefix: &str) -> Self {
        let mut text = String::with_capacity(prefix.len() + self.text.len());
        text.push_str(prefix);
        text.push_str(&self.text);
        let moved = |secret: &Range<usize>| secret.start + prefix.len()..secret.end + prefix.len();
        let secrets = self.secrets.iter().map(moved).collect();
        let placement = self.placement.within(prefix);
        let (entity_len, is_of_index) = (prefix.len() + self.entity_len, self.is_of_index);
        Self { text, entity_len, secrets, placement, is_of_index }
    }

    /// The key without `prefix`, which [`within`](Self::within) has added. `None` if it begins
    /// otherwise.
    #[doc(hidden)]
    #[must_use]
    pub fn without(&self, prefix: &str) -> Option<Self> {
        let text = self.text.strip_prefix(prefix)?.to_owned();
        let moved = |secret: &Range<usize>| {
            secret.start.saturating_sub(prefix.len())..secret.end.saturating_sub(prefix.len())
        };
        let secrets = self.secrets.iter().map(moved).collect();
        let entity_len = self.entity_len.saturating_sub(prefix.len());
        let placement = self.placement.without(prefix)?;
        Some(Self { text, entity_len, secrets, placement, is_of_index: self.is_of_index })
    }

    /// The text with a hash in the place of every secret id.
    fn redacted(&self) -> String {
        let mut redacted = String::with_capacity(self.text.len());
        let mut from = 0;
        for secret in &self.secrets {
            redacted.push_str(&self.text[from..secret.start]);
            redact_into(&self.text[secret.clone()], &mut redacted);
            from = secret.end;
        }
        redacted.push_str(&self.text[from..]);
        redacted
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secrets.is_empty() { f.pad(&self.text) } else { f.pad(&self.redacted()) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(\"{self}\")")
    }
}

/// Keys are equal where their texts are.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

/// Keys are ordered as their texts are, which is the order of a list.
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// A key in the making: the prefix, then one id after the other, then the group.
#[derive(Clone, Debug)]
pub struct KeyBuilder {
    pub(super) key: Key,
    pub(super) ids: &'static [IdSchema],
    pub(super) next: usize,
    /// Whether parts of an index entry are written instead of the segments of a key.
    pub(super) is_sorted: bool,
}

/// Room for an id and a group beside the prefix, so that most keys take one allocation.
const ID_AND_GROUP: usize = 40;

impl KeyBuilder {
    /// Begins a key with a checked prefix.
    #[doc(hidden)]
    pub fn new(prefix: &'static str, ids: &'static [IdSchema]) -> Self {
        let mut text = String::with_capacity(prefix.len() + ID_AND_GROUP);
        text.push_str(prefix);
        let placement = Placement::of(ids);
        let key = Key { text, entity_len: 0, secrets: Vec::new(), placement, is_of_index: false };
        Self { key, ids, next: 0, is_sorted: false }
    }

    /// Appends the next id.
    pub fn push<I: Segment + ?Sized>(&mut self, id: &I) {
        let schema = self.ids.get(self.next);
        self.next += 1;
        let is_unplaced = matches!(self.key.placement, Placement::Shard(None));
        if is_unplaced && schema.is_some_and(|id| id.shard) {
            self.key.placement = Placement::in_shard(id);
        }
        if self.is_sorted {
            return self.sorted_part(schema, |out| id.write_segment(out));
        }
        if !schema.is_some_and(|id| id.joined) {
            self.key.text.push(':');
        }
        let start = self.key.text.len();
        id.write_segment(&mut IdWriter::new(&mut self.key.text, schema));
        if schema.is_some_and(|id| id.secret) {
            self.key.secrets.push(start..self.key.text.len());
        }
    }

    /// Appends the next id, given as the text that a string id has.
    pub fn push_text(&mut self, text: &str) {
        self.push(text);
    }

    /// Ends the key with its group.
    #[doc(hidden)]
    pub fn finish(mut self, group: Option<&'static str>) -> Key {
        self.key.entity_len = self.key.text.len();
        if let Some(group) = group {
            self.key.text.push(':');
            self.key.text.push_str(group);
        }
        self.key
    }

    /// Ends what has been written as a prefix of keys, with its separator; and how it is shown.
    #[doc(hidden)]
    pub fn finish_prefix(mut self) -> Key {
        if !self.ids.get(self.next).is_some_and(|id| id.joined) {
            self.key.text.push(':');
        }
        self.key.entity_len = self.key.text.len();
        self.key
    }
}
