//! How a group's records are stored for other programs.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::attr::{Mapped, Spelling};
use crate::model::{Entity, Group};

/// The calls behind a group's entry in the schema.
pub(super) fn form(entity: &Entity<'_>, group: &Group<'_>) -> Option<TokenStream> {
    if !entity.is_plain(group) {
        return None;
    }
    let version_in = match group.attr.adopt.version_in.get() {
        Some(at) => {
            let path = &at.path;
            let map = mapped(group).iter().map(|Mapped { spelling, version, .. }| {
                let (spelling, version) = (self::spelling(spelling), version.number);
                quote!((__kv::Spelling::#spelling, #version))
            });
            quote!(::core::option::Option::Some(&__kv::VersionIn::new(&[#(#path),*], &[#(#map),*])))
        }
        None => quote!(::core::option::Option::None),
    };
    let adapter = group.attr.adopt.adapter.get().map(|path| quote_spanned!(path.span()=> .adapted(&#path)));
    Some(quote!(.plain(#version_in) #adapter))
}

fn spelling(spelling: &Spelling) -> TokenStream {
    match spelling {
        Spelling::Missing => quote!(Missing),
        Spelling::Number(number) => quote!(Number(#number)),
        Spelling::Text(text) => quote!(Text(#text)),
    }
}

fn mapped<'s>(group: &'s Group<'_>) -> &'s [Mapped] {
    group.attr.adopt.version_map.get().map_or(&[], Vec::as_slice)
}

/// What a group says of it, for its view; each key behind a comma.
pub(super) fn group_attrs(entity: &Entity<'_>, group: &Group<'_>) -> TokenStream {
    let plain = entity.is_plain(group).then(|| quote!(, plain));
    let version_in = group.attr.adopt.version_in.get().map(|at| {
        let text = &at.text;
        quote!(, version_in = #text)
    });
    let map = mapped(group).iter().map(|Mapped { spelling, version, .. }| {
        let literal = &version.literal;
        match spelling {
            Spelling::Missing => quote!(missing => #literal),
            Spelling::Number(number) => {
                let number = Literal::i64_unsuffixed(*number);
                quote!(#number => #literal)
            }
            Spelling::Text(text) => quote!(#text => #literal),
        }
    });
    let map: Vec<TokenStream> = map.collect();
    let map = (!map.is_empty()).then(|| quote!(, version_map(#(#map),*)));
    let adapter = group.attr.adopt.adapter.get().map(|path| quote!(, adapter = #path));
    quote!(#plain #version_in #map #adapter)
}
