//! From the model to code: a constant table and thin impls, with absolute paths alone.

mod bounds;
mod entity;
mod fallback;
mod id;
mod payload;
mod schema;
mod shape;
mod versions;
mod view;

pub(crate) use entity::entity;
pub(crate) use fallback::{entity_fallback, id_fallback};
pub(crate) use id::id;
pub(crate) use schema::schema_checks;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::model::Entity;

/// Returns the span of the last token. Code that is generated after a type with this span lets an
/// error underline the whole type.
fn end_of(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().last().map_or_else(Span::call_site, |token| token.span())
}

/// The value of `Default`, with the place of the type, so that a missing `Default` is reported
/// there. `reason` is the runtime's trait that says why it is needed.
fn default_of(entity: &Entity<'_>, ty: &syn::Type, reason: &str) -> TokenStream {
    let kv = entity.kv(ty.span());
    let reason = Ident::new(reason, ty.span());
    let start = quote_spanned!(ty.span()=> #kv::__private::#reason::);
    let end = quote_spanned!(end_of(ty)=> make());
    quote!(#start #end)
}

/// `ty: bound`, with the place of the type, so that an unmet bound is reported there.
fn bound(ty: &syn::Type, bound: impl FnOnce(Span) -> TokenStream) -> TokenStream {
    let bound = bound(end_of(ty));
    let colon = syn::Token![:](ty.span());
    quote!(#ty #colon #bound)
}
