//! The rules of indexes, each a function, in the order of this list.

use quote::ToTokens;

use crate::attr::{FieldDefault, index_name_is_good};
use crate::ctxt::Ctxt;
use crate::model::{ALWAYS, Entity, Field, Found, Group, Index, Part, mentions, unproven_defaults};
use crate::suggest::{did_you_mean, listed};

pub(super) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    let indexes = entity.indexes();
    for index in &indexes {
        index_has_a_name(cx, index);
        index_on_the_struct_is_whole(cx, index);
        fields_are_there(cx, entity, index);
        fields_are_stored(cx, index);
        ids_are_beside_other_fields(cx, index);
        the_whole_id_is_not_unique(cx, entity, index);
        secret_ids_are_not_shown(cx, index);
        fields_are_named_once(cx, index);
        fields_are_in_one_group(cx, entity, index);
        fields_are_at_most_six(cx, index);
    }
    names_are_given_once(cx, &indexes);
    names_are_not_taken(cx, &indexes);
    defaults_are_constant(cx, entity);
}

/// The name is in the keys of the index, and makes its constant.
fn index_has_a_name(cx: &Ctxt, index: &Index<'_>) {
    let (Some(name), attr) = (index.name(), index.attr) else { return };
    if attr.name.is_written() || !attr.has_keys_alone {
        return;
    }
    if let Err(complaint) = index_name_is_good(&name) {
        let key = &attr.at;
        cx.error(key, format_args!("{complaint}; give this one a name: `{key}(name = \"by_name\")`"));
    }
}

/// An index on the struct has a name, and names its fields.
fn index_on_the_struct_is_whole(cx: &Ctxt, index: &Index<'_>) {
    let attr = index.attr;
    if index.field.is_some() || !attr.has_keys_alone {
        return;
    }
    let missing = match (attr.name.is_written(), attr.on.is_written()) {
        (true, true) => return,
        (false, true) => "a name: `name = \"by_city\"`",
        (true, false) => "fields: `on(country, city)`",
        (false, false) => "a name and fields: `index(name = \"by_city\", on(country, city))`",
    };
    cx.error(&attr.at, format_args!("an index on the struct needs {missing}"));
}

/// What `on(...)` names is a field of the struct.
fn fields_are_there(cx: &Ctxt, entity: &Entity<'_>, index: &Index<'_>) {
    for part in index.parts.iter().filter(|part| part.found.is_none()) {
        let can_be_indexed = |field: &&Field<'_>| why_not_stored(field).is_none();
        let fields = entity.stored_fields().filter(can_be_indexed).chain(&entity.ids);
        let names: Vec<String> = fields.map(|field| field.ident.to_string()).collect();
        let names = || names.iter().map(String::as_str);
        let found = part.at.to_string();
        let known = match names().count() {
            0 => String::new(),
            1 => format!("; the field is {}", listed(names())),
            _ => format!("; the fields are {}", listed(names())),
        };
        let meant = did_you_mean(&found, names());
        cx.error(part.at, format_args!("the struct has no field `{found}`{meant}{known}"));
    }
}

const ID_ALONE: &str = "an id needs no index: `get` and lists find entities by it";

/// An index has what is stored, or ids: other fields are no value.
fn fields_are_stored(cx: &Ctxt, index: &Index<'_>) {
    for part in &index.parts {
        let complaint = match part.found {
            Some(Found::Id(_)) if index.field.is_some() => ID_ALONE,
            Some(Found::Skipped) => "a skipped field is not stored, so it cannot be indexed",
            Some(Found::Stored(_, field)) => match why_not_stored(field) {
                Some(complaint) => complaint,
                None => continue,
            },
            Some(Found::Stray(_) | Found::Id(_)) | None => continue,
        };
        // On a field the key is the mistake.
        let at = if index.field.is_some() { &index.attr.at } else { part.at };
        cx.error(at, complaint);
    }
}

/// An id may be a part, such as the tenant of an email. Entities are found by their ids without one.
fn ids_are_beside_other_fields(cx: &Ctxt, index: &Index<'_>) {
    if index.field.is_none()
        && index.parts.iter().all(Part::is_id)
        && let Some(first) = index.parts.first()
    {
        cx.error(first.at, format_args!("{ID_ALONE}; name a field that is no id, too"));
    }
}

/// No two entities have the same id, and so neither the same id and values.
fn the_whole_id_is_not_unique(cx: &Ctxt, entity: &Entity<'_>, index: &Index<'_>) {
    let ids = || index.parts.iter().filter(|part| part.is_id());
    if index.attr.is_unique
        && index.field.is_none()
        && ids().count() == entity.ids.len()
        && ids().count() < index.parts.len()
        && let Some(last) = ids().next_back()
    {
        let message = format!(
            "with `{}` the index has the whole id, which no two entities share, so it refuses nothing: leave it out, or `unique`",
            last.at
        );
        cx.error(last.at, message);
    }
}

