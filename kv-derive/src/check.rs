//! The rules that concern more than one attribute, each a function, in the order of this list.

mod adopt;
mod ids;
mod indexes;
mod owned;
mod round_trip;
mod versions;

use crate::ctxt::Ctxt;
use crate::model::{Entity, Field, Group};

pub(crate) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    prefix_is_there(cx, entity);
    ids::check(cx, entity);
    skipped_stand_alone(cx, entity);
    data_is_owned(cx, entity);
    groups_have_names(cx, entity);
    groups_are_declared_once(cx, entity);
    groups_have_fields(cx, entity);
    group_words_have_a_group(cx, entity);
    anchor_is_required(cx, entity);
    views_have_several_groups(cx, entity);
    views_have_names_of_their_own(cx, entity);
    views_can_take_defaults(cx, entity);
    expiry_is_one_field(cx, entity);
    expiry_is_in_the_anchor(cx, entity);
    expiry_or_ttl(cx, entity);
    required_groups_outlive_the_anchor(cx, entity);
    serde_can_be_followed(cx, entity);
    members_have_names_of_their_own(cx, entity);
    binary_codecs_can_follow_serde(cx, entity);
    round_trip::check(cx, entity);
    versions::check(cx, entity);
    adopt::check(cx, entity);
    indexes::check(cx, entity);
}

/// Every key begins with the prefix.
fn prefix_is_there(cx: &Ctxt, entity: &Entity<'_>) {
    let container = &entity.container;
    if let (Some(_), Some(key)) = (container.prefix.key(), container.shared_prefix.key()) {
        cx.error(
            key,
            "an entity has one prefix, its own or a shared one: remove `prefix` or `shared_prefix`",
        );
    }
    let has_prefix = container.prefix.is_written() || container.shared_prefix.is_written();
    if !has_prefix && container.has_keys_alone {
        cx.error(entity.ident, "an entity needs a prefix for its keys: `#[kv(prefix = \"user\")]`");
    }
}

/// A field that is not stored is in no group and tells no expiry.
fn skipped_stand_alone(cx: &Ctxt, entity: &Entity<'_>) {
    for attr in entity.skipped.iter().map(|field| &field.attr) {
        if let Some(key) = attr.group.key() {
            cx.error(key, "a skipped field is not stored, so it belongs to no group");
        }
        if let Some(key) = attr.expires_at.key() {
            cx.error(key, "a skipped field is not stored, so it cannot be the expiry");
        }
    }
}

/// What is read outlives the bytes that it was read from.
fn data_is_owned(cx: &Ctxt, entity: &Entity<'_>) {
    const OWNED: &str = "an entity owns its data: use `String` or `Cow<'static, str>` instead of a borrow";
    for param in entity.generics.lifetimes() {
        cx.error(param, OWNED);
    }
    for field in entity.stored_fields() {
        // A borrow of a lifetime parameter is reported at the parameter.
        if let Some(borrow) = owned::borrow_in(&field.ty)
            && entity.generics.lifetimes().next().is_none()
            && !field.attr.serde.reads_itself
        {
            cx.error(borrow, OWNED);
        }
    }
}

/// A group is named by its fields; only that of the struct itself can be without a name.
fn groups_have_names(cx: &Ctxt, entity: &Entity<'_>) {
    for group in entity.groups.iter().filter(|group| !group.is_on_struct) {
        if !group.attr.name.is_written() && group.attr.has_keys_alone {
            cx.error(&group.attr.at, "a group needs a name: `group(name = \"settings\")`");
        }
    }
}

/// Two groups of one name would be one key.
fn groups_are_declared_once(cx: &Ctxt, entity: &Entity<'_>) {
    let names: Vec<_> = entity.groups.iter().filter_map(|group| group.attr.name.get()).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|earlier| earlier.value() == name.value()) {
            cx.error(name, format_args!("the group {:?} is declared twice", name.value()));
        }
    }
}

/// A group without fields would be a key without a value. The only group of an entity may be: its
/// ids say everything.
fn groups_have_fields(cx: &Ctxt, entity: &Entity<'_>) {
    for group in &entity.groups {
        let Some(name) = group.attr.name.get().filter(|_| group.fields.is_empty()) else { continue };
        let is_twin =
            entity.groups.iter().any(|other| other.name() == group.name() && !other.fields.is_empty());
        // A field with an unknown group may be the one that is missing here. It has an error
        // already.
        if entity.groups.len() > 1 && !is_twin && !entity.has_stray {
            cx.error(
                name,
                format_args!("the group {0:?} has no fields: mark some `#[kv(group = {0:?})]`", name.value()),
            );
        }
    }
}

