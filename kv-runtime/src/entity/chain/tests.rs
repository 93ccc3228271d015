//! Predecessors that fit are accepted, and each of the others gets its error message.

use std::panic::{UnwindSafe, catch_unwind};

use kv_store::key::{IdKind, IdSchema};

use super::*;
use crate::migrate::{Change, Step};

const ID: &[IdSchema] = &[IdSchema::new("id", IdKind::Integer { signed: false, bits: 64 })];
const ORDERED: &[IdSchema] = &[IdSchema::new("id", IdKind::Integer { signed: false, bits: 64 }).ordered()];
const SHARD: &[IdSchema] = &[IdSchema::new("id", IdKind::Integer { signed: false, bits: 64 }).shard()];

/// One step to each of these versions.
macro_rules! steps {
    ($($to:literal),*) => {{
        const STEPS: &[Step] =
            &[$(Step::new($to, Change::Function { name: "up", up: |_| Ok(()), down: None })),*];
        STEPS
    }};
}

fn group(name: Option<&'static str>, version: u32) -> GroupSchema {
    GroupSchema::new(name, version, Codec::Json).with_oldest(1)
}

fn entity(name: &'static str, groups: impl Into<Vec<GroupSchema>>) -> EntitySchema {
    with_ids(name, "user", ID, groups)
}

fn with_ids(
    name: &'static str,
    prefix: &'static str,
    ids: &'static [IdSchema],
    groups: impl Into<Vec<GroupSchema>>,
) -> EntitySchema {
    EntitySchema::new(name, prefix, ids, Box::leak(groups.into().into_boxed_slice()))
}

/// The error of constant evaluation, if there is one.
fn complaint(check: impl FnOnce() + UnwindSafe) -> Option<String> {
    let panic = catch_unwind(check).err()?;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    Some(text.or_else(|| panic.downcast_ref::<&str>().copied()).expect("a text").to_owned())
}

fn follows(entity: EntitySchema, previous: EntitySchema) -> Option<String> {
    complaint(move || assert_follows(&entity, 0, &previous))
}

#[track_caller]
fn says(complaint: Option<String>, expected: &str) {
    assert_eq!(complaint.as_deref(), Some(expected));
}

#[test]
fn predecessors_that_fit_are_taken() {
    let previous = |version| entity("UserV1", [group(None, version)]);
    assert_eq!(follows(entity("User", [group(None, 2)]), previous(1)), None);
    assert_eq!(follows(entity("User", [group(None, 2).with_oldest(1)]), previous(1)), None);
    assert_eq!(follows(entity("User", [group(None, 3).with_steps(steps![3])]), previous(1)), None);
    assert_eq!(follows(entity("User", [group(None, 4).with_steps(steps![3, 4])]), previous(1)), None);
    assert_eq!(follows(entity("User", [group(None, 4).with_steps(steps![4])]), previous(2)), None);
    let of_group = entity("UserV1", [group(Some("profile"), 1)]);
    assert_eq!(follows(entity("User", [group(Some("profile"), 2), group(Some("log"), 9)]), of_group), None);
    let ordered = |name, version| with_ids(name, "user", ORDERED, [group(None, version)]);
    assert_eq!(follows(ordered("User", 2), ordered("UserV1", 1)), None);
    // The second group has another predecessor.
    let whole = entity("User", [group(Some("profile"), 1), group(Some("log"), 2)]);
    let log = entity("LogV1", [group(Some("log"), 1)]);
    assert_eq!(complaint(move || assert_follows(&whole, 1, &log)), None);
}

#[test]
fn records_of_others_are_told() {
    let previous = with_ids("UserV1", "usr", ID, [group(None, 1)]);
    says(
        follows(entity("User", [group(None, 2)]), previous),
        "`User`: the predecessor `UserV1` has the prefix `usr` and not `user`, so its records are others",
    );
    let of_profile = |previous| follows(entity("User", [group(Some("profile"), 2)]), previous);
    says(
        of_profile(entity("LogV1", [group(Some("log"), 1)])),
        "`User`, group `profile`: the predecessor `LogV1` is the group `log`, so its records are others",
    );
    says(
        of_profile(entity("UserV1", [group(None, 1)])),
        "`User`, group `profile`: the predecessor `UserV1` has a group without a name, so its records are others",
    );
    says(
        of_profile(entity("UserV1", [group(Some("profile"), 1), group(Some("log"), 1)])),
        "`User`, group `profile`: the predecessor `UserV1` has several groups: name as the predecessor of a group \
         an entity that has it alone",
    );
    for (ids, before) in [(ID, ORDERED), (ORDERED, ID)] {
        let this = with_ids("User", "user", ids, [group(None, 2)]);
        says(
            follows(this, with_ids("UserV1", "user", before, [group(None, 1)])),
            "`User`: the predecessor `UserV1` writes its id `id` otherwise in keys: make both `ordered`, or none of them",
        );
    }
    for (ids, before) in [(ID, SHARD), (SHARD, ID)] {
        let this = with_ids("User", "user", ids, [group(None, 2)]);
        says(
            follows(this, with_ids("UserV1", "user", before, [group(None, 1)])),
            "`User`: the predecessor `UserV1` writes its id `id` otherwise in keys: make both `shard`, or none of them",
        );
    }
}

