//! What the hidden structs of a group are called, and the marker that each of a generic entity has.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use crate::model::Entity;

/// The struct that writes a group.
pub(super) fn writer(group: usize) -> Ident {
    format_ident!("__Write{group}")
}

/// The struct that a group is read as.
pub(super) fn reader(group: usize) -> Ident {
    format_ident!("__Read{group}")
}

/// A group rarely uses all type parameters, and a struct has to.
pub(super) fn marker_field(entity: &Entity<'_>) -> Option<TokenStream> {
    let params: Vec<&Ident> = entity.generics.type_params().map(|param| &param.ident).collect();
    (!params.is_empty()).then(|| {
        quote! {
            #[serde(skip)]
            __marker: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
    })
}

/// The value of that field.
pub(super) fn marker(entity: &Entity<'_>) -> Option<TokenStream> {
    entity.generics.type_params().next().map(|_| quote!(__marker: ::core::marker::PhantomData,))
}
