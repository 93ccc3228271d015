//! A group's value: two hidden structs with its fields and their serde attributes, for which serde's own derives do the
//! work. One writes from a borrowed entity (serde's remote derive, so nothing is cloned), one is what is read.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::bounds;
use super::hidden::{marker, marker_field, reader, writer};
use super::spanned::default_value;
use crate::attr::FieldDefault;
use crate::model::{Entity, Field, Group};

/// Both structs of every group.
pub(super) fn payloads(entity: &Entity<'_>) -> TokenStream {
    let groups = entity.groups.iter().enumerate();
    groups
        .map(|(at, group)| [write(entity, at, group), read(entity, at, group)])
        .map(TokenStream::from_iter)
        .collect()
}

fn write(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let (name, remote) = (writer(at), entity.ident.to_string());
    let attrs = container_attrs(entity, "serialize", &bounds::for_writing(entity, group));
    let (params, _, where_clause) = entity.generics.split_for_impl();
    let fields = fields(entity, group);
    quote! {
        #[derive(__kv::serde::Serialize)]
        #[serde(remote = #remote, #attrs)]
        struct #name #params #where_clause { #fields }
    }
}

fn read(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let name = reader(at);
    let attrs = container_attrs(entity, "deserialize", &bounds::for_reading(entity, group));
    let expecting = (!entity.container.serde.has_expecting).then(|| {
        let expecting = format!("struct {}", entity.name());
        quote!(, expecting = #expecting)
    });
    let default = entity.container.serde.default.is_some().then(|| quote!(, default));
    let (params, _, where_clause) = entity.generics.split_for_impl();
    let fields = fields(entity, group);
    let default_impl = container_default(entity, &name, group);
    quote! {
        #[derive(__kv::serde::Deserialize)]
        #[serde(#attrs #expecting #default)]
        struct #name #params #where_clause { #fields }
        #default_impl
    }
}

/// What both structs have in `#[serde(...)]`.
fn container_attrs(entity: &Entity<'_>, direction: &str, predicates: &[TokenStream]) -> TokenStream {
    let name = (!entity.container.serde.has_name).then(|| {
        let name = entity.name();
        quote!(rename = #name,)
    });
    let kept = &entity.container.serde.kept;
    let bound = entity.is_generic().then(|| {
        let direction = Ident::new(direction, Span::call_site());
        let predicates = quote!(#(#predicates),*).to_string();
        quote!(, bound(#direction = #predicates))
    });
    quote!(#name #(#kept,)* crate = "__kv::serde" #bound)
}

fn fields(entity: &Entity<'_>, group: &Group<'_>) -> TokenStream {
    let fields = group.fields.iter().map(|Field { ident, ty, attr, .. }| {
        let (lints, serde) = (&attr.lints, &attr.serde.attrs);
        quote!(#(#lints)* #(#serde)* #ident: #ty,)
    });
    let marker = marker_field(entity);
    quote!(#(#fields)* #marker)
}

/// `#[serde(default)]` on the struct: missing fields are taken from a whole entity.
fn container_default(entity: &Entity<'_>, name: &Ident, group: &Group<'_>) -> Option<TokenStream> {
    let default = entity.container.serde.default.as_ref()?;
    let (params, args, _) = entity.generics.split_for_impl();
    let predicates: Vec<TokenStream> = bounds::for_container_default(entity).into_iter().collect();
    let where_clause = bounds::where_clause(&entity.generics, &predicates);
    let ident = entity.ident;
    let make = match &default.function {
        Some(function) => quote!(#function()),
        None => quote_spanned!(default.key.span()=> ::core::default::Default::default()),
    };
    let fields = group.fields.iter().map(|field| field.ident);
    let marker = marker(entity);
    Some(quote! {
        #[automatically_derived]
        impl #params ::core::default::Default for #name #args #where_clause {
            fn default() -> Self {
                let __entity: #ident #args = #make;
                Self { #(#fields: __entity.#fields,)* #marker }
            }
        }
    })
}

/// What an optional group is read as where it is missing.
pub(super) fn missing(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let name = reader(at);
    let from_container = entity.container.serde.default.is_some();
    let mut takes_container = false;
    let mut fields = TokenStream::new();
    for Field { ident, ty, attr, .. } in &group.fields {
        let value = match &attr.serde.default {
            Some(FieldDefault::Function(function)) => quote!(#function()),
            None if from_container => {
                takes_container = true;
                quote!(__default.#ident)
            }
            _ => default_value(ty, "AbsentDefault"),
        };
        fields.extend(quote!(#ident: #value,));
    }
    let (_, args, _) = entity.generics.split_for_impl();
    let container = takes_container
        .then(|| quote!(let __default = <#name #args as ::core::default::Default>::default();));
    let marker = marker(entity);
    quote!(|| { #container #name { #fields #marker } })
}