/// `version`, `step`, `view` and the like on the struct are those of the group that the struct
/// itself declares.
fn group_words_have_a_group(cx: &Ctxt, entity: &Entity<'_>) {
    // Where the struct declares one, that has taken them.
    let Some(left) = &entity.container.first else { return };
    let views = [left.view.key(), left.derives.key()].into_iter().flatten();
    for key in left.versions.keys().chain(left.adopt.keys()).chain(views) {
        cx.error(key, format_args!("every field is in a `group(...)`, so `{key}` belongs there"));
    }
}

/// The anchor says whether the entity is there.
fn anchor_is_required(cx: &Ctxt, entity: &Entity<'_>) {
    if let Some(key) = entity.groups.first().and_then(|anchor| anchor.attr.optional.key()) {
        cx.error(
            key,
            "the first group is the anchor: without it there is no entity, so it cannot be optional",
        );
    }
}

/// A view shows one group of several.
fn views_have_several_groups(cx: &Ctxt, entity: &Entity<'_>) {
    if let [only] = entity.groups.as_slice() {
        // Keys that could not be parsed have an error already.
        let view = only.attr.view.key().filter(|_| only.attr.view.get().is_some());
        let derives = only.attr.derives.key().filter(|_| only.attr.derives.get().is_some());
        for key in [view, derives].into_iter().flatten() {
            cx.error(key, format_args!("with a single group the entity itself is the view: remove `{key}`"));
        }
    }
}

/// A view is a struct beside the entity and the other views.
fn views_have_names_of_their_own(cx: &Ctxt, entity: &Entity<'_>) {
    let groups = entity.viewed_groups();
    let names: Vec<_> = groups.iter().map(|group| entity.view_name(group)).collect();
    for (at, (group, name)) in groups.iter().zip(&names).enumerate() {
        // A group that is declared twice has an error already.
        let is_twin = entity.groups.iter().filter(|other| other.name() == group.name()).count() > 1;
        let earlier = names[..at].iter().position(|other| other == name).map(|other| groups[other].name());
        let other = match earlier {
            _ if is_twin && group.attr.view.get().is_none() => continue,
            _ if name == entity.ident => "the entity".to_owned(),
            Some(Some(other)) => format!("the view of the group {other:?}"),
            Some(None) => "another view".to_owned(),
            None => continue,
        };
        let free = free_view_name(entity, group);
        let message = format!("`{name}` is {other} already; name this view otherwise: `view = {free:?}`");
        match (group.attr.view.get(), group.attr.name.get()) {
            (Some(view), _) => cx.error(view, message),
            (None, Some(name)) => cx.error(name, message),
            (None, None) => cx.error(&group.attr.at, message),
        }
    }
}

/// A name that the group's view could have: the one that is made of the group's, with a number if
/// that is taken.
fn free_view_name(entity: &Entity<'_>, group: &Group<'_>) -> String {
    let groups = entity.viewed_groups().iter();
    let taken: Vec<_> = groups.map(|group| entity.view_name(group)).chain([entity.ident.clone()]).collect();
    let made = entity.made_view_name(group);
    let (mut free, mut number) = (made.clone(), 2);
    while taken.iter().any(|name| *name == free) {
        free = format!("{made}{number}");
        number += 1;
    }
    free
}

/// A view takes the defaults of its fields from a whole entity, whose type parameters it then has
/// to have.
fn views_can_take_defaults(cx: &Ctxt, entity: &Entity<'_>) {
    let has_params = !entity.generics.params.is_empty();
    if let Some(default) =
        entity.container.serde.default.as_ref().filter(|_| has_params && entity.groups.len() > 1)
    {
        let message = "a generic entity of several groups cannot give their defaults as a whole; mark the fields \
                       `#[serde(default)]`";
        cx.error(&default.key, message);
    }
}

