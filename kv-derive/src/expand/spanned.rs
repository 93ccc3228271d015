//! Code at the place of the user's tokens, so that an error underlines these.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, Type};

/// Returns the span of the last token. Code that is generated after a type with this span lets an
/// error underline the whole type.
pub(super) fn end_of(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().last().map_or_else(Span::call_site, |token| token.span())
}

/// Returns the span for errors about a predecessor: its location, with the hygiene of the macro.
pub(super) fn location_of(path: &Path) -> Span {
    Span::call_site().located_at(path.span())
}

/// The same tokens with another span, such as a visibility that the span of generated code begins
/// with.
pub(super) fn located(tokens: TokenStream, at: Span) -> TokenStream {
    let token = |mut token: TokenTree| {
        if let TokenTree::Group(group) = token {
            token = Group::new(group.delimiter(), located(group.stream(), at)).into();
        }
        // This one names a crate by its span.
        if token.to_string() != "$crate" {
            token.set_span(at);
        }
        token
    };
    tokens.into_iter().map(token).collect()
}

/// `ty: bound`, with the place of the type, so that an unmet bound is reported there.
pub(super) fn bound(ty: &Type, bound: impl FnOnce(Span) -> TokenStream) -> TokenStream {
    let bound = bound(end_of(ty));
    let colon = syn::Token![:](ty.span());
    quote!(#ty #colon #bound)
}

/// The value of `Default`, with the place of the type, so that a missing `Default` is reported
/// there. `reason` is the runtime's trait that says why it is needed.
pub(super) fn default_value(ty: &Type, reason: &str) -> TokenStream {
    let reason = Ident::new(reason, ty.span());
    let start = quote_spanned!(ty.span()=> __kv::#reason::);
    let end = quote_spanned!(end_of(ty)=> make());
    quote!(#start #end)
}
