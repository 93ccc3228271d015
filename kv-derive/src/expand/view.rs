//! Views: for each of several groups a struct with the ids and that group's fields, which is an
//! entity by itself under the same keys.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Ident};

use super::alias::runtime;
use super::{adopt, index, versions};
use crate::model::{Entity, Field, Group};

pub(super) fn views(entity: &Entity<'_>) -> TokenStream {
    let runtime = runtime(&entity.container.krate);
    let groups = entity.viewed_groups().iter();
    groups
        .enumerate()
        .map(|(at, group)| {
            let derive = quote!(#[derive(#runtime::KvEntity)]);
            let attrs = kv_attrs(entity, at, group);
            let default = default(entity, group);
            let serde = serde_attrs(entity, group);
            let fields = entity.ids.iter().map(id_field).chain(group.fields.iter().map(group_field));
            let view = declaration(entity, group, &quote!(#derive #attrs #serde), fields);
            quote!(#view #default)
        })
        .collect()
}

/// A view as a struct alone.
pub(super) struct Bare {
    pub(super) declaration: TokenStream,
    pub(super) name: Ident,
    pub(super) generics: Generics,
    /// The place of its group.
    pub(super) group: usize,
}

/// The views as structs alone, for an entity with mistakes.
pub(super) fn bare(entity: &Entity<'_>) -> Vec<Bare> {
    let mut taken = vec![entity.ident.clone()];
    let mut views = Vec::new();
    for (at, group) in entity.viewed_groups().iter().enumerate() {
        let name = entity.view_name(group);
        if !taken.contains(&name) {
            let all = entity.ids.iter().chain(&group.fields);
            let fields = all.map(|Field { ident, vis, ty, .. }| quote!(#vis #ident: #ty,));
            views.push(Bare {
                declaration: declaration(entity, group, &TokenStream::new(), fields),
                name: name.clone(),
                generics: entity.view_generics(group),
                group: at,
            });
            taken.push(name);
        }
    }
    views
}

/// The struct itself. Attributes of the macro and of serde come with `attrs` and `fields`.
fn declaration(
    entity: &Entity<'_>,
    group: &Group<'_>,
    attrs: &TokenStream,
    fields: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let vis = entity.vis;
    let lints = &entity.container.lints;
    let name = entity.view_name(group);
    let doc = match group.name() {
        Some(group) => {
            format!(" The group `{group}` of [`{}`]: an entity by itself, under the same key.", entity.name())
        }
        None => {
            format!(" The first group of [`{}`]: an entity by itself, under the same key.", entity.name())
        }
    };
    let derives = group.attr.derives.get().map(|paths| quote!(#[derive(#(#paths),*)]));
    let generics = entity.view_generics(group);
    let where_clause = &generics.where_clause;
    // At the group, so that an item of the same name is reported there.
    let at = Span::call_site().located_at(group.span());
    let item = quote_spanned!(at=> struct #name #generics #where_clause { #(#fields)* });
    quote! {
        #[doc = #doc]
        #(#lints)*
        #derives
        #attrs
        #vis #item
    }
}

fn id_field(field: &Field<'_>) -> TokenStream {
    let Field { ident, vis, ty, attr, .. } = field;
    let (docs, lints) = (&attr.docs, &attr.lints);
    let ordered = attr.ordered.is_written().then(|| quote!(, ordered));
    let secret = attr.secret.is_written().then(|| quote!(, secret));
    let raw = attr.raw.is_written().then(|| quote!(, raw));
    let shard = attr.shard.is_written().then(|| quote!(, shard));
    quote!(#(#docs)* #(#lints)* #[kv(id #ordered #secret #raw #shard)] #vis #ident: #ty,)
}

fn group_field(field: &Field<'_>) -> TokenStream {
    let Field { ident, vis, ty, attr, .. } = field;
    let (docs, lints, serde) = (&attr.docs, &attr.lints, &attr.serde.attrs);
    let expires_at = attr.expires_at.is_written().then(|| quote!(#[kv(expires_at)]));
    let (versions, indexes) = (versions::field_attrs(field), index::field_attrs(field));
    quote!(#(#docs)* #(#lints)* #expires_at #versions #indexes #(#serde)* #vis #ident: #ty,)
}

/// Returns the `#[kv]` keys of a view: those of the group, and those that it inherits from the
/// entity.
fn kv_attrs(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let (prefix, version, view_of) =
        (entity.prefix(), Literal::u32_unsuffixed(group.version()), entity.name());
    let prefix =
        if entity.has_shared_prefix() { quote!(shared_prefix = #prefix) } else { quote!(prefix = #prefix) };
    let (versions, indexes) = (versions::group_attrs(group), index::group_attrs(entity, at));
    let name = group.attr.name.get().map(|name| quote!(, group = #name));
    let ttl = entity.ttl(group).map(|ttl| {
        let text = &ttl.text;
        quote!(, ttl = #text)
    });
    let codec = entity.codec(group).name();
    let adopt = adopt::group_attrs(entity, group);
    let krate = entity.container.krate.get().map(|path| {
        let path = path.to_token_stream().to_string();
        quote!(, crate = #path)
    });
    quote!(#[kv(#prefix #name, version = #version, codec = #codec #ttl #adopt #krate #versions #indexes, __view_of = #view_of)])
}

fn serde_attrs(entity: &Entity<'_>, group: &Group<'_>) -> Option<TokenStream> {
    let mut keys = entity.container.serde.kept.clone();
    if entity.container.serde.default.is_some() {
        let function = format!("{}::__default", entity.view_name(group));
        keys.push(quote!(default = #function));
    }
    (!keys.is_empty()).then(|| quote!(#[serde(#(#keys),*)]))
}

/// `#[serde(default)]` on the entity: a view's missing fields are those of a whole entity. Such an
/// entity has no type parameters.
fn default(entity: &Entity<'_>, group: &Group<'_>) -> Option<TokenStream> {
    let default = entity.container.serde.default.as_ref()?;
    let (name, ident) = (entity.view_name(group), entity.ident);
    let make = match &default.function {
        Some(function) => quote!(#function()),
        None => quote!(<#ident as ::core::default::Default>::default()),
    };
    let fields = entity.ids.iter().chain(&group.fields).map(|field| field.ident);
    Some(quote! {
        impl #name {
            #[doc(hidden)]
            fn __default() -> Self {
                let __entity: #ident = #make;
                Self { #(#fields: __entity.#fields,)* }
            }
        }
    })
}
