//! What is written has to be read back: serde's attributes that would keep it from that. What types
//! hold within shows when a value is written.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, Path, PathArguments, Type};

use crate::ctxt::Ctxt;
use crate::model::{Entity, Field, StepKind};

pub(super) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    for group in entity.groups.iter().filter(|group| !entity.codec(group).is_binary()) {
        names_are_read_as_one_field(cx, &group.fields);
        for field in &group.fields {
            names_are_read(cx, entity, field);
            left_out_has_a_default(cx, entity, field);
            flattened_can_be_read(cx, field);
        }
        for step in group.steps() {
            let default = match &step.kind {
                StepKind::Added { default, .. } | StepKind::Removed { default, .. } => *default,
                StepKind::Renamed { .. } | StepKind::Function { .. } => None,
            };
            default.into_iter().for_each(|default| default_is_json(cx, default.clone()));
        }
    }
    for field in entity.stored_fields() {
        aliases_stand_without_steps(cx, field);
    }
}

/// A member is read under the name that it is written under.
fn names_are_read(cx: &Ctxt, entity: &Entity<'_>, field: &Field<'_>) {
    let serde = &field.attr.serde;
    let is_read = field.read == field.stored || serde.aliases.iter().any(|(_, alias)| *alias == field.stored);
    if is_read || serde.is_flattened || serde.is_skipped || serde.is_skipped_reading {
        return;
    }
    let Some(key) = serde.rename_key.as_ref().or(entity.container.serde.rename_all_key.as_ref()) else {
        return;
    };
    let (written, read) = (&field.stored, &field.read);
    cx.error(
        key,
        format_args!(
            "the field `{}` is written as {written:?} and read as {read:?}, so no value could be read back: give it one name, and \
             the other as an `alias`",
            field.ident
        ),
    );
}

/// A member is read as one field: serde gives it to the first that names it.
fn names_are_read_as_one_field(cx: &Ctxt, fields: &[Field<'_>]) {
    let is_read = |field: &&Field<'_>| {
        let serde = &field.attr.serde;
        !serde.is_flattened && !serde.is_skipped_reading
    };
    let fields: Vec<_> = fields.iter().filter(is_read).collect();
    let complain = |key: &Path, name: &str, other: &Field<'_>| {
        let message = format!(
            "the field `{}` reads {name:?} as well, so no value could be read back: let one field read it",
            other.ident
        );
        cx.error(key, message);
    };
    for (at, field) in fields.iter().enumerate() {
        let (serde, earlier) = (&field.attr.serde, &fields[..at]);
        let others = || earlier.iter().chain(&fields[at + 1..]);
        // Two that are written alike have an error already, and of two with a key the later has it.
        let is_twin = |other: &&&Field<'_>| other.read == field.read && other.stored != field.stored;
        let has_it = |other: &&&Field<'_>| other.attr.serde.rename_key.is_none();
        let twin = earlier.iter().find(is_twin).or_else(|| others().filter(has_it).find(is_twin));
        if let (Some(key), Some(twin)) = (&serde.rename_key, twin) {
            complain(key, &field.read, twin);
        }
        for (key, alias) in &serde.aliases {
            let is_named = |other: &&&Field<'_>| other.read == *alias;
            let is_aliased = |other: &&&Field<'_>| other.attr.serde.aliases.iter().any(|(_, it)| it == alias);
            if let Some(other) = others().find(is_named).or_else(|| earlier.iter().find(is_aliased)) {
                complain(key, alias, other);
            }
        }
    }
}

/// A value that may be without a member is read with a default, which `None` alone is by itself.
fn left_out_has_a_default(cx: &Ctxt, entity: &Entity<'_>, field: &Field<'_>) {
    let serde = &field.attr.serde;
    let has_default = serde.default.is_some() || entity.container.serde.default.is_some();
    if has_default || serde.is_skipped_reading || (is_option(&field.ty) && !serde.reads_itself) {
        return;
    }
    for key in &serde.left_out {
        cx.error(
            key,
            format_args!("a value without `{}` could not be read back: add `default`", field.stored),
        );
    }
}

/// serde holds a flattened field's members in between, where keys are texts and some numbers have
/// no place.
fn flattened_can_be_read(cx: &Ctxt, field: &Field<'_>) {
    if !field.attr.serde.is_flattened || field.attr.serde.reads_itself {
        return;
    }
    if let Some(key) = key_of_map(&field.ty).filter(|key| is_no_text(key)) {
        cx.error(
            key,
            "the keys of a flattened map are read as texts alone: make them `String`s, or do not flatten it",
        );
    }
    for name in ["u128", "i128", "RawValue"] {
        if let Some(word) = word(field.ty.to_token_stream(), name) {
            cx.error(
                word,
                format_args!("serde does not read a `{name}` within a flattened field: do not flatten it"),
            );
        }
    }
}

/// A step adds a member, or gives it its new name, beside one under an alias; two members of one
/// field are not read.
fn aliases_stand_without_steps(cx: &Ctxt, field: &Field<'_>) {
    let step = field.attr.added.key().or(field.attr.renamed.first().map(|renamed| &renamed.at));
    let Some(step) = step else { return };
    for (key, _) in &field.attr.serde.aliases {
        cx.error(
            key,
            format_args!(
                "beside `{step}` a record may come to have the member under both names, which cannot be read: write `renamed(from = \
                 ...)` in the place of the alias"
            ),
        );
    }
}

/// JSON has no word for what these constants are.
fn default_is_json(cx: &Ctxt, default: TokenStream) {
    let mut float = false;
    for token in default {
        match token {
            TokenTree::Ident(word) if word == "f64" || word == "f32" => float = true,
            TokenTree::Ident(word)
                if float && ["INFINITY", "NEG_INFINITY", "NAN"].iter().any(|it| word == it) =>
            {
                cx.error(&word, format_args!("JSON has no word for `{word}`"));
                float = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            TokenTree::Group(group) => {
                default_is_json(cx, group.stream());
                float = false;
            }
            _ => float = false,
        }
    }
}

fn is_option(ty: &Type) -> bool {
    path_of(ty).is_some_and(|path| path.segments.last().is_some_and(|last| last.ident == "Option"))
}

/// The type of a map's keys, if it is one of std's or is called as they are, by itself or within
/// another type.
fn key_of_map(ty: &Type) -> Option<&Type> {
    let last = path_of(ty)?.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    if last.ident.to_string().ends_with("Map") { types.next() } else { types.find_map(key_of_map) }
}

/// Whether it is a type that JSON has no text for, and that is written as one in a key.
fn is_no_text(ty: &Type) -> bool {
    const NO_TEXTS: [&str; 15] = [
        "bool", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
        "usize",
    ];
    path_of(ty).is_some_and(|path| NO_TEXTS.iter().any(|name| path.is_ident(name)))
}

/// The path of a type, also of one that a macro was given.
fn path_of(ty: &Type) -> Option<&Path> {
    match ty {
        Type::Path(ty) => Some(&ty.path),
        Type::Group(group) => path_of(&group.elem),
        Type::Paren(paren) => path_of(&paren.elem),
        _ => None,
    }
}

/// The first token of this name.
fn word(tokens: TokenStream, name: &str) -> Option<proc_macro2::Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) if word == name => Some(word),
        TokenTree::Group(group) => word(group.stream(), name),
        _ => None,
    })
}