/// The keys of an index that says `shown` are in errors and spans.
fn secret_ids_are_not_shown(cx: &Ctxt, index: &Index<'_>) {
    let Some(shown) = index.attr.shown.key() else { return };
    for part in &index.parts {
        if let Some(Found::Id(id)) = part.found
            && id.attr.secret.is_written()
        {
            cx.error(shown, format_args!("the id `{}` is secret, and this would show it", part.at));
        }
    }
}

/// Why the stored value has nothing to index for this field, if serde's attributes keep it out.
fn why_not_stored(field: &Field<'_>) -> Option<&'static str> {
    let serde = &field.attr.serde;
    if serde.is_skipped || serde.is_skipped_reading {
        Some("serde skips this field, so what is stored has no value of it to index")
    } else if serde.is_flattened {
        Some("a flattened field is several members, so it has no value to index")
    } else {
        None
    }
}

/// A part that is there twice tells nothing new.
fn fields_are_named_once(cx: &Ctxt, index: &Index<'_>) {
    for (at, part) in index.parts.iter().enumerate() {
        if index.parts[..at].iter().any(|earlier| earlier.at == part.at) {
            cx.error(part.at, format_args!("the index names `{}` twice", part.at));
        }
    }
}

/// Groups are written one by one, and an index is written with its group.
fn fields_are_in_one_group(cx: &Ctxt, entity: &Entity<'_>, index: &Index<'_>) {
    let stored = || {
        index.parts.iter().filter_map(|part| match part.found {
            Some(Found::Stored(group, _)) => Some((part.at, group)),
            _ => None,
        })
    };
    let Some((first, group)) = stored().next() else { return };
    for (at, other) in stored().filter(|(_, other)| *other != group) {
        let message = format!(
            "`{first}` is in {}, and `{at}` in {}: the fields of an index are in one group",
            name_of(&entity.groups[group]),
            name_of(&entity.groups[other]),
        );
        cx.error(at, message);
    }
}

fn name_of(group: &Group<'_>) -> String {
    group.name().map_or_else(|| "the first group".to_owned(), |name| format!("the group {name:?}"))
}

/// So many the runtime's tuples take.
fn fields_are_at_most_six(cx: &Ctxt, index: &Index<'_>) {
    const MOST: usize = 6;
    for part in index.parts.iter().skip(MOST) {
        cx.error(part.at, format_args!("an index has at most {MOST} fields"));
    }
}

/// Two indexes of one name would have the same keys.
fn names_are_given_once(cx: &Ctxt, indexes: &[Index<'_>]) {
    for (at, index) in indexes.iter().enumerate() {
        let Some(name) = index.name() else { continue };
        if !indexes[..at].iter().any(|earlier| earlier.name().as_ref() == Some(&name)) {
            continue;
        }
        let message = match (index.attr.name.is_written(), index.field) {
            (false, Some(_)) => format!(
                "the field has an index `{name}` already: remove one, or give this one a name, `{}(name = \"by_{name}\")`",
                index.attr.at
            ),
            _ => format!("the index {name:?} is declared twice"),
        };
        cx.error(index.named_at(), message);
    }
}

/// The constant of an index must not hide one that every entity has.
fn names_are_not_taken(cx: &Ctxt, indexes: &[Index<'_>]) {
    for index in indexes {
        let Some(constant) = index.constant().filter(|name| ALWAYS.iter().any(|other| name == other)) else {
            continue;
        };
        let name = index.name().unwrap_or_default();
        let message = format!(
            "every entity has a constant `{constant}`: give this index another name, `name = \"by_{name}\"`"
        );
        cx.error(index.named_at(), message);
    }
}

/// The entries of a record without the field are those of its default, for as long as the record
/// stays as it is.
fn defaults_are_constant(cx: &Ctxt, entity: &Entity<'_>) {
    let fields = entity.indexed_fields();
    let without = fields.iter().filter(|field| field.attr.serde.default.is_none());
    let without: Vec<String> = without.map(|field| field.ident.to_string()).collect();
    if let Some(default) = &entity.container.serde.default
        && !without.is_empty()
    {
        let message = format!(
            "this may make another default of an indexed field each time, and an index needs a constant one: mark {} \
             `#[serde(default)]`",
            listed(without.iter().map(String::as_str))
        );
        cx.error(&default.key, message);
    }
    for field in fields {
        default_is_constant(cx, entity, field);
    }
}

fn default_is_constant(cx: &Ctxt, entity: &Entity<'_>, field: &Field<'_>) {
    let is_text = mentions(field.ty.to_token_stream(), &["String", "str"]);
    if !is_text && !entity.has_parameter_in(&field.ty) {
        // The compiler evaluates them.
        return;
    }
    for default in unproven_defaults(field) {
        let instead = match &field.attr.serde.default {
            Some(FieldDefault::Function(_)) if is_text => {
                "mark the field `#[serde(default)]`, or write `added(since = 2, default = \"en\".to_owned())`"
            }
            _ if is_text => "write the text here, as in `default = \"en\".to_owned()`",
            _ => "mark the field `#[serde(default)]`",
        };
        let message = format!(
            "the default of an indexed field is a constant, and this may return another value each time: {instead}"
        );
        cx.error(default, message);
    }
}