/// A record expires once.
fn expiry_is_one_field(cx: &Ctxt, entity: &Entity<'_>) {
    let keys = || entity.stored_fields().filter_map(|field| field.attr.expires_at.key());
    if keys().count() > 1 {
        for key in keys() {
            cx.error(key, "an entity has one expiry, and several fields tell it");
        }
    }
}

/// The anchor's expiry is the entity's.
fn expiry_is_in_the_anchor(cx: &Ctxt, entity: &Entity<'_>) {
    for field in entity.groups.iter().skip(1).flat_map(|group| &group.fields) {
        if let Some(key) = field.attr.expires_at.key() {
            cx.error(key, "the expiry of an entity is that of its first group, and this field is in another");
        }
    }
}

/// A field and a duration would contradict each other.
fn expiry_or_ttl(cx: &Ctxt, entity: &Entity<'_>) {
    let Some(expiry) = entity.expires_at().and_then(|field| field.attr.expires_at.key()) else { return };
    let on_anchor = entity.groups.first().and_then(|anchor| anchor.attr.ttl.key());
    let keys: Vec<_> = [entity.container.ttl.key(), on_anchor].into_iter().flatten().collect();
    if keys.is_empty() {
        return;
    }
    cx.error(expiry, "this field tells when the record expires, and a `ttl` does, too: keep one");
    for key in keys {
        cx.error(
            key,
            "this `ttl` tells when the record expires, and a field with `expires_at` does, too: keep one",
        );
    }
}

/// An anchor that is there without a required group is an entity that cannot be read.
fn required_groups_outlive_the_anchor(cx: &Ctxt, entity: &Entity<'_>) {
    let Some((anchor, others)) = entity.groups.split_first() else { return };
    let lives = match (entity.expires_at(), entity.ttl(anchor)) {
        (Some(_), _) => "until the moment in its `expires_at` field".to_owned(),
        (None, Some(ttl)) => format!("for {:?}", ttl.text.value()),
        (None, None) => "until it is deleted".to_owned(),
    };
    let anchor_secs = entity.ttl(anchor).filter(|_| entity.expires_at().is_none()).map(|ttl| ttl.secs);
    for group in others.iter().filter(|group| !group.is_optional()) {
        let Some(ttl) = group.attr.ttl.get() else { continue };
        if anchor_secs.is_none_or(|anchor| ttl.secs < anchor) {
            cx.error(
                &ttl.text,
                format_args!(
                    "the first group lives {lives}, and without this one beside it the entity cannot be read; mark this one \
                     `optional`, or let it live as long"
                ),
            );
        }
    }
}

/// serde's attributes that the payloads cannot have.
fn serde_can_be_followed(cx: &Ctxt, entity: &Entity<'_>) {
    for serde in entity.stored_fields().map(|field| &field.attr.serde) {
        if let Some(key) = &serde.borrow {
            cx.error(key, "an entity owns its data, so it cannot borrow from the bytes that it is read from");
        }
        if let Some(key) = &serde.bound {
            cx.error(
                key,
                "the derive writes the bounds itself; further ones belong in the struct's `where` clause",
            );
        }
    }
}

/// Of two members of one name, neither could be read. A binary codec has no names.
fn members_have_names_of_their_own(cx: &Ctxt, entity: &Entity<'_>) {
    for group in entity.groups.iter().filter(|group| !entity.codec(group).is_binary()) {
        let is_member = |field: &&Field<'_>| !field.attr.serde.is_skipped && !field.attr.serde.is_flattened;
        let members: Vec<_> = group.fields.iter().filter(is_member).collect();
        for (at, field) in members.iter().enumerate() {
            if let Some(other) = members[..at].iter().find(|other| other.stored == field.stored) {
                let message = format!(
                    "the field `{}` is stored as {:?} as well: rename one of them",
                    other.ident, field.stored
                );
                cx.error(field.ident, message);
            }
        }
    }
}

/// A value without names cannot be read back if a field is sometimes missing, or is several fields.
fn binary_codecs_can_follow_serde(cx: &Ctxt, entity: &Entity<'_>) {
    for group in entity.groups.iter().filter(|group| entity.codec(group).is_binary()) {
        let codec = entity.codec(group).name();
        for key in group.fields.iter().flat_map(|field| &field.attr.serde.needs_names) {
            cx.error(
                key,
                format_args!("the codec {codec:?} tells fields by their order, so a value needs all of them"),
            );
        }
    }
}
