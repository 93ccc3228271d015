//! How a key stands on the server: as it is, or with its entity's part as a hash tag.

mod pattern;

use std::borrow::Cow;

use kv_store::key::Key;

/// How keys are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFormat {
    /// `user:123:profile`.
    Plain,
    /// `{user:123}:profile`: a cluster puts all groups of an entity on one slot; or, with a shard id,
    /// `{:acme}user:acme:123:profile`: all that is in the shard. `{` and `}` in ids are `%7B` and
    /// `%7D`, which no key holds otherwise, as a `%` in an id is `%25`.
    HashTags,
}

/// A key that was found on the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundKey {
    /// The key as the rest of the program knows it.
    pub(super) text: String,
    pub(super) tag: Tag,
}

/// The hash tag of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    /// The beginning of the key, of this length: its entity's part. All of it, where the spelling does
    /// not tell.
    Entity(usize),
    /// The key's shard, which is written before the key.
    Shard(String),
    /// None, although keys have hash tags: the record is under the plain key.
    Missing,
}

impl FoundKey {
    /// What is found of a key.
    pub(super) fn of(key: &Key) -> Self {
        let tag = match key.shard() {
            Some(shard) => Tag::Shard(shard.to_owned()),
            None => Tag::Entity(key.entity_part().len()),
        };
        Self { text: key.as_str().to_owned(), tag }
    }
}

/// What the names of the list index and of the sets of entries begin with. A key that would begin so
/// is spelled otherwise.
pub(super) const INDEX: &str = "{#index:";

/// How such a key begins on the server: without hash tags, and with them. No other key has these,
/// since a `%` in an id is `%25`.
const PLAIN_GUARD: &str = "%7B#index:";
const TAGGED_GUARD: &str = "{%23index:";

/// How a key in a shard begins whose text begins with `:`, so that what is behind the hash tag is no
/// group. No other key has it, since the digits of an escape are upper-case.
const COLON_GUARD: &str = "%3a";

/// What the name of a set of index entries has behind the hash tag of its shard. No other name has
/// it, since a `%` in an id is `%25`.
const SET_IN_SHARD: &str = "%index:";

/// What the name of a lease ends with. No key of an entity does, since a `%` in an id is `%25`.
const LEASE: &str = "%lease";

/// The name of the lease of a key that is spelled so. It lies on the same slot.
pub(super) fn lease_of(spelled: &str) -> String {
    [spelled, LEASE].concat()
}

/// Splits the key of an index entry, or of a claim, behind the name of its index: `user!city!` and
/// the rest. Keys of one index are split alike. The name of one that is neither is empty.
///
/// The name of a tenant may contain `!`. Then several indexes of the tenant share a name, and with
/// it a set. As the rest tells them apart, that does no harm.
pub(super) fn index_of(text: &str) -> (&str, &str) {
    let end = text.match_indices('!').nth(1).map_or(0, |(place, _)| place + 1);
    text.split_at_checked(end).unwrap_or(("", text))
}

impl KeyFormat {
    /// The sorted set of the entries of an index, one of whose keys this is. The name ends with `!}`,
    /// as no other name does that begins with [`INDEX`].
    ///
    /// With hash tags, the entries of each shard have a set of their own, which lies on the slot of
    /// the shard: `{:acme}%index:user!city!`.
    pub(super) fn entry_set(self, key: &Key, index: &str) -> String {
        if let (Self::HashTags, Some(shard)) = (self, key.shard()) {
            return tagged(shard, SET_IN_SHARD, index);
        }
        let mut name = String::with_capacity(INDEX.len() + index.len() + 1);
        name.push_str(INDEX);
        escape_braces(index, &mut name);
        name.push('}');
        name
    }

