//! `Self` in a field's type, or in a path of its attributes, means the entity, also where these are
//! copied into another struct.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parse;
use syn::{ExprPath, Generics, Ident, TypeGenerics};

/// The entity's type in the place of `Self`.
pub(super) struct Receiver<'a> {
    pub(super) ident: &'a Ident,
    pub(super) generics: &'a Generics,
}

impl Receiver<'_> {
    /// `syntax` without `Self`; as it is if it does not name it.
    pub(super) fn replace<T: ToTokens + Parse + Clone>(&self, syntax: &T) -> T {
        let tokens = syntax.to_token_stream();
        if !names_self(tokens.clone()) {
            return syntax.clone();
        }
        let (_, generics, _) = self.generics.split_for_impl();
        // What was syntax with `Self` is syntax with a type in its place.
        syn::parse2(self.replaced(tokens, &generics)).unwrap_or_else(|_| syntax.clone())
    }

    /// A path in an expression without `Self`.
    pub(super) fn replace_path(&self, path: &ExprPath) -> ExprPath {
        if !path.path.is_ident("Self") {
            return self.replace(path);
        }
        let (ident, (_, generics, _)) = (self.ident, self.generics.split_for_impl());
        let generics = generics.as_turbofish();
        syn::parse2(quote!(#ident #generics)).unwrap_or_else(|_| path.clone())
    }

    fn replaced(&self, tokens: TokenStream, generics: &TypeGenerics<'_>) -> TokenStream {
        let mut replaced = TokenStream::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "Self" => {
                    // A clone, because a raw name cannot be made of its text.
                    let mut ident = self.ident.clone();
                    ident.set_span(word.span());
                    let is_path =
                        matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                    replaced.extend(if is_path {
                        quote_spanned!(word.span()=> <#ident #generics>)
                    } else {
                        quote_spanned!(word.span()=> #ident #generics)
                    });
                }
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), self.replaced(group.stream(), generics));
                    inner.set_span(group.span());
                    replaced.extend([TokenTree::Group(inner)]);
                }
                token => replaced.extend([token]),
            }
        }
        replaced
    }
}

fn names_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "Self",
        TokenTree::Group(group) => names_self(group.stream()),
        _ => false,
    })
}
