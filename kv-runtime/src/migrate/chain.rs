//! What constant evaluation proves of a group's steps, so that a gap is found by the compiler and not by a record.

use crate::entity::{EntitySchema, GroupSchema};
use crate::key::{IdKind, IdSchema};

/// Fails, in constant evaluation, unless every version from `oldest` on has a way to the current one. `previous` is the version of
/// the predecessor, or 0: versions up to it need no steps.
///
/// The macro reports most of it at its token; what only constants know is found here.
pub const fn assert_whole(group: &GroupSchema, previous: u32) {
    let mut version = if previous > group.oldest() { previous } else { group.oldest() };
    while version < group.version() {
        version += 1;
        assert!(has_step_to(group, version), "a version has no step that leads to it: add `step(..)`, a field attribute with `since`, or `oldest`");
    }
}

/// Fails, in constant evaluation, unless `previous` is an earlier version of the same records as `group` of `entity`.
pub const fn assert_follows(entity: &EntitySchema, group: usize, previous: &EntitySchema) {
    assert!(same(entity.prefix(), previous.prefix()), "the predecessor has another prefix, so it is not the same records");
    assert!(previous.groups().len() == 1, "a predecessor has one group: name the predecessor of each group in its `group(..)`");
    let (this, before) = (&entity.groups()[group], &previous.groups()[0]);
    let same_group = match (this.name(), before.name()) {
        (Some(this), Some(before)) => same(this, before),
        (None, None) => true,
        _ => false,
    };
    assert!(same_group, "the predecessor has another group, so it is not the same records");
    assert!(before.version() < this.version(), "the predecessor's version is not below this one's");
    assert!(entity.ids().len() == previous.ids().len(), "the predecessor has another number of ids, so it has other keys");
    let mut at = 0;
    while at < entity.ids().len() {
        assert!(same_id(&entity.ids()[at], &previous.ids()[at]), "the predecessor has an id of another type, so it has other keys");
        at += 1;
    }
}

const fn has_step_to(group: &GroupSchema, version: u32) -> bool {
    let mut at = 0;
    while at < group.steps().len() {
        if group.steps()[at].to() == version {
            return true;
        }
        at += 1;
    }
    false
}

const fn same_id(a: &IdSchema, b: &IdSchema) -> bool {
    let same_kind = match (a.kind(), b.kind()) {
        (IdKind::Integer { signed: a, bits: a_bits }, IdKind::Integer { signed: b, bits: b_bits }) => a == b && a_bits == b_bits,
        (IdKind::Bool, IdKind::Bool)
        | (IdKind::Char, IdKind::Char)
        | (IdKind::Text, IdKind::Text)
        | (IdKind::Uuid, IdKind::Uuid)
        | (IdKind::Enum(_), IdKind::Enum(_)) => true,
        _ => false,
    };
    same_kind && a.is_ordered() == b.is_ordered()
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
