//! The checks of `schema!`, one for each entity, so that a collision is reported at the entity that
//! causes it.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::quote_spanned;

/// Of `[$crate] [Name] [Entity, Entity]`, as `schema!` writes it: for each entity but the first
/// that none before it shares a key.
pub(crate) fn schema_checks(input: TokenStream) -> TokenStream {
    let mut parts = input.into_iter().filter_map(|token| match token {
        TokenTree::Group(part) => Some(part.stream()),
        _ => None,
    });
    let (Some(kv), Some(name), Some(entities)) = (parts.next(), parts.next(), parts.next()) else {
        return TokenStream::new();
    };
    // The span of `$crate` itself resolves it. All other tokens resolve with this span, too.
    let resolved = kv.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    let entities: Vec<TokenTree> = entities.into_iter().collect();
    let checks = entities.split(is_comma).enumerate().skip(1).map(|(index, entity)| {
        let at = resolved.located_at(entity.first().map_or_else(Span::call_site, first_of));
        let (kv, name) = (moved(kv.clone(), at), moved(name.clone(), at));
        let index = Literal::usize_unsuffixed(index);
        quote_spanned! {at=>
            const _: () = {
                #kv::__private::assert_apart(#name::ENTITIES, #index);
                #kv::__private::assert_indexes_apart(#name::ENTITIES, #name::__INDEXES, #index);
            };
        }
    });
    checks.collect()
}

/// The place of a token, or of the first one in a type that a macro has matched.
fn first_of(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().into_iter().next().as_ref().map_or_else(|| group.span(), first_of)
        }
        token => token.span(),
    }
}

/// The same tokens at another place.
fn moved(tokens: TokenStream, to: Span) -> TokenStream {
    let token = |mut token: TokenTree| {
        if let TokenTree::Group(group) = token {
            token = Group::new(group.delimiter(), moved(group.stream(), to)).into();
        }
        token.set_span(to);
        token
    };
    tokens.into_iter().map(token).collect()
}
