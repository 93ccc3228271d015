//! The rules of versions: from the oldest one to the current there is one way, and back to the one
//! that is written.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::ctxt::Ctxt;
use crate::model::{Entity, Field, Group, Step, StepKind};

pub(super) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    field_words_are_on_members(cx, entity);
    for group in &entity.groups {
        oldest_and_written_are_versions(cx, entity, group);
        steps_are_between_versions(cx, entity, group);
        codec_has_names(cx, entity, group);
        functions_are_alone(cx, group);
        names_change_once(cx, group);
        group.fields.iter().for_each(|field| fields_have_one_past(cx, field));
        members_taken_are_no_fields(cx, group);
        every_version_has_a_step(cx, entity, group);
        written_version_is_reached(cx, group);
    }
}

/// A step changes a member of the value: an id is none, nor is what is not stored, and a flattened
/// field is several.
fn field_words_are_on_members(cx: &Ctxt, entity: &Entity<'_>) {
    let complain = |field: &Field<'_>, why: &str, remedy: &str| {
        let renamed = field.attr.renamed.iter().map(|renamed| &renamed.at);
        for key in renamed.chain(field.attr.added.key()) {
            cx.error(key, format_args!("{why}, so it cannot be `{key}`{remedy}"));
        }
    };
    for field in &entity.ids {
        complain(field, "an id is in the key and in no value", "");
    }
    for field in &entity.skipped {
        complain(field, "a skipped field is not stored", "");
    }
    for field in entity.stored_fields() {
        if field.attr.serde.is_skipped {
            complain(field, "a field that serde skips is not stored", "");
        } else if field.attr.serde.is_flattened {
            complain(field, "a flattened field has no member of its own", ": use a `step` with a function");
        }
    }
}

/// `oldest` and `write_version` are no newer than `version`, and what is written can be read.
fn oldest_and_written_are_versions(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let (version, oldest) = (highest(group), lowest(group));
    let versions = &group.attr.versions;
    let of = of_group(entity, group);
    for (key, slot) in [("oldest", &versions.oldest), ("write_version", &versions.write_version)] {
        let Some(written) = slot.get() else { continue };
        if written.number > version {
            let remedy = raise(entity, group, written.number, key, (version > 1).then_some(key));
            let message = format!("`{key}` is above `version`{of}, which is {version}: {remedy}");
            cx.error(&written.literal, message);
        } else if key == "write_version" && written.number < oldest {
            let message =
                format!("`{key}` is below `oldest`{of}, which is {oldest}: it could not be read back");
            cx.error(&written.literal, message);
        }
    }
}

/// A step leads to one of the versions above `oldest`, up to `version`.
fn steps_are_between_versions(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let (version, oldest, of) = (highest(group), lowest(group), of_group(entity, group));
    for step in group.steps() {
        let (to, key) = (step.to, step.at.to_string());
        let is_function = step.is_function();
        let message = if !is_function && to < 2 {
            "version 1 is the first, so nothing changed in it: the least `since` is 2".to_owned()
        } else if to > version && is_function {
            let remedy = raise(entity, group, to, &key, None);
            format!("this leads to version {to}, and `version`{of} is {version}: {remedy}")
        } else if to > version {
            let remedy = raise(entity, group, to, &key, (version > oldest).then_some("since"));
            format!("`since` is above `version`{of}, which is {version}: {remedy}")
        } else if to <= oldest && is_function {
            format!("`oldest`{of} is {oldest}, so no record is of version {}: remove `{key}`", to - 1)
        } else if to <= oldest {
            format!("`oldest`{of} is {oldest}, so no record is older than version {to}: remove `{key}`")
        } else {
            continue;
        };
        cx.error(&step.version.literal, message);
    }
}

/// Returns the version of the group. If it could not be parsed, that error is recorded already, and
/// any version is possible.
fn highest(group: &Group<'_>) -> u32 {
    let version = &group.attr.versions.version;
    if version.is_written() && version.get().is_none() { u32::MAX } else { group.version() }
}

/// Returns the oldest version of the group. If it is above `version`, that error is recorded
/// already, and any version is possible.
fn lowest(group: &Group<'_>) -> u32 {
    if has_bad_oldest(group) { 1 } else { group.oldest() }
}

fn has_bad_oldest(group: &Group<'_>) -> bool {
    group.oldest() > highest(group)
}

/// Which of several groups is meant, where a message may stand far from it.
fn of_group(entity: &Entity<'_>, group: &Group<'_>) -> String {
    match (entity.groups.len(), group.name()) {
        (..2, _) => String::new(),
        (_, Some(name)) => format!(" of the group {name:?}"),
        (_, None) if group.is_on_struct => " of the first group".to_owned(),
        (_, None) => " of its group".to_owned(),
    }
}

