//! Patterns of `SCAN` for keys that are spelled so.

use kv_store::key::Key;

use super::{FoundKey, INDEX, KeyFormat, PLAIN_GUARD, SET_IN_SHARD, Tag, escape_braces, guarded, in_shard};

impl KeyFormat {
    /// A pattern of `SCAN` that takes at least the keys whose first segment this is: those of
    /// entities, and claims.
    pub(crate) fn pattern_of_segment(self, segment: &str) -> String {
        match self {
            // Of a text: keys of all kinds.
            Self::Plain => self.pattern(&Key::from_text(segment), None),
            // The hash tag leaves the end of a segment open.
            Self::HashTags => self.pattern(&Key::from_text(format!("{segment}:")), None),
        }
    }

    /// A pattern of `SCAN` that takes at least the keys with this prefix and suffix.
    pub(crate) fn pattern(self, prefix: &Key, suffix: Option<&str>) -> String {
        let text = prefix.as_str();
        let mut pattern = String::with_capacity(text.len() + 16);
        match self {
            // A part of the index's name is no beginning of the keys that are spelled otherwise for
            // it.
            Self::Plain if !text.is_empty() && INDEX.starts_with(text) && text != INDEX => {
                pattern.push('*');
            }
            Self::Plain => {
                match text.strip_prefix(INDEX) {
                    Some(rest) => escape_glob(&format!("{PLAIN_GUARD}{rest}"), &mut pattern),
                    None => escape_glob(text, &mut pattern),
                }
                pattern.push('*');
                escape_glob(suffix.unwrap_or_default(), &mut pattern);
            }
            Self::HashTags => match (prefix.is_sharded(), prefix.shard()) {
                // The shard is known, and so is all of the beginning.
                (Some(true), Some(shard)) => {
                    escape_glob(&in_shard(shard, text), &mut pattern);
                    pattern.push('*');
                }
                (Some(true), None) => {
                    pattern.push_str("{*}");
                    let mut spelled = String::with_capacity(text.len());
                    let (guard, rest) = guarded(text);
                    spelled.push_str(guard);
                    escape_braces(rest, &mut spelled);
                    escape_glob(&spelled, &mut pattern);
                    pattern.push('*');
                }
                (is_sharded, _) => {
                    // The tag may end before the last segment of the prefix, and the suffix may begin
                    // before the tag's end.
                    let entity = text.rsplit_once(':').map_or("", |(entity, _)| entity);
                    let mut spelled = String::with_capacity(entity.len());
                    escape_braces(entity, &mut spelled);
                    // `#` may be spelled otherwise.
                    let known = spelled.split('#').next().unwrap_or_default();
                    // A text may be of keys in shards.
                    pattern.push_str(if is_sharded.is_none() { "{*" } else { "{" });
                    escape_glob(known, &mut pattern);
                    pattern.push('*');
                }
            },
        }
        pattern
    }

    /// A pattern of `SCAN` that takes the same keys, and those without a hash tag.
    pub(crate) fn pattern_of_both(prefix: &Key) -> String {
        let text = prefix.as_str().trim_start_matches(':');
        // The tag may end before the last segment of the prefix, and these characters may be spelled
        // otherwise.
        let known = text.rsplit_once(':').map_or("", |(entity, _)| entity);
        let known = known.split(['#', '{', '}']).next().unwrap_or_default();
        let mut pattern = String::with_capacity(known.len() + 8);
        pattern.push('*');
        escape_glob(known, &mut pattern);
        pattern.push('*');
        pattern
    }

    /// A pattern of `SCAN` for the sets of entries of an index, in all shards.
    pub(crate) fn pattern_of_sets(index: &str) -> String {
        let mut spelled = String::with_capacity(index.len());
        escape_braces(index, &mut spelled);
        let mut pattern = format!("{{*}}{SET_IN_SHARD}");
        escape_glob(&spelled, &mut pattern);
        pattern
    }

    /// Whether a list with this prefix may show the key: a list of typed keys shows what is found by
    /// them.
    pub(crate) fn is_listed(self, prefix: &Key, found: &FoundKey) -> bool {
        match (self, prefix.is_sharded()) {
            (Self::Plain, _) | (_, None) => true,
            (Self::HashTags, Some(is_sharded)) => match found.tag {
                Tag::Shard(_) => is_sharded,
                Tag::Entity(_) => !is_sharded,
                Tag::Missing => true,
            },
        }
    }
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
