//! What has to hold for the impls: predicates of their `where` clauses.
//!
//! That an id's type can be an id is a predicate even where the type is concrete: the compiler reports it once, under
//! the type, and takes it as given in the rest of the impl. Bounds for serde are needed for generic types alone.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Generics;

use super::{bound, versions};
use crate::attr::FieldDefault;
use crate::model::{Entity, Field, Group};

/// What `impl KvEntity` needs beside the struct's own `where` clause.
pub(super) fn for_entity(entity: &Entity<'_>) -> Vec<TokenStream> {
    let mut predicates: Vec<TokenStream> = entity.ids.iter().map(|field| for_id(entity, field)).collect();
    if let Some(field) = entity.expires_at() {
        predicates.push(bound(&field.ty, |span| {
            let kv = entity.kv(span);
            quote_spanned!(span=> #kv::__private::ExpiresAt)
        }));
    }
    if entity.generics.params.is_empty() {
        predicates.extend(for_threads(entity));
        return without_repeats(predicates);
    }
    let kv = entity.kv(Span::call_site());
    predicates.push(quote!(Self: #kv::__private::MaybeSend + #kv::__private::MaybeSync + 'static));
    for group in &entity.groups {
        predicates.extend(versions::predicates(entity, group));
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

/// That the fields may go from thread to thread, as an entity may. Said of each field, the compiler reports it there and once.
fn for_threads(entity: &Entity<'_>) -> Vec<TokenStream> {
    let fields = entity.stored_fields().chain(&entity.skipped);
    let predicates = fields.map(|field| {
        bound(&field.ty, |span| {
            let kv = entity.kv(span);
            quote_spanned!(span=> #kv::__private::MaybeSend + #kv::__private::MaybeSync)
        })
    });
    predicates.collect()
}

/// What `impl Touch` needs: that the struct is an entity, said so that a type that can be no id is not reported twice.
pub(super) fn for_touch(entity: &Entity<'_>) -> Vec<TokenStream> {
    if entity.generics.params.is_empty() {
        return for_entity(entity);
    }
    let kv = entity.kv(Span::call_site());
    vec![quote!(Self: #kv::__private::KvEntity)]
}

/// That the field's type can be an id.
pub(super) fn for_id(entity: &Entity<'_>, field: &Field<'_>) -> TokenStream {
    bound(&field.ty, |span| {
        let kv = entity.kv(span);
        quote_spanned!(span=> #kv::__private::KvId)
    })
}

/// What a group's fields need to be serialized.
pub(super) fn for_writing(entity: &Entity<'_>, group: &Group<'_>) -> Vec<TokenStream> {
    let kv = entity.kv(Span::call_site());
    let fields =
        group.fields.iter().filter(|field| !field.attr.serde.writes_itself && is_generic(entity, field));
    fields.map(|Field { ty, .. }| quote!(#ty: #kv::__private::serde::Serialize)).collect()
}

/// What a group's fields need to be deserialized.
pub(super) fn for_reading(entity: &Entity<'_>, group: &Group<'_>) -> Vec<TokenStream> {
    if entity.generics.params.is_empty() {
        return Vec::new();
    }
    let kv = entity.kv(Span::call_site());
    let mut predicates = Vec::new();
    for field in &group.fields {
        let (ty, serde) = (&field.ty, &field.attr.serde);
        if !serde.reads_itself && is_generic(entity, field) {
            predicates.push(quote!(#ty: #kv::__private::serde::de::DeserializeOwned));
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
    if default.function.is_some() || entity.generics.params.is_empty() {
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

/// Whether one of these names occurs.
pub(super) fn mentions(tokens: TokenStream, names: &[String]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => names.iter().any(|name| word == name),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// The names of type and constant parameters.
pub(super) fn names(generics: &Generics) -> Vec<String> {
    let types = generics.type_params().map(|param| param.ident.to_string());
    types.chain(generics.const_params().map(|param| param.ident.to_string())).collect()
}

fn is_generic(entity: &Entity<'_>, field: &Field<'_>) -> bool {
    mentions(field.ty.to_token_stream(), &names(&entity.generics))
}

pub(super) fn default_of(entity: &Entity<'_>, field: &Field<'_>) -> Option<TokenStream> {
    let ty = &field.ty;
    is_generic(entity, field).then(|| quote!(#ty: ::core::default::Default))
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
