//! What has to hold for the impls: predicates of their `where` clauses.
//!
//! That an id's type can be an id is a predicate even where the type is concrete: the compiler reports it once, under
//! the type, and takes it as given in the rest of the impl. Bounds for serde are needed for generic types alone.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Generics;

use super::spanned::{bound, location_of};
use crate::attr::FieldDefault;
use crate::model::{Entity, Field, Group, StepKind};

/// What `impl KvEntity` needs beside the struct's own `where` clause.
pub(super) fn for_entity(entity: &Entity<'_>) -> Vec<TokenStream> {
    let mut predicates: Vec<TokenStream> = entity.ids.iter().map(for_id).collect();
    if let Some(field) = entity.expires_at() {
        predicates.push(bound(&field.ty, |span| quote_spanned!(span=> __kv::ExpiresAt)));
    }
    predicates.extend(for_indexes(entity));
    if !entity.is_generic() {
        predicates.extend(for_threads(entity));
        return without_repeats(predicates);
    }
    predicates.push(quote!(Self: __kv::MaybeSend + __kv::MaybeSync + 'static));
    for group in &entity.groups {
        predicates.extend(for_versions(entity, group));
        predicates.extend(for_writing(entity, group));
        predicates.extend(for_reading(entity, group));
        if group.is_optional() {
            predicates.extend(
                group
                    .fields
                    .iter()
                    .filter(|field| field.attr.serde.default.is_none())
                    .filter_map(|field| default_of(entity, field)),
            );
        }
    }
    predicates.extend(entity.skipped.iter().filter_map(|field| default_of(entity, field)));
    without_repeats(predicates)
}

/// That the types of indexed fields can be indexed.
pub(super) fn for_indexes(entity: &Entity<'_>) -> Vec<TokenStream> {
    // Another id is a concrete type, whose own bound reports it.
    let ids = entity.indexed_ids().into_iter().filter(|id| entity.has_parameter_in(&id.ty));
    without_repeats(entity.indexed_fields().into_iter().chain(ids).map(for_indexed).collect())
}

/// That the field's type can be indexed.
pub(super) fn for_indexed(field: &Field<'_>) -> TokenStream {
    bound(&field.ty, |span| quote_spanned!(span=> __kv::IndexValue))
}

/// That the fields may go from thread to thread, as an entity may. Said of each field, the compiler reports it there and once.
fn for_threads(entity: &Entity<'_>) -> Vec<TokenStream> {
    let fields = entity.stored_fields().chain(&entity.skipped);
    let for_field =
        |field: &Field<'_>| bound(&field.ty, |span| quote_spanned!(span=> __kv::MaybeSend + __kv::MaybeSync));
    fields.map(for_field).collect()
}

/// What `impl Touch` needs: that the struct is an entity, said so that a type that can be no id is not reported twice.
pub(super) fn for_touch(entity: &Entity<'_>) -> Vec<TokenStream> {
    if !entity.is_generic() {
        return for_entity(entity);
    }
    vec![quote!(Self: __kv::KvEntity)]
}

/// That the field's type can be an id.
pub(super) fn for_id(field: &Field<'_>) -> TokenStream {
    bound(&field.ty, |span| quote_spanned!(span=> __kv::KvId))
}

/// What a group's fields need to be serialized.
pub(super) fn for_writing(entity: &Entity<'_>, group: &Group<'_>) -> Vec<TokenStream> {
    let fields = group
        .fields
        .iter()
        .filter(|field| !field.attr.serde.writes_itself && entity.has_parameter_in(&field.ty));
    fields.map(|Field { ty, .. }| quote!(#ty: __kv::serde::Serialize)).collect()
}

/// What a group's fields need to be deserialized.
pub(super) fn for_reading(entity: &Entity<'_>, group: &Group<'_>) -> Vec<TokenStream> {
    if !entity.is_generic() {
        return Vec::new();
    }
    let mut predicates = Vec::new();
    for field in &group.fields {
        let (ty, serde) = (&field.ty, &field.attr.serde);
        if !serde.reads_itself && entity.has_parameter_in(&field.ty) {
            predicates.push(quote!(#ty: __kv::serde::de::DeserializeOwned));
        }
        let is_from_container = serde.default.is_none() && entity.container.serde.default.is_some();
        let is_skipped = serde.is_skipped_reading && serde.default.is_none() && !is_from_container;
        if is_skipped || matches!(serde.default, Some(FieldDefault::Trait)) {
            predicates.extend(default_of(entity, field));
        }
    }
    predicates.extend(for_container_default(entity));
    predicates
}

/// The entity's own `Default`, if `#[serde(default)]` on the struct asks for it.
pub(super) fn for_container_default(entity: &Entity<'_>) -> Option<TokenStream> {
    let default = entity.container.serde.default.as_ref()?;
    if default.function.is_some() || !entity.is_generic() {
        return None;
    }
    let ident = entity.ident;
    let (_, args, _) = entity.generics.split_for_impl();
    Some(quote!(#ident #args: ::core::default::Default))
}

/// The struct's own `where` clause with further predicates.
pub(super) fn where_clause(generics: &Generics, predicates: &[TokenStream]) -> Option<TokenStream> {
    let own =
        generics.where_clause.iter().flat_map(|clause| &clause.predicates).map(ToTokens::to_token_stream);
    let all: Vec<TokenStream> = own.chain(predicates.iter().cloned()).collect();
    (!all.is_empty()).then(|| quote!(where #(#all),*))
}

/// What the ways between versions need of a generic entity: defaults of new fields, and its
/// predecessor's being one for the same arguments.
fn for_versions(entity: &Entity<'_>, group: &Group<'_>) -> Vec<TokenStream> {
    let mut predicates = Vec::new();
    for step in group.steps() {
        if let StepKind::Added { field, default: None, .. } = step.kind
            && field.attr.serde.default.is_none()
            && entity.container.serde.default.is_none()
        {
            predicates.extend(default_of(entity, field));
        }
    }
    let Some(previous) = group.attr.versions.previous.get().filter(|path| entity.has_parameter_in(path))
    else {
        return predicates;
    };
    let span = location_of(previous);
    let id = entity.id_type();
    if entity.groups.len() > 1 {
        let view = entity.type_of(group);
        predicates.push(quote_spanned!(span=> #view: __kv::KvEntity<Id = #id>));
        return predicates;
    }
    predicates.push(quote_spanned!(span=> #previous: __kv::KvEntity<Id = #id>));
    predicates.push(quote_spanned!(span=> Self: __kv::StepFrom<#previous>));
    if group.writes_older() {
        predicates.push(quote_spanned!(span=> Self: __kv::StepInto<#previous>));
    }
    predicates
}

/// The field's `Default`, if its type depends on parameters.
fn default_of(entity: &Entity<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let ty = &field.ty;
    entity.has_parameter_in(ty).then(|| quote!(#ty: ::core::default::Default))
}

fn without_repeats(predicates: Vec<TokenStream>) -> Vec<TokenStream> {
    let mut seen = Vec::new();
    let is_new = |predicate: &TokenStream| {
        let text = predicate.to_string();
        let is_new = !seen.contains(&text);
        seen.push(text);
        is_new
    };
    predicates.into_iter().filter(is_new).collect()
}