    /// The key on the server.
    pub(super) fn spell(self, key: &Key) -> Cow<'_, str> {
        match self {
            Self::Plain => plain(key.as_str()),
            Self::HashTags => Cow::Owned(match key.shard() {
                Some(shard) => in_shard(shard, key.as_str()),
                None => with_entity(key.as_str(), key.entity_part().len()),
            }),
        }
    }

    pub(super) fn spell_found(self, found: &FoundKey) -> Cow<'_, str> {
        match self {
            Self::Plain => plain(&found.text),
            Self::HashTags => Cow::Owned(match &found.tag {
                Tag::Shard(shard) => in_shard(shard, &found.text),
                Tag::Entity(len) => with_entity(&found.text, *len),
                Tag::Missing => return plain(&found.text),
            }),
        }
    }

    /// The key that is spelled like this, or nothing if it is somebody else's.
    pub(super) fn read(self, stored: &str) -> Option<FoundKey> {
        if stored.starts_with(INDEX) || stored.ends_with(LEASE) {
            return None;
        }
        if self == Self::Plain {
            let text = match stored.strip_prefix(PLAIN_GUARD) {
                Some(rest) => format!("{INDEX}{rest}"),
                None => stored.to_owned(),
            };
            return Some(FoundKey { tag: Tag::Entity(text.len()), text });
        }
        let stored = &*unguarded(stored);
        let (tag, rest) = stored.strip_prefix('{')?.split_once('}')?;
        if tag.contains('{') || rest.contains(['{', '}']) || rest.starts_with(SET_IN_SHARD) {
            return None;
        }
        let (tag, rest) = (unescape_braces(tag), unescape_braces(rest));
        if rest.is_empty() || rest.starts_with(':') {
            return Some(FoundKey { tag: Tag::Entity(tag.len()), text: tag + &rest });
        }
        let text = match rest.strip_prefix(COLON_GUARD) {
            Some(rest) => format!(":{rest}"),
            None => rest,
        };
        // What is before the shard id are the namespaces of the key.
        let (namespaces, _) = tag.rsplit_once(':')?;
        let is_within =
            namespaces.is_empty() || text.strip_prefix(namespaces).is_some_and(|rest| rest.starts_with(':'));
        is_within.then_some(FoundKey { text, tag: Tag::Shard(tag) })
    }

    /// The key without a hash tag that is spelled like this, or nothing if it is somebody else's.
    pub(super) fn read_plain(stored: &str) -> Option<FoundKey> {
        Self::Plain.read(stored).map(|found| FoundKey { tag: Tag::Missing, ..found })
    }

    /// The shard of a set of entries of an index, whose keys begin with `index`. Nothing of another
    /// name.
    pub(super) fn shard_of_set(self, stored: &str, index: &str) -> Option<String> {
        let stored = &*unguarded(stored);
        let (tag, rest) = stored.strip_prefix('{')?.split_once('}')?;
        let is_set = self == Self::HashTags && unescape_braces(rest.strip_prefix(SET_IN_SHARD)?) == index;
        is_set.then(|| unescape_braces(tag))
    }

    /// A name that is no key's, on the slot of a key.
    pub(super) fn mark_beside(self, spelled: &str) -> String {
        match spelled.split_once('}') {
            Some((tag, _)) if self == Self::HashTags => format!("{tag}}}#wait"),
            _ => format!("{INDEX}wait}}"),
        }
    }
}

/// The name as it would be if nothing had the names of the list index.
fn unguarded(stored: &str) -> Cow<'_, str> {
    match stored.strip_prefix(TAGGED_GUARD) {
        Some(rest) => Cow::Owned([INDEX, rest].concat()),
        None => Cow::Borrowed(stored),
    }
}

/// A key without a hash tag.
fn plain(text: &str) -> Cow<'_, str> {
    match text.strip_prefix(INDEX) {
        Some(rest) => Cow::Owned(format!("{PLAIN_GUARD}{rest}")),
        None => Cow::Borrowed(text),
    }
}

/// A key whose hash tag is its entity's part.
fn with_entity(text: &str, entity_len: usize) -> String {
    let (entity, group) = text.split_at_checked(entity_len).unwrap_or((text, ""));
    tagged(entity, "", group)
}

/// A key behind the hash tag of its shard.
fn in_shard(shard: &str, text: &str) -> String {
    let (guard, rest) = guarded(text);
    tagged(shard, guard, rest)
}

/// How a key in a shard begins, and the rest of it.
fn guarded(text: &str) -> (&'static str, &str) {
    match text.strip_prefix(':') {
        Some(rest) => (COLON_GUARD, rest),
        None => ("", text),
    }
}

fn tagged(tag: &str, guard: &str, rest: &str) -> String {
    let mut spelled = String::with_capacity(tag.len() + guard.len() + rest.len() + 2);
    spelled.push('{');
    escape_braces(tag, &mut spelled);
    spelled.push('}');
    spelled.push_str(guard);
    escape_braces(rest, &mut spelled);
    match spelled.strip_prefix(INDEX) {
        Some(rest) => format!("{TAGGED_GUARD}{rest}"),
        None => spelled,
    }
}

