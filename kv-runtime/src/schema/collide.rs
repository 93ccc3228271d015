//! Whether two entities can write the same key, decided by constant evaluation.
//!
//! A key is a row of segments, each of which is a literal or any text of some kind. Two rows can
//! meet if they are of one length and each pair of segments can be equal. Where that is not known
//! for certain it is taken to be so.

mod indexes;

use kv_store::__private::is_foreign;
use kv_store::key::{IdKind, IdSchema};

use crate::const_message::{Message, same, same_bytes};
use crate::entity::{EntitySchema, GroupSchema};

pub use indexes::assert_indexes_apart;

#[derive(Clone, Copy)]
enum Segment {
    Literal(&'static str),
    /// A part of the prefix: where it begins and ends.
    Part(&'static str, usize, usize),
    Id(IdSchema),
}

/// Fails, in constant evaluation, if the entity at this place can share a key with one before it,
/// with a message that names both.
#[track_caller]
pub const fn assert_apart(entities: &[EntitySchema], index: usize) {
    let b = &entities[index];
    let mut at = 0;
    while at < index {
        let a = &entities[at];
        if can_share_a_key(a, b) {
            message(a, b).panic();
        }
        at += 1;
    }
}

const fn can_share_a_key(a: &EntitySchema, b: &EntitySchema) -> bool {
    let is_view = !same(a.name(), a.family()) || !same(b.name(), b.family());
    if is_view && are_one_family(a, b) {
        return false;
    }
    let mut i = 0;
    while i < a.groups().len() {
        let mut j = 0;
        while j < b.groups().len() {
            if can_meet(a, &a.groups()[i], b, &b.groups()[j]) {
                return true;
            }
            j += 1;
        }
        i += 1;
    }
    false
}

/// Whether both are the same entity or views of it. Another module may have an entity of the same
/// name, and so may another block.
const fn are_one_family(a: &EntitySchema, b: &EntitySchema) -> bool {
    same(a.family(), b.family())
        && same(a.prefix(), b.prefix())
        && same(a.module, b.module)
        && a.line == b.line
}

/// Whether both are one struct. Of what was written by hand that is not known: it says no place.
const fn are_one(a: &EntitySchema, b: &EntitySchema) -> bool {
    a.line > 0 && same(a.name(), b.name()) && are_one_family(a, b)
}

const fn can_meet(a: &EntitySchema, a_group: &GroupSchema, b: &EntitySchema, b_group: &GroupSchema) -> bool {
    if is_foreign(a.ids()) || is_foreign(b.ids()) {
        // A raw id is any number of segments, and a shared prefix may end within one. So all keys that
        // begin with what one of them begins with are taken to be its own.
        return can_begin_alike(a, b);
    }
    let len = segments(a, a_group);
    if len != segments(b, b_group) {
        return false;
    }
    let mut at = 0;
    while at < len {
        if !can_equal(segment(a, a_group, at), segment(b, b_group, at)) {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether what all keys of one entity begin with may begin a key of the other.
const fn can_begin_alike(a: &EntitySchema, b: &EntitySchema) -> bool {
    let (a_len, b_len) = (beginning_len(a), beginning_len(b));
    let mut at = 0;
    while at < a_len && at < b_len {
        if beginning_at(a, at) != beginning_at(b, at) {
            return false;
        }
        at += 1;
    }
    true
}

/// The length of the prefix, with the `:` behind it.
const fn beginning_len(entity: &EntitySchema) -> usize {
    entity.prefix().len() + !is_joined(entity) as usize
}

const fn beginning_at(entity: &EntitySchema, at: usize) -> u8 {
    let prefix = entity.prefix().as_bytes();
    if at < prefix.len() { prefix[at] } else { b':' }
}

const fn is_joined(entity: &EntitySchema) -> bool {
    match entity.ids().first() {
        Some(id) => id.is_joined(),
        None => false,
    }
}

const fn prefix_segments(prefix: &str) -> usize {
    let bytes = prefix.as_bytes();
    let (mut segments, mut at) = (1, 0);
    while at < bytes.len() {
        if bytes[at] == b':' {
            segments += 1;
        }
        at += 1;
    }
    segments
}

const fn segments(entity: &EntitySchema, group: &GroupSchema) -> usize {
    prefix_segments(entity.prefix()) + entity.ids().len() + group.name().is_some() as usize
}

const fn segment(entity: &EntitySchema, group: &GroupSchema, at: usize) -> Segment {
    let prefix = prefix_segments(entity.prefix());
    if at < prefix {
        return part(entity.prefix(), at);
    }
    if at < prefix + entity.ids().len() {
        return Segment::Id(entity.ids()[at - prefix]);
    }
    match group.name() {
        Some(name) => Segment::Literal(name),
        None => Segment::Literal(""),
    }
}

const fn part(prefix: &'static str, number: usize) -> Segment {
    let bytes = prefix.as_bytes();
    let (mut at, mut seen, mut start) = (0, 0, 0);
    while at < bytes.len() {
        if bytes[at] == b':' {
            if seen == number {
                break;
            }
            seen += 1;
            start = at + 1;
        }
        at += 1;
    }
    Segment::Part(prefix, start, at)
}

const fn bytes_of(segment: Segment) -> Option<&'static [u8]> {
    match segment {
        Segment::Literal(text) => Some(text.as_bytes()),
        Segment::Part(prefix, start, end) => Some(prefix.as_bytes().split_at(end).0.split_at(start).1),
        Segment::Id(_) => None,
    }
}

const fn can_equal(a: Segment, b: Segment) -> bool {
    match (bytes_of(a), bytes_of(b), a, b) {
        (Some(a), Some(b), ..) => same_bytes(a, b),
        (Some(literal), None, _, Segment::Id(id)) | (None, Some(literal), Segment::Id(id), _) => {
            accepts(&id, literal)
        }
        (None, None, Segment::Id(a), Segment::Id(b)) => can_overlap(&a, &b),
        _ => true,
    }
}

/// Whether a literal of prefix or group is the text of some id.
const fn accepts(id: &IdSchema, literal: &[u8]) -> bool {
    match id.kind() {
        IdKind::Text => true,
        IdKind::Char => literal.len() == 1,
        IdKind::Bool => same_bytes(literal, b"true") || same_bytes(literal, b"false"),
        IdKind::Uuid => is_uuid(literal),
        IdKind::Enum(names) => contains(names, literal),
        IdKind::Integer { signed, .. } => {
            let (shortest, longest) = widths(id);
            let signed = signed && !id.is_ordered();
            is_number(literal, signed) && shortest <= literal.len() && literal.len() <= longest
        }
        // Any other kind may have any text.
        _ => true,
    }
}

const fn can_overlap(a: &IdSchema, b: &IdSchema) -> bool {
    match (a.kind(), b.kind()) {
        (IdKind::Text, _) | (_, IdKind::Text) => true,
        (IdKind::Enum(names), _) => any_accepted(names, b),
        (_, IdKind::Enum(names)) => any_accepted(names, a),
        (IdKind::Integer { .. }, IdKind::Integer { .. }) => {
            let ((a_least, a_most), (b_least, b_most)) = (widths(a), widths(b));
            a_least <= b_most && b_least <= a_most
        }
        (IdKind::Integer { .. }, IdKind::Char) => widths(a).0 == 1,
        (IdKind::Char, IdKind::Integer { .. }) => widths(b).0 == 1,
        (IdKind::Bool, IdKind::Bool) | (IdKind::Char, IdKind::Char) | (IdKind::Uuid, IdKind::Uuid) => true,
        (
            IdKind::Integer { .. } | IdKind::Bool | IdKind::Char | IdKind::Uuid,
            IdKind::Integer { .. } | IdKind::Bool | IdKind::Char | IdKind::Uuid,
        ) => false,
        _ => true,
    }
}

/// The least and the most characters of a number.
const fn widths(id: &IdSchema) -> (usize, usize) {
    let IdKind::Integer { signed, bits } = id.kind() else { return (0, usize::MAX) };
    let digits = match bits {
        8 => 3,
        16 => 5,
        32 => 10,
        64 => 20,
        _ => 39,
    };
    if id.is_ordered() { (digits, digits) } else { (1, digits + signed as usize) }
}

const fn is_number(literal: &[u8], signed: bool) -> bool {
    let mut at = (signed && !literal.is_empty() && literal[0] == b'-') as usize;
    if at == literal.len() {
        return false;
    }
    while at < literal.len() {
        if !literal[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_uuid(literal: &[u8]) -> bool {
    let mut at = 0;
    while at < literal.len() {
        let fits = match at {
            8 | 13 | 18 | 23 => literal[at] == b'-',
            _ => matches!(literal[at], b'0'..=b'9' | b'a'..=b'f'),
        };
        if !fits {
            return false;
        }
        at += 1;
    }
    literal.len() == 36
}

const fn contains(names: &[&str], text: &[u8]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if same_bytes(names[at].as_bytes(), text) {
            return true;
        }
        at += 1;
    }
    false
}

const fn any_accepted(names: &[&str], id: &IdSchema) -> bool {
    let mut at = 0;
    while at < names.len() {
        let name = names[at].as_bytes();
        // A name beyond ASCII may be one character: it is taken to be so.
        if accepts(id, name) || (matches!(id.kind(), IdKind::Char) && !name.is_ascii()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn message(a: &EntitySchema, b: &EntitySchema) -> Message {
    if are_one(a, b) {
        return Message::new().name(b.name()).add(" is listed twice");
    }
    let has_namesake = same(a.name(), b.name());
    let message = add(Message::new().add("the entities "), a, has_namesake).add(" and ");
    add(message, b, has_namesake)
        .add(" can write the same key: give one of them another prefix, or another group")
}

/// `` `User` (prefix `user`) ``, and where it is if the name does not tell.
const fn add(message: Message, entity: &EntitySchema, has_namesake: bool) -> Message {
    let message = message.name(entity.name()).add(" (prefix ").name(entity.prefix());
    if has_namesake {
        let message = message.add(", line ").number(entity.line as usize);
        return message.add(" of ").name(entity.module).add(")");
    }
    message.add(")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    const PLAIN: &[GroupSchema] = &[GroupSchema::new(None, 1, Codec::Json)];
    const PROFILE: &[GroupSchema] = &[GroupSchema::new(Some("profile"), 1, Codec::Json)];
    const NUMBER: IdKind = IdKind::Integer { signed: false, bits: 64 };
    const SIGNED: IdKind = IdKind::Integer { signed: true, bits: 32 };

    fn entity(
        prefix: &'static str,
        ids: &'static [IdSchema],
        groups: &'static [GroupSchema],
    ) -> EntitySchema {
        EntitySchema::new("E", prefix, ids, groups)
    }

    macro_rules! ids {
        ($($kind:expr),*) => { const { &[$(IdSchema::new("id", $kind)),*] } };
    }

    #[test]
    fn literals_and_kinds_are_different() {
        let org = entity("org", ids![NUMBER], PLAIN);
        for (apart, other) in [
            (true, entity("org:member", ids![NUMBER], PLAIN)),
            (true, entity("org2", ids![NUMBER], PLAIN)),
            (true, entity("org", ids![IdKind::Uuid], PLAIN)),
            (true, entity("org", ids![IdKind::Bool], PLAIN)),
            (true, entity("org", ids![IdKind::Enum(&["all", "07x"])], PLAIN)),
            (true, entity("org", ids![NUMBER], PROFILE)),
            (
                true,
                entity(
                    "org",
                    const { &[IdSchema::new("id", IdKind::Integer { signed: false, bits: 128 }).ordered()] },
                    PLAIN,
                ),
            ),
            (false, entity("org", ids![NUMBER], PLAIN)),
            (false, entity("org", ids![SIGNED], PLAIN)),
            (false, entity("org", ids![IdKind::Char], PLAIN)),
            (false, entity("org", ids![IdKind::Text], PLAIN)),
            (false, entity("org", ids![IdKind::Enum(&["all", "7"])], PLAIN)),
        ] {
            assert_eq!(!can_share_a_key(&org, &other), apart, "{other:?}");
            assert_eq!(!can_share_a_key(&other, &org), apart, "{other:?}");
        }
    }

    #[test]
    fn a_text_id_meets_a_literal_and_a_group() {
        let text = entity("org", ids![IdKind::Text], PLAIN);
        assert!(!can_share_a_key(&text, &entity("org:member", ids![NUMBER], PLAIN)));
        let pair = entity("org", ids![IdKind::Text, IdKind::Text], PLAIN);
        assert!(can_share_a_key(&pair, &entity("org:member", ids![NUMBER], PLAIN)));
        assert!(can_share_a_key(&pair, &entity("org", ids![NUMBER], PROFILE)));
    }

    #[test]
    fn a_view_shares_its_entitys_keys() {
        let whole = EntitySchema::new("User", "user", ids![NUMBER], PROFILE);
        let view = EntitySchema::new("UserProfile", "user", ids![NUMBER], PROFILE).view_of("User");
        assert!(!can_share_a_key(&whole, &view));
        assert!(can_share_a_key(&whole, &EntitySchema::new("User", "user", ids![NUMBER], PROFILE)));
    }

    #[test]
    fn a_namesakes_views_do_not_share_its_keys() {
        let user =
            |module, line| EntitySchema::new("User", "user", ids![NUMBER], PROFILE).declared(module, line);
        let view = |module, line| {
            EntitySchema::new("UserProfile", "user", ids![NUMBER], PROFILE)
                .view_of("User")
                .declared(module, line)
        };
        assert!(!can_share_a_key(&user("app::a", 3), &view("app::a", 3)));
        for (module, line) in [("app::b", 3), ("app::a", 7)] {
            assert!(can_share_a_key(&user("app::a", 3), &view(module, line)));
            assert!(can_share_a_key(&view("app::a", 3), &user(module, line)));
            assert!(can_share_a_key(&view("app::a", 3), &view(module, line)));
        }
    }

    #[test]
    #[should_panic(
        expected = "the entities `User` (prefix `user`, line 3 of `app::a`) and `User` (prefix `user`, line 12 of `app::b`) can"
    )]
    fn the_message_tells_namesakes_apart() {
        let user = EntitySchema::new("User", "user", ids![NUMBER], PROFILE);
        assert_apart(&[user.declared("app::a", 3), user.declared("app::b", 12)], 1);
    }

    #[test]
    #[should_panic(expected = "`User` is listed twice")]
    fn the_message_knows_one_that_is_listed_twice() {
        let user = EntitySchema::new("User", "user", ids![NUMBER], PROFILE).declared("app", 3);
        assert_apart(&[user, user], 1);
    }

    #[test]
    #[should_panic(
        expected = "the entities `User` (prefix `user`) and `Account` (prefix `user`) can write the same key"
    )]
    fn the_message_names_both() {
        let entities = [
            EntitySchema::new("User", "user", ids![NUMBER], PROFILE),
            EntitySchema::new("Account", "user", ids![SIGNED], PROFILE),
        ];
        assert_apart(&entities, 1);
    }
}
