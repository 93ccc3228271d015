//! How a key stands on the server: as it is, or with its entity's part as a hash tag.

use std::borrow::Cow;

use kv_store::key::Key;

/// How keys are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFormat {
    /// `user:123:profile`.
    Plain,
    /// `{user:123}:profile`: a cluster puts all groups of an entity on one slot. `{` and `}` in ids
    /// are `%7B` and `%7D`, which no key holds otherwise, as a `%` in an id is `%25`.
    HashTags,
}

/// A key that was found on the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundKey {
    /// The key as the rest of the program knows it.
    pub(super) text: String,
    /// Where its entity's part ends. All of it, where the spelling does not tell.
    pub(super) entity_len: usize,
}

/// What the names of the list index and of the sets of entries begin with. A key that would begin so
/// is spelled otherwise.
pub(super) const INDEX: &str = "{#index:";

/// How such a key begins on the server: without hash tags, and with them. No other key has these,
/// since a `%` in an id is `%25`.
const PLAIN_GUARD: &str = "%7B#index:";
const TAGGED_GUARD: &str = "{%23index:";

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

/// The sorted set of the entries of an index. The name ends with `!}`, as no other name does that
/// begins with [`INDEX`].
///
/// Once a cluster keeps the entries of a shard beside its entities, the name begins with the hash
/// tag of the shard instead.
pub(super) fn entry_set(index: &str) -> String {
    let mut name = String::with_capacity(INDEX.len() + index.len() + 1);
    name.push_str(INDEX);
    escape_braces(index, &mut name);
    name.push('}');
    name
}

impl KeyFormat {
    /// The key on the server.
    pub(super) fn spell(self, key: &Key) -> Cow<'_, str> {
        self.spell_parts(key.as_str(), key.entity_part().len())
    }

    pub(super) fn spell_found(self, found: &FoundKey) -> Cow<'_, str> {
        self.spell_parts(&found.text, found.entity_len)
    }

    fn spell_parts(self, text: &str, entity_len: usize) -> Cow<'_, str> {
        if self == Self::Plain {
            return match text.strip_prefix(INDEX) {
                Some(rest) => Cow::Owned(format!("{PLAIN_GUARD}{rest}")),
                None => Cow::Borrowed(text),
            };
        }
        let (entity, group) = text.split_at_checked(entity_len).unwrap_or((text, ""));
        let mut spelled = String::with_capacity(text.len() + 2);
        spelled.push('{');
        escape_braces(entity, &mut spelled);
        spelled.push('}');
        escape_braces(group, &mut spelled);
        if let Some(rest) = spelled.strip_prefix(INDEX) {
            return Cow::Owned(format!("{TAGGED_GUARD}{rest}"));
        }
        Cow::Owned(spelled)
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
            return Some(FoundKey { entity_len: text.len(), text });
        }
        let guarded = stored.strip_prefix(TAGGED_GUARD).map(|rest| format!("{INDEX}{rest}"));
        let stored = guarded.as_deref().unwrap_or(stored);
        let (entity, group) = stored.strip_prefix('{')?.split_once('}')?;
        if !(group.is_empty() || group.starts_with(':')) || entity.contains('{') || group.contains(['{', '}'])
        {
            return None;
        }
        let mut text = unescape_braces(entity);
        let entity_len = text.len();
        text.push_str(&unescape_braces(group));
        Some(FoundKey { text, entity_len })
    }

    /// A name that is no key's, on the slot of a key.
    pub(super) fn mark_beside(self, spelled: &str) -> String {
        match spelled.split_once('}') {
            Some((tag, _)) if self == Self::HashTags => format!("{tag}}}#wait"),
            _ => format!("{INDEX}wait}}"),
        }
    }

    /// A pattern of `SCAN` that takes at least the keys whose first segment this is: those of
    /// entities, and claims.
    pub(super) fn pattern_of_segment(self, segment: &str) -> String {
        match self {
            Self::Plain => self.pattern(segment, None),
            // The hash tag leaves the end of a segment open.
            Self::HashTags => self.pattern(&format!("{segment}:"), None),
        }
    }

    /// A pattern of `SCAN` that takes at least the keys with this prefix and suffix.
    pub(super) fn pattern(self, prefix: &str, suffix: Option<&str>) -> String {
        let mut pattern = String::with_capacity(prefix.len() + 16);
        match self {
            // A part of the index's name is no beginning of the keys that are spelled otherwise for
            // it.
            Self::Plain if !prefix.is_empty() && INDEX.starts_with(prefix) && prefix != INDEX => {
                pattern.push('*');
            }
            Self::Plain => {
                match prefix.strip_prefix(INDEX) {
                    Some(rest) => escape_glob(&format!("{PLAIN_GUARD}{rest}"), &mut pattern),
                    None => escape_glob(prefix, &mut pattern),
                }
                pattern.push('*');
                escape_glob(suffix.unwrap_or_default(), &mut pattern);
            }
            // The tag may end before the last segment of the prefix, and the suffix may begin
            // before the tag's end.
            Self::HashTags => {
                let entity = prefix.rsplit_once(':').map_or("", |(entity, _)| entity);
                let mut spelled = String::with_capacity(entity.len());
                escape_braces(entity, &mut spelled);
                // `#` may be spelled otherwise.
                let known = spelled.split('#').next().unwrap_or_default();
                pattern.push('{');
                escape_glob(known, &mut pattern);
                pattern.push('*');
            }
        }
        pattern
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

/// Takes their meaning from the characters that a pattern gives one.
fn escape_glob(text: &str, out: &mut String) {
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^') {
            out.push('\\');
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(spelling: KeyFormat, entity: &str, group: Option<&str>) -> String {
        spelling.spell(&Key::from_text(entity).with_group(group)).into_owned()
    }

    #[test]
    fn a_hash_tag_is_the_entity_alone() {
        let tagged = |entity, group| spelled(KeyFormat::HashTags, entity, group);
        assert_eq!(tagged("user:123", Some("profile")), "{user:123}:profile");
        assert_eq!(tagged("member:acme:7", None), "{member:acme:7}");
        assert_eq!(tagged("user:}{", Some("profile")), "{user:%7D%7B}:profile");
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
        for stored in
            ["user:1", "{user:1", "x{user:1}", "{user:1}profile", "{user:{1}", "{user:1}:{p}", "{user:1}}"]
        {
            assert_eq!(KeyFormat::HashTags.read(stored), None, "{stored}");
        }
    }

    #[test]
    fn no_key_has_the_name_of_a_lease() {
        for spelling in [KeyFormat::Plain, KeyFormat::HashTags] {
            for group in [None, Some("profile")] {
                let name = lease_of(&spelled(spelling, "user:1", group));
                assert_eq!(spelling.read(&name), None, "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_spelled(id in "[^%:\\x00-\\x1F\\x7F]{0,12}", group in proptest::option::of("[a-z.-]{1,6}")) {
            for spelling in [KeyFormat::Plain, KeyFormat::HashTags] {
                let key = Key::from_text(format!("user:{id}")).with_group(group.as_deref());
                let read = spelling.read(&spelling.spell(&key));
                prop_assert_eq!(read.as_ref().map(|found| &*found.text), Some(key.as_str()));
                let found = read.expect("it was read");
                prop_assert_eq!(spelling.spell_found(&found), spelling.spell(&key));
            }
        }
    }
}
