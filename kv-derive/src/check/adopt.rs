//! The rules of records that other programs read and write.

use crate::attr::{Mapped, Spelling};
use crate::ctxt::Ctxt;
use crate::model::{Entity, Field, Group, StepKind};

pub(super) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    indexes_see_every_write(cx, entity);
    for group in &entity.groups {
        words_need_each_other(cx, entity, group);
        plain_records_are_json(cx, entity, group);
        plain_records_have_one_version(cx, entity, group);
        version_is_no_field(cx, entity, group);
        steps_leave_the_version(cx, group);
        spellings_are_of_versions(cx, group);
        versions_are_read_as_they_are_written(cx, group);
    }
}

/// Another program writes past an index.
fn indexes_see_every_write(cx: &Ctxt, entity: &Entity<'_>) {
    let has_foreign_keys =
        entity.has_shared_prefix() || entity.ids.iter().any(|field| field.attr.raw.is_written());
    let is_plain = entity.groups.iter().any(|group| entity.is_plain(group));
    if !is_plain && !has_foreign_keys {
        return;
    }
    for index in entity.indexes() {
        let message = "other programs write records of this entity past an index, so it could not be right: remove it, or \
                       `plain`, `adapter`, `raw` and `shared_prefix`";
        cx.error(&index.attr.at, message);
    }
}

/// `version_in` is said of plain records, and `version_map` of `version_in`.
fn words_need_each_other(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let adopt = &group.attr.adopt;
    if let Some(key) = adopt.version_in.key().filter(|_| !entity.is_plain(group)) {
        cx.error(key, "other records have their version beside the value: add `plain`, or remove this");
    }
    if let Some(key) = adopt.version_map.key().filter(|_| !adopt.version_in.is_written()) {
        cx.error(key, "this says how `version_in` is spelled: name the member, `version_in = \"version\"`");
    }
}

/// Other programs read them.
fn plain_records_are_json(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let codec = entity.codec(group);
    if !entity.is_plain(group) || !codec.is_binary() {
        return;
    }
    if let Some(key) = group.attr.codec.key().or(entity.container.codec.key()) {
        let message = format!(
            "a plain record is JSON, for other programs to read, and the codec {:?} is not: keep one of both",
            codec.name()
        );
        cx.error(key, message);
    }
}

/// A plain record without a version in its value is version 1, so no other one can be written.
fn plain_records_have_one_version(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let adopt = &group.attr.adopt;
    // Whether an adapter keeps the version is known to the adapter.
    let has_place = adopt.version_in.is_written() || adopt.adapter.is_written();
    if !entity.is_plain(group) || has_place || group.write_version() == 1 {
        return;
    }
    let versions = &group.attr.versions;
    if let Some(version) = versions.write_version.get().or(versions.version.get()) {
        let message = "a plain record has no place for a version, so it is version 1: name the member that has it, \
                       `version_in = \"schemaVersion\"`, or go on writing what other programs write, \
                       `write_version = 1`";
        cx.error(&version.literal, message);
    }
}

/// The member with the version is the runtime's. What reads all members, or refuses those that are
/// no field's, would meet it.
fn version_is_no_field(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let Some(version_in) = group.attr.adopt.version_in.get() else { return };
    let Some(member) = version_in.path.first() else { return };
    let is_it = |field: &&Field<'_>| {
        let serde = &field.attr.serde;
        let names = serde.aliases.iter().map(|(_, alias)| alias).chain([&field.stored, &field.read]);
        !serde.is_flattened && !serde.is_skipped && names.into_iter().any(|name| name == member)
    };
    if let Some(field) = group.fields.iter().find(is_it) {
        let message = format!(
            "the field `{}` is in the member {member:?}, which holds the version: remove the field, because reads and \
             updates take the version from there themselves",
            field.ident
        );
        cx.error(&version_in.text, message);
    }
    if entity.container.serde.denies_unknown {
        let message =
            "serde's `deny_unknown_fields` refuses this member, which no field names: remove one of them";
        cx.error(&version_in.text, message);
    }
    if let Some(field) = group.fields.iter().find(|field| field.attr.serde.is_flattened) {
        let message = format!(
            "the flattened field `{}` would read this member and write it back: remove `flatten`, as an update keeps \
             members that no field names",
            field.ident
        );
        cx.error(&version_in.text, message);
    }
}

/// A step sees the member with the version, and must leave it.
fn steps_leave_the_version(cx: &Ctxt, group: &Group<'_>) {
    let Some(member) = group.attr.adopt.version_in.get().and_then(|at| at.path.first()) else { return };
    for step in group.steps() {
        let name = match &step.kind {
            StepKind::Removed { name, .. } => name.value(),
            StepKind::Renamed { from, .. } => from.value(),
            StepKind::Added { .. } | StepKind::Function { .. } => continue,
        };
        if name == *member {
            cx.error(
                step.at,
                format_args!("the member {member:?} holds the version, so no step can take it"),
            );
        }
    }
}

/// Each spelling means one version that this program knows.
fn spellings_are_of_versions(cx: &Ctxt, group: &Group<'_>) {
    let (map, version) = (map(group), group.version());
    for (at, Mapped { spelling, at: span, version: to }) in map.iter().enumerate() {
        if map[..at].iter().any(|earlier| earlier.spelling == *spelling) {
            cx.error_at(*span, "this spelling is mapped twice");
        }
        if to.number > version {
            let message =
                format!("the group's version is {version}, so no record is of version {}", to.number);
            cx.error(&to.literal, message);
        }
    }
}

/// What is written of a version means that version again.
fn versions_are_read_as_they_are_written(cx: &Ctxt, group: &Group<'_>) {
    let map = map(group);
    let has_spelling =
        |version: u32| map.iter().any(|it| it.version.number == version && it.spelling != Spelling::Missing);
    for mapped in map {
        let Spelling::Number(number) = mapped.spelling else { continue };
        let Ok(version) = u32::try_from(number) else { continue };
        let is_written = (group.write_version()..=group.version()).contains(&version);
        if is_written && mapped.version.number != version && !has_spelling(version) {
            let message = format!(
                "the number {version} means version {} here, so nothing is left to write for version {version}: give that a \
                 spelling, too",
                mapped.version.number
            );
            cx.error_at(mapped.at, message);
        }
    }
}

fn map<'s>(group: &'s Group<'_>) -> &'s [Mapped] {
    group.attr.adopt.version_map.get().map_or(&[], Vec::as_slice)
}
