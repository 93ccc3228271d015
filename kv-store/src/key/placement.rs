//! Where a store that spreads its keys places a key: what is placed alike can be committed together.

use std::sync::Arc;

use super::escape::escape_into;
use super::schema::{IdKind, IdSchema};
use super::sorted::unescape_sorted;
use super::writer::{IdWriter, Segment};

/// What decides where a key is placed.
#[derive(Clone, Debug)]
pub(super) enum Placement {
    /// Of a text: the shard id if it is known that it has one, and otherwise the entity's part. A
    /// text may also be the beginning of other keys, which are placed elsewhere.
    Text(Option<Arc<str>>),
    /// The entity's part.
    Entity,
    /// The shard id. Nothing of a prefix that ends before it.
    Shard(Option<Arc<str>>),
}

impl Placement {
    /// The placement of a key with these ids, before any of them is written.
    pub(super) fn of(ids: &[IdSchema]) -> Self {
        if ids.first().is_some_and(|id| id.shard) { Self::Shard(None) } else { Self::Entity }
    }

    /// The placement by a shard id. Equal integers are written alike, whether they
    /// are `ordered` or not.
    pub(super) fn in_shard(id: &(impl Segment + ?Sized)) -> Self {
        let mut shard = String::from(SEPARATOR);
        id.write_segment(&mut IdWriter::new(&mut shard, None));
        Self::Shard(Some(shard.into()))
    }

    /// The placement of a text with this segment as its shard id; nothing if it is not written like
    /// one.
    pub(super) fn in_shard_of_segment(segment: &str, id: &IdSchema) -> Option<Self> {
        let shard = match id.kind {
            IdKind::Integer { signed, bits } if id.ordered => {
                let digits: u128 = segment.parse().ok()?;
                let mut buffer = itoa::Buffer::new();
                let digits = if signed {
                    // `ordered` adds the half of the range. Wrapping takes it off for 128 bits, too.
                    let half = 1_i128.checked_shl(bits.checked_sub(1)?)?;
                    buffer.format(digits.cast_signed().wrapping_sub(half))
                } else {
                    buffer.format(digits)
                };
                [SEPARATOR, digits].concat()
            }
            // It is in the key as it is in the placement.
            _ => [SEPARATOR, segment].concat(),
        };
        Some(Self::Text(Some(shard.into())))
    }

    /// The placement of an entry whose first part is the shard id: `None` if the part is not written
    /// like one, or is shortened.
    pub(super) fn in_shard_of_part(part: &str, id: &IdSchema) -> Option<Self> {
        let text = unescape_sorted(part)?;
        let mut segment = String::with_capacity(text.len());
        escape_into(&text, &mut segment);
        // All integers of entries are in order.
        Self::in_shard_of_segment(&segment, &id.ordered())
    }

    pub(super) fn shard(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(shard) | Self::Shard(shard) => shard.as_ref(),
            Self::Entity => None,
        }
    }

    /// The placement of the same key behind `prefix`, a namespace and the separator.
    pub(super) fn within(&self, prefix: &str) -> Self {
        let inside = |shard: &Arc<str>| {
            let prefix = prefix.strip_suffix(SEPARATOR).unwrap_or(prefix);
            let shard = shard.strip_prefix(SEPARATOR).unwrap_or(shard);
            Arc::from([prefix, SEPARATOR, shard].concat())
        };
        match self {
            Self::Text(shard) => Self::Text(shard.as_ref().map(inside)),
            Self::Entity => Self::Entity,
            Self::Shard(shard) => Self::Shard(shard.as_ref().map(inside)),
        }
    }

    /// The placement of the same key without `prefix`. `None` if the shard is not behind it.
    pub(super) fn without(&self, prefix: &str) -> Option<Self> {
        let outside = |shard: &Option<Arc<str>>| match shard {
            Some(shard) => {
                let rest = shard.strip_prefix(prefix.strip_suffix(SEPARATOR).unwrap_or(prefix))?;
                let rest = rest.strip_prefix(SEPARATOR)?;
                // An id contains no separator, so what does is within another namespace.
                Some(Some(if rest.contains(SEPARATOR) {
                    Arc::from(rest)
                } else {
                    [SEPARATOR, rest].concat().into()
                }))
            }
            None => Some(None),
        };
        Some(match self {
            Self::Text(shard) => Self::Text(outside(shard)?),
            Self::Entity => Self::Entity,
            Self::Shard(shard) => Self::Shard(outside(shard)?),
        })
    }
}