#[test]
fn versions_that_do_not_follow_are_told() {
    for version in [2, 3] {
        says(
            follows(entity("User", [group(None, 2)]), entity("Old", [group(None, version)])),
            &format!("`User`: the predecessor `Old` has version {version}, which is not below 2"),
        );
    }
    let oldest = |oldest| entity("User", [group(None, 12).with_oldest(oldest).with_steps(steps![12])]);
    assert_eq!(follows(oldest(10), entity("Old", [group(None, 10)])), None);
    says(
        follows(oldest(11), entity("Old", [group(None, 10)])),
        "`User`: the predecessor `Old` has version 10, and `oldest` is 11, so it reads no record: remove it",
    );
}

#[test]
fn a_gap_behind_a_predecessor_is_told() {
    let json = |steps| entity("User", [group(None, 4).with_steps(steps)]);
    let old = || entity("Old", [group(None, 1)]);
    for (steps, from) in [(steps![], 2), (steps![4], 2), (steps![3], 3)] {
        says(
            follows(json(steps), old()),
            &format!(
                "`User`: there is no step from version {from} to {}: the predecessor `Old` leads from version 1 to \
                 today's, and records of version {from} have no way; write a `step`, or `renamed`, `added` or \
                 `removed`, or name a later predecessor",
                from + 1
            ),
        );
    }
}

#[cfg(feature = "postcard")]
#[test]
fn a_gap_that_no_step_can_close_asks_for_a_later_predecessor() {
    let binary = GroupSchema::new(None, 4, Codec::Postcard).with_oldest(1);
    says(
        follows(entity("User", [binary]), entity("Old", [group(None, 1)])),
        "`User`: there is no step from version 2 to 3: the predecessor `Old` leads from version 1 to today's, and \
         records of version 2 have no way; name a predecessor of version 3",
    );
}

#[test]
fn a_step_before_a_predecessor_is_told() {
    let this = |steps| entity("User", [group(None, 4).with_steps(steps)]);
    for steps in [steps![2, 4], steps![1, 2, 4]] {
        let to = steps[0].to();
        says(
            follows(this(steps), entity("Old", [group(None, 2)])),
            &format!(
                "`User`: the declarations of version {to} are never used: the predecessor `Old` reads records up to \
                 version 2; remove them"
            ),
        );
    }
}

#[test]
fn what_is_written_through_a_predecessor_is_what_it_writes() {
    let this = |version| entity("User", [group(None, 3).with_write_version(version)]);
    let before = |version| entity("UserV2", [group(None, 2).with_write_version(version)]);
    for (this_writes, before_writes) in [(3, 2), (2, 2), (2, 1), (1, 1)] {
        assert_eq!(follows(this(this_writes), before(before_writes)), None, "{this_writes} {before_writes}");
    }
    says(
        follows(this(1), before(2)),
        "`User`: version 1 is written through the predecessor `UserV2`, which then must have `write_version = 1` as well",
    );
}

#[test]
fn one_group_of_several_is_not_written_through_a_predecessor() {
    let check = |version| {
        let whole = entity("User", [group(Some("a"), 1), group(Some("b"), 3).with_write_version(version)]);
        let previous = entity("Old", [group(Some("b"), 2)]);
        complaint(move || assert_not_written(&whole, 1, &previous))
    };
    assert_eq!(check(3), None);
    for version in [2, 1] {
        says(
            check(version),
            &format!(
                "`User`, group `b`: version {version} is written through the predecessor `Old`, which one group of \
                 several cannot be: put the group in an entity of its own, or write a later version"
            ),
        );
    }
}
