//! What the index is on the server: names of its sorted sets, and their members.

use crate::key_format::{FoundKey, INDEX, KeyFormat, Tag, escape_braces, index_of};

/// How many shards a prefix has. Part of the layout: another number is another index.
pub(super) const SHARDS: u64 = 16;

/// The member that makes a shard complete. No key begins with it, and it lies before every key.
pub(super) const COMPLETE: &str = "\0complete";

/// What the member of a rebuild that is under way begins with; its own number follows.
pub(super) const REBUILDING: &str = "\0rebuilding:";

/// The part of a key before its first `:`, whose keys share an index. A prefix that has none is no
/// index's. Claims of unique values, `user!email!ada@example.com!`, are with the entities that have
/// them.
pub(super) fn segment_of(prefix: &str) -> Option<&str> {
    let (index, _) = index_of(prefix);
    let end = if index.is_empty() || index.contains(':') { ':' } else { '!' };
    prefix.split_once(end).map(|(segment, _)| segment)
}

pub(super) fn shard_of(text: &str) -> String {
    let segment = segment_of(text).unwrap_or(text);
    shard(segment, fnv1a(text.as_bytes()) % SHARDS)
}

/// The sorted set of a shard. No key is spelled like this: see `spelling`.
pub(super) fn shard(segment: &str, number: u64) -> String {
    let mut name = INDEX.to_owned();
    escape_braces(segment, &mut name);
    name.push(':');
    name.push_str(itoa::Buffer::new().format(number));
    name.push('}');
    name
}

/// The sorted set of the entries of a shard that wait to be swept, in the order of the shard.
pub(super) fn waiting(shard: &str) -> String {
    format!("{shard}:waiting")
}

/// The same entries by the moment since which they wait.
pub(super) fn times(shard: &str) -> String {
    format!("{shard}:limbo")
}

/// The entry of a key: its text; with hash tags also what is in its hash tag, so that it can be
/// spelled again: how much of the text, or the shard. A shard has a `:`, and no length has.
pub(super) fn member(spelling: KeyFormat, key: &FoundKey) -> String {
    let text = &key.text;
    match (spelling, &key.tag) {
        (KeyFormat::Plain, _) | (_, Tag::Missing) => text.clone(),
        (KeyFormat::HashTags, Tag::Entity(len)) => format!("{text}\0{len}"),
        (KeyFormat::HashTags, Tag::Shard(shard)) => format!("{text}\0{shard}"),
    }
}

/// The key of an entry; nothing of a marker.
pub(super) fn found(spelling: KeyFormat, member: &[u8]) -> Option<FoundKey> {
    let member = std::str::from_utf8(member).ok().filter(|member| !member.starts_with('\0'))?;
    match spelling {
        KeyFormat::Plain => Some(FoundKey { text: member.to_owned(), tag: Tag::Entity(member.len()) }),
        KeyFormat::HashTags => {
            let (text, tag) = member.rsplit_once('\0')?;
            let tag = match tag.contains(':') {
                true => Tag::Shard(tag.to_owned()),
                false => Tag::Entity(tag.parse().ok().filter(|len| *len <= text.len())?),
            };
            Some(FoundKey { text: text.to_owned(), tag })
        }
    }
}

/// FNV-1a of 64 bits: the same in every process and language.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