/// What is before a shard id, so that no placement is empty.
const SEPARATOR: &str = ":";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::writer::Segment;
    use crate::key::{Key, KeyBuilder, KvId};

    const fn ids<I: KvId>(ordered: bool) -> IdSchema {
        let id = IdSchema::new("org", I::KIND).shard();
        if ordered { id.ordered() } else { id }
    }

    /// The placement of a key with this shard id, by its types and by its text.
    #[track_caller]
    fn placed<I: KvId>(id: &I, schema: &'static [IdSchema]) -> String {
        let mut key = KeyBuilder::new("user", schema);
        key.push(id);
        let key = key.finish(None);
        let segment = key.as_str().strip_prefix("user:").unwrap();
        let by_text = Placement::in_shard_of_segment(segment, &schema[0]);
        assert_eq!(by_text.as_ref().and_then(Placement::shard).map(|shard| &**shard), key.shard());
        let mut part = String::new();
        id.write_segment(&mut IdWriter::sorted(&mut part));
        let by_part = Placement::in_shard_of_part(&part, &schema[0]);
        assert_eq!(by_part.as_ref().and_then(Placement::shard).map(|shard| &**shard), key.shard());
        key.placement().to_owned()
    }

    macro_rules! integers {
        ($($int:ty)+) => {$(
            for number in [<$int>::MIN, 0, 7, <$int>::MAX] {
                let placement = format!(":{number}");
                assert_eq!(placed(&number, const { &[ids::<$int>(false)] }), placement);
                assert_eq!(placed(&number, const { &[ids::<$int>(true)] }), placement);
            }
        )+};
    }

    #[test]
    fn equal_integers_are_placed_alike() {
        integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
    }

    #[test]
    fn no_placement_is_empty() {
        let text: &'static [IdSchema] = const { &[ids::<String>(false)] };
        assert_eq!(placed(&String::new(), text), ":");
        assert_eq!(placed(&"a:b%{}".to_owned(), text), ":a%3Ab%25{}");
        assert_eq!(placed(&true, const { &[ids::<bool>(false)] }), ":true");
    }

    #[test]
    fn a_namespace_is_a_part_of_the_placement() {
        let mut key = KeyBuilder::new("user", const { &[ids::<u64>(false)] });
        key.push(&7_u64);
        let key = key.finish(Some("profile"));
        assert_eq!(key.placement(), ":7");
        let outside = key.within("acme:").without("acme:").expect("it is within");
        assert_eq!((outside.as_str(), outside.placement()), (key.as_str(), ":7"));
        let key = key.within("acme:");
        assert_eq!((key.as_str(), key.placement()), ("acme:user:7:profile", "acme:7"));
        assert_eq!(key.within("eu:").placement(), "eu:acme:7");
        assert_eq!(key.within(":").placement(), ":acme:7");
        for prefix in ["eu:", ":", "a:b:"] {
            let outside = key.within(prefix).without(prefix).expect("it is within");
            assert_eq!((outside.as_str(), outside.placement()), (key.as_str(), key.placement()));
            assert_eq!(outside.entity_part(), key.entity_part());
        }
        assert!(key.without("eu:").is_none());
    }

    #[test]
    fn a_prefix_knows_its_shard() {
        const IDS: &[IdSchema] = &[ids::<u64>(false), IdSchema::new("user", <u64 as KvId>::KIND)];
        let all = KeyBuilder::new("user", IDS).finish_prefix();
        assert_eq!((all.shard(), all.placement(), all.is_sharded()), (None, "user:", Some(true)));
        let mut one = KeyBuilder::new("user", IDS);
        one.push(&7_u64);
        let one = one.finish_prefix();
        assert_eq!((one.as_str(), one.shard(), one.is_sharded()), ("user:7:", Some(":7"), Some(true)));
        assert_eq!(Key::from_text("user:7:").is_sharded(), None);
    }
}
