//! What the schema lock sees of an entity: for each group the struct that it is read as, and what is written about its fields.
//!
//! The function is generic, so a program that never asks for its schema contains nothing of it.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use super::hidden::reader;
use super::spanned::location_of;
use crate::model::{Entity, Field, Group};
use crate::tokens::text;

/// `fn visit_shape` of the impl.
pub(super) fn visit_shape(entity: &Entity<'_>) -> TokenStream {
    let groups = entity.groups.iter().enumerate().map(|(at, group)| visit_group(entity, at, group));
    quote! {
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            #(#groups)*
        }
    }
}

fn visit_group(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let (literal, reader) = (Literal::usize_unsuffixed(at), reader(at));
    let (_, args, _) = entity.generics.split_for_impl();
    let fields = group.fields.iter().map(|Field { ident, ty, attr, .. }| {
        let (name, ty) = (ident.unraw().to_string(), text(ty.to_token_stream()));
        let mut keys: Vec<String> = attr.serde.keys.iter().cloned().map(text).collect();
        keys.sort();
        quote!((#name, #ty, &[#(#keys),*]))
    });
    // Named in a body alone, so that the predecessor of a public entity may be private.
    let previous = group.attr.versions.previous.get().map(|previous| {
        let span = location_of(previous);
        quote_spanned!(span=> <#previous as __kv::KvEntity>::visit_as_previous(__visitor, #literal);)
    });
    quote! {
        <__V as __kv::ShapeVisitor>::group::<#reader #args>(__visitor, #literal, &[#(#fields),*]);
        #previous
    }
}