/// What helps against a version of `key` that is above the group's; `earlier` names it where a
/// lower one can be right.
fn raise(entity: &Entity<'_>, group: &Group<'_>, to: u32, key: &str, earlier: Option<&str>) -> String {
    let place = match entity.groups.len() {
        ..2 => "",
        _ if group.is_on_struct => " on the struct",
        _ => " in its `group(...)`",
    };
    let other = match earlier {
        Some(word) => format!("an earlier `{word}`"),
        None => format!("remove `{key}`"),
    };
    format!("write `version = {to}`{place}, or {other}")
}

/// Steps change the members of a JSON object.
fn codec_has_names(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let codec = entity.codec(group);
    if !codec.is_binary() {
        return;
    }
    for step in group.steps() {
        let message = format!(
            "values of the codec {:?} have no names, so `{}` cannot change them: keep the old struct, with a `From` of it, \
             and write `previous = ...`",
            codec.name(),
            step.at,
        );
        cx.error(step.at, message);
    }
}

/// One function leads to a version, or attributes do.
fn functions_are_alone(cx: &Ctxt, group: &Group<'_>) {
    let mut steps = group.steps();
    steps.retain(|step| step.to > group.oldest() && step.to <= group.version());
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.is_function()) {
        let (from, to) = (step.to - 1, step.to);
        if steps[..at].iter().any(|earlier| earlier.to == to && earlier.is_function()) {
            cx.error(step.at, format_args!("the step from version {from} to {to} is written twice"));
        }
        if let Some(other) = steps.iter().find(|other| other.to == to && !other.is_function()) {
            let message =
                format!("`{}` leads to version {to} as well: make its change in the function", other.at);
            cx.error(step.at, message);
        }
    }
}

/// Within one version a name is given or taken once, or the order of the steps would matter. It may
/// be taken from a member that is gone.
fn names_change_once(cx: &Ctxt, group: &Group<'_>) {
    let steps = group.steps();
    for (at, step) in steps.iter().enumerate() {
        for earlier in steps[..at].iter().filter(|earlier| earlier.to == step.to) {
            let shared = match (&earlier.kind, &step.kind) {
                (StepKind::Removed { name: a, .. }, StepKind::Removed { name: b, .. }) => {
                    (a.value() == b.value()).then_some(b)
                }
                (StepKind::Removed { name: a, .. }, StepKind::Renamed { from: b, .. }) => {
                    (a.value() == b.value()).then_some(b)
                }
                (StepKind::Renamed { from: a, to }, StepKind::Renamed { from: b, to: into }) => {
                    (b.value() == a.value() || b.value() == *to || a.value() == *into).then_some(b)
                }
                _ => None,
            };
            if let Some(name) = shared {
                let message = format!(
                    "`{}` changes {:?} in version {} as well: use a `step` with a function, or a version for each",
                    earlier.at,
                    name.value(),
                    step.to,
                );
                cx.error(name, message);
            }
        }
    }
}

/// A field is added once, before it gets other names, and each of these has a different version.
fn fields_have_one_past(cx: &Ctxt, field: &Field<'_>) {
    let added = field.attr.added.get().and_then(|added| added.since.get());
    let renamed = || field.attr.renamed.iter().filter_map(|it| Some((it.from.get()?, it.since.get()?)));
    for (at, (_, since)) in renamed().enumerate() {
        if let Some(added) = added.filter(|added| added.number >= since.number) {
            let message =
                format!("the field was added in version {}, so it had no other name before", added.number);
            cx.error(&since.literal, message);
        }
        if renamed().take(at).any(|(_, earlier)| earlier.number == since.number) {
            cx.error(&since.literal, format_args!("the field is renamed twice in version {}", since.number));
        }
    }
    for (from, since) in renamed() {
        let is_since = |(_, later): &(_, &crate::attr::Version)| later.number > since.number;
        let next = renamed().filter(is_since).min_by_key(|(_, later)| later.number);
        let to = next.map_or_else(|| field.stored.clone(), |(from, _)| from.value());
        if from.value() == to {
            let message = format!("this is the name that the field has since, {to:?}: say the one before");
            cx.error(from, message);
        }
    }
}

/// A member that is taken away, or that gets another name, is none of today's fields, unless one
/// came later under the same name.
fn members_taken_are_no_fields(cx: &Ctxt, group: &Group<'_>) {
    let removed = group.attr.versions.removed.iter();
    let removed = removed.filter_map(|it| Some((it.name.get()?, it.since.get()?.number, None)));
    let renamed = group.fields.iter().flat_map(|to| {
        to.attr.renamed.iter().filter_map(move |it| Some((it.from.get()?, it.since.get()?.number, Some(to))))
    });
    for (name, since, to) in removed.chain(renamed) {
        let is_new = |field: &Field<'_>| {
            let added = field.attr.added.get().and_then(|added| added.since.get());
            let renamed = field.attr.renamed.iter().filter_map(|renamed| renamed.since.get());
            added.into_iter().chain(renamed).any(|it| it.number >= since)
        };
        let mut fields = group.fields.iter();
        // A field whose errors are recorded already may be new.
        let taken = fields
            .find(|field| field.stored == name.value() && !is_new(field) && !field.attr.added.is_written());
        let Some(field) = taken.filter(|field| to.is_none_or(|to| to.ident != field.ident)) else { continue };
        let message = format!(
            "the field `{}` is stored as {:?}, so this would remove it: write `added(since = {since})` on the field if it is a new \
             one",
            field.ident,
            name.value(),
        );
        cx.error(name, message);
    }
}