pub(super) fn escape_braces(text: &str, out: &mut String) {
    for part in text.split_inclusive(['{', '}']) {
        match part.as_bytes() {
            [clean @ .., b'{'] => {
                out.push_str(&part[..clean.len()]);
                out.push_str("%7B");
            }
            [clean @ .., b'}'] => {
                out.push_str(&part[..clean.len()]);
                out.push_str("%7D");
            }
            _ => out.push_str(part),
        }
    }
}

fn unescape_braces(text: &str) -> String {
    text.replace("%7B", "{").replace("%7D", "}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use kv_store::key::{IdSchema, KeyBuilder, KvId};

    fn spelled(spelling: KeyFormat, entity: &str, group: Option<&str>) -> String {
        spelling.spell(&Key::from_text(entity).with_group(group)).into_owned()
    }

    const SHARDED: &[IdSchema] =
        &[IdSchema::new("org", <String as KvId>::KIND).shard(), IdSchema::new("id", <u64 as KvId>::KIND)];

    /// The key of the user 7 of an organisation.
    fn user_of(org: &str, group: Option<&'static str>) -> Key {
        let mut key = KeyBuilder::new("user", SHARDED);
        key.push_text(org);
        key.push(&7_u64);
        key.finish(group)
    }

    #[test]
    fn a_hash_tag_is_the_entity_alone() {
        let tagged = |entity, group| spelled(KeyFormat::HashTags, entity, group);
        assert_eq!(tagged("user:123", Some("profile")), "{user:123}:profile");
        assert_eq!(tagged("member:acme:7", None), "{member:acme:7}");
        assert_eq!(tagged("user:}{", Some("profile")), "{user:%7D%7B}:profile");
    }

    #[test]
    fn the_hash_tag_of_a_shard_is_its_id() {
        let tagged = |key: &Key| KeyFormat::HashTags.spell(key).into_owned();
        assert_eq!(tagged(&user_of("acme", Some("profile"))), "{:acme}user:acme:7:profile");
        assert_eq!(tagged(&user_of("", None)), "{:}user::7");
        assert_eq!(tagged(&user_of("{x}", None)), "{:%7Bx%7D}user:%7Bx%7D:7");
        assert_eq!(tagged(&user_of("acme", None).within("eu:")), "{eu:acme}eu:user:acme:7");
        assert_eq!(tagged(&user_of("acme", None).within(":")), "{:acme}%3auser:acme:7");
        assert_eq!(tagged(&user_of("7", None).within("#index:")), "{%23index:7}#index:user:7:7");
        assert_eq!(KeyFormat::Plain.spell(&user_of("acme", None)), "user:acme:7");
    }

    #[test]
    fn a_pattern_takes_the_keys_of_the_list() {
        let pattern = |prefix: &Key| KeyFormat::HashTags.pattern(prefix, None);
        let all = KeyBuilder::new("user", SHARDED).finish_prefix();
        assert_eq!(pattern(&all), "{*}user:*");
        assert_eq!(pattern(&all.within("eu:")), "{*}eu:user:*");
        assert_eq!(pattern(&all.within(":")), "{*}%3auser:*");
        let mut one = KeyBuilder::new("user", SHARDED);
        one.push_text("a*");
        assert_eq!(pattern(&one.finish_prefix()), "{:a\\*}user:a\\*:*");
        let entities = KeyBuilder::new("user", &[]).finish_prefix();
        assert_eq!(pattern(&entities), "{user*");
        assert_eq!(pattern(&Key::from_text("user:")), "{*user*");
    }

    #[test]
    fn a_list_of_typed_keys_shows_what_they_find() {
        let format = KeyFormat::HashTags;
        let all = KeyBuilder::new("user", SHARDED).finish_prefix();
        let found = |stored: &str| format.read(stored).expect("it is a key");
        let (sharded, entity) = (found("{:acme}user:acme:7"), found("{user:acme:7}"));
        assert_eq!((&*sharded.text, &*entity.text), ("user:acme:7", "user:acme:7"));
        assert!(format.is_listed(&all, &sharded) && !format.is_listed(&all, &entity));
        let raw = Key::from_text("user:");
        assert!(format.is_listed(&raw, &sharded) && format.is_listed(&raw, &entity));
    }

    #[test]
    fn no_key_has_a_name_of_the_index() {
        for (spelling, text) in [(KeyFormat::Plain, "{#index:doc:0}"), (KeyFormat::HashTags, "#index:doc:0")]
        {
            let key = Key::from_text(text);
            let stored = spelling.spell(&key);
            assert!(!stored.starts_with(INDEX), "{stored}");
            let read = spelling.read(&stored).expect("it is a key");
            assert_eq!((&*read.text, spelling.spell_found(&read)), (text, stored));
            assert_eq!(spelling.read("{#index:doc:0}"), None);
            assert_eq!(spelling.read("{#index:doc:0}:limbo"), None);
        }
    }

    #[test]
    fn other_spellings_belong_to_no_entity() {
        for stored in [
            "user:1",
            "{user:1",
            "x{user:1}",
            "{user:1}profile",
            "{user}profile",
            "{user:{1}",
            "{user:1}:{p}",
            "{user:1}}",
            "{eu:acme}user:acme:7",
            "{eu:acme}europe:user:acme:7",
        ] {
            assert_eq!(KeyFormat::HashTags.read(stored), None, "{stored}");
        }
    }

    #[test]
    fn no_key_has_the_name_of_a_lease() {
        for spelling in [KeyFormat::Plain, KeyFormat::HashTags] {
            for group in [None, Some("profile")] {
                for key in [Key::from_text("user:1").with_group(group), user_of("acme", group)] {
                    let name = lease_of(&spelling.spell(&key));
                    assert_eq!(spelling.read(&name), None, "{name}");
                }
            }
        }
    }

    #[test]
    fn a_set_of_entries_is_in_its_shard() {
        let index = |org: &str| user_of(org, None);
        let set = |format: KeyFormat, key: &Key| format.entry_set(key, "user!city!");
        assert_eq!(set(KeyFormat::HashTags, &index("acme")), "{:acme}%index:user!city!");
        assert_eq!(set(KeyFormat::HashTags, &index("{x}")), "{:%7Bx%7D}%index:user!city!");
        assert_eq!(set(KeyFormat::HashTags, &Key::from_text("user!city!")), "{#index:user!city!}");
        assert_eq!(set(KeyFormat::Plain, &index("acme")), "{#index:user!city!}");
    }

    proptest! {
        #[test]
        fn a_set_of_entries_leads_to_its_shard_and_is_no_key(
            org in "[^%:\\x00-\\x1F\\x7F]{0,12}",
            namespace in "[^%:\\x00-\\x1F\\x7F]{0,6}",
            is_of_tenant in any::<bool>(),
        ) {
            let key = user_of(&org, None);
            let (key, index) = match is_of_tenant {
                true => (key.within(&format!("{namespace}:")), format!("{namespace}:user!city!")),
                false => (key, "user!city!".to_owned()),
            };
            let set = KeyFormat::HashTags.entry_set(&key, &index);
            prop_assert!(!set.starts_with(INDEX), "{}", set);
            let shard = KeyFormat::HashTags.shard_of_set(&set, &index);
            prop_assert_eq!(shard.as_deref(), key.shard());
            prop_assert_eq!(KeyFormat::HashTags.read(&set), None);
            prop_assert_eq!(KeyFormat::HashTags.shard_of_set(&set, "user!cit!"), None);
            prop_assert_eq!(KeyFormat::HashTags.shard_of_set(&KeyFormat::HashTags.spell(&key), &index), None);
        }

        #[test]
        fn a_key_is_read_as_it_was_spelled(
            id in "[^%:\\x00-\\x1F\\x7F]{0,12}",
            group in proptest::option::of("[a-z.-]{1,6}"),
            namespaces in proptest::collection::vec("[^%:\\x00-\\x1F\\x7F]{0,3}", 0..3),
        ) {
            for spelling in [KeyFormat::Plain, KeyFormat::HashTags] {
                let entity = Key::from_text(format!("user:{id}")).with_group(group.as_deref());
                for key in [entity, user_of(&id, None).with_group(group.as_deref())] {
                    let within = |key: Key, namespace: &String| key.within(&format!("{namespace}:"));
                    let key = namespaces.iter().fold(key, within);
                    let read = spelling.read(&spelling.spell(&key));
                    prop_assert_eq!(read.as_ref().map(|found| &*found.text), Some(key.as_str()));
                    let found = read.expect("it was read");
                    prop_assert_eq!(spelling.spell_found(&found), spelling.spell(&key));
                }
            }
        }
    }
}
