//! The parameters of a type, and whether something names them.

use proc_macro2::{TokenStream, TokenTree};
use syn::Generics;

/// Whether one of these names occurs.
pub(crate) fn mentions(tokens: TokenStream, names: &[impl AsRef<str>]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => names.iter().any(|name| word == *name.as_ref()),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// The names of type and constant parameters.
pub(super) fn names(generics: &Generics) -> Vec<String> {
    let types = generics.type_params().map(|param| param.ident.to_string());
    types.chain(generics.const_params().map(|param| param.ident.to_string())).collect()
}
