//! Whether the indexes of two entities have the same entries, decided by constant evaluation.
//!
//! The key of an entry begins with the prefix of the entity and the name of the index. So two
//! entities of one prefix, whose own keys cannot meet, must not have indexes of one name.

use super::are_one_family;
use crate::const_message::{Message, same};
use crate::entity::{EntitySchema, IndexSchema};

/// Fails, in constant evaluation, if the entity at this place has an index of the same name and
/// prefix as one before it, with a message that names both. A view shares those of its entity.
#[track_caller]
pub const fn assert_indexes_apart(
    entities: &[EntitySchema],
    indexes: &[&'static [IndexSchema]],
    place: usize,
) {
    let b = &entities[place];
    let mut at = 0;
    while at < place {
        let a = &entities[at];
        if same(a.prefix(), b.prefix())
            && !are_one_family(a, b)
            && let Some(name) = shared_name(indexes[at], indexes[place])
        {
            message(a, b, name).panic();
        }
        at += 1;
    }
}

const fn shared_name(a: &'static [IndexSchema], b: &[IndexSchema]) -> Option<&'static str> {
    let mut i = 0;
    while i < a.len() {
        let mut j = 0;
        while j < b.len() {
            if same(a[i].name(), b[j].name()) {
                return Some(a[i].name());
            }
            j += 1;
        }
        i += 1;
    }
    None
}

const fn message(a: &EntitySchema, b: &EntitySchema, index: &str) -> Message {
    let message = Message::new().add("the entities ").name(a.name()).add(" and ").name(b.name());
    let message = message.add(" have the same prefix, ").name(a.prefix());
    message.add(", and each an index ").name(index).add(": rename one of them, `name = \"...\"`")
}

#[cfg(test)]
mod tests {
    use kv_store::key::{IdKind, IdSchema};

    use super::*;

    const IDS: &[IdSchema] = &[IdSchema::new("id", IdKind::Uuid)];
    const CITY: &[IndexSchema] = &[IndexSchema::new("zip", 0, &[]), IndexSchema::new("city", 0, &[])];
    const ZIP: &[IndexSchema] = &[IndexSchema::new("zip", 0, &[])];
    const NAME: &[IndexSchema] = &[IndexSchema::new("name", 0, &[])];

    const fn entity(name: &'static str, prefix: &'static str) -> EntitySchema {
        EntitySchema::new(name, prefix, IDS, &[])
    }

    #[test]
    fn other_prefixes_other_names_and_views_are_apart() {
        assert_indexes_apart(&[entity("A", "a"), entity("B", "b")], &[CITY, CITY], 1);
        assert_indexes_apart(&[entity("A", "a"), entity("B", "a")], &[CITY, NAME], 1);
        assert_indexes_apart(&[entity("A", "a"), entity("B", "a")], &[CITY, &[]], 1);
        assert_indexes_apart(&[entity("A", "a"), entity("AProfile", "a").view_of("A")], &[CITY, ZIP], 1);
    }

    #[test]
    #[should_panic(
        expected = "the entities `A` and `B` have the same prefix, `a`, and each an index `zip`: rename one of them"
    )]
    fn one_prefix_and_one_name_meet() {
        let entities = [entity("A", "a"), entity("Other", "b"), entity("B", "a")];
        assert_indexes_apart(&entities, &[CITY, CITY, ZIP], 2);
    }
}