/// Every version from `oldest` on has a way to the next. Where a predecessor has the first part of
/// it, only constants know how far that leads.
fn every_version_has_a_step(cx: &Ctxt, entity: &Entity<'_>, group: &Group<'_>) {
    let versions = &group.attr.versions;
    let (version, oldest, of) = (group.version(), group.oldest(), of_group(entity, group));
    if let Some(key) = versions.previous.key()
        && highest(group) <= oldest
        && !has_bad_oldest(group)
    {
        let message = match oldest {
            1 => format!("version 1{of} has no predecessor: say which `version` this is"),
            _ => format!(
                "no record is older than `oldest`{of}, which is {oldest}, so a predecessor reads none"
            ),
        };
        cx.error(key, message);
    }
    let Some(key) = versions.version.key().filter(|_| !versions.previous.is_written()) else { return };
    // Something that could not be parsed, or has an error already, may be the step.
    let steps = group.steps();
    if has_unread(group) || has_misplaced(entity) || steps.iter().any(|step| step.to > version) {
        return;
    }
    // Written versions are few, and numbers may be large.
    let mut missing = Vec::new();
    let mut from = oldest;
    for to in steps.iter().map(|step| step.to).chain([version.saturating_add(1)]) {
        if to > from.saturating_add(1) {
            missing.push((from, to - 1));
        }
        from = from.max(to);
    }
    let Some((from, _)) = missing.first() else { return };
    let listed: Vec<String> = missing
        .iter()
        .map(|(from, to)| match to - from {
            1 => format!("from version {from} to {to}"),
            _ => format!("from version {from} to {to}, one by one"),
        })
        .collect();
    let next = from + 1;
    let ways = if entity.codec(group).is_binary() {
        "write `previous = ...`, with the old struct".to_owned()
    } else {
        format!(
            "write `renamed`, `added` or `removed` with `since = {next}`, `step({from} => path::to::function)`, or `previous = ...` \
             with the old struct"
        )
    };
    let message = format!(
        "there is no step{of} {}: {ways}; `oldest = {version}` says that there are no older records",
        listed.join(" and ")
    );
    cx.error(key, message);
}

/// Whether something that may be a step was not understood.
fn has_unread(group: &Group<'_>) -> bool {
    let versions = &group.attr.versions;
    let fields = || group.fields.iter().map(|field| &field.attr);
    versions.has_unread_step
        || versions.version.get().is_none()
        || versions.version.is_guess()
        || versions.oldest.is_written() && versions.oldest.get().is_none()
        || has_bad_oldest(group)
        || versions
            .removed
            .iter()
            .any(|removed| removed.name.get().is_none() || removed.since.get().is_none())
        || fields()
            .flat_map(|field| &field.renamed)
            .any(|it| it.from.get().is_none() || it.since.get().is_none())
        || fields().any(|field| {
            field.added.is_written() && field.added.get().is_none_or(|added| added.since.get().is_none())
        })
}

/// Returns whether a field that is not in the value has a step. That error is recorded already, and
/// the step may be meant for another field.
fn has_misplaced(entity: &Entity<'_>) -> bool {
    let mut fields = entity.ids.iter().chain(&entity.skipped).map(|field| &field.attr);
    fields.any(|field| field.added.is_written() || !field.renamed.is_empty())
}

/// The version that is written is made of today's value: each step above it can be reversed.
fn written_version_is_reached(cx: &Ctxt, group: &Group<'_>) {
    let Some(written) = group.attr.versions.write_version.get() else { return };
    let steps = group.steps();
    let one_way =
        |step: &&Step<'_>| step.to > written.number && step.to <= group.version() && !step.is_reversible();
    for step in steps.iter().filter(one_way) {
        let (what, remedy): (TokenStream, _) = match &step.kind {
            StepKind::Removed { name, .. } => {
                (name.to_token_stream(), "say what older code is given for it: `default = ...`")
            }
            StepKind::Function { up, .. } => {
                (up.to_token_stream(), "name the function back: `down = path::to::function`")
            }
            StepKind::Renamed { .. } | StepKind::Added { .. } => continue,
        };
        let message = format!(
            "`write_version` is {}, and the step from version {} to {} has no way back: {remedy}",
            written.number,
            step.to - 1,
            step.to,
        );
        cx.error(what, message);
    }
}
