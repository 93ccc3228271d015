//! Impls without bodies, which are generated beside errors, so that uses of the type give no
//! follow-up errors.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{Data, DeriveInput, GenericParam, Generics, Ident, Path, Type};

use super::alias;
use super::{bounds, id, index, view};
use crate::attr::Slot;
use crate::model::{Entity, mentions};

/// `impl KvEntity` for a struct that was not understood, as far as `entity` was; and its views.
pub(crate) fn entity_fallback(
    input: &DeriveInput,
    krate: &Slot<Path>,
    entity: Option<&Entity<'_>>,
) -> TokenStream {
    // A type that borrows cannot be an entity, but with `'static` it can have the impls.
    let is_owned = input.generics.lifetimes().next().is_none();
    let mut predicates = Vec::new();
    let id = match entity {
        Some(entity) if is_owned && (1..=6).contains(&entity.ids.len()) && !has_tuple(entity) => {
            predicates.extend(entity.ids.iter().map(bounds::for_id));
            entity.id_type()
        }
        _ => quote!(u64),
    };
    let mut impls = impls(&id, &predicates, &input.ident, &input.generics);
    let mut views = TokenStream::new();
    if let Some(entity) = entity.filter(|_| is_owned) {
        impls.extend(constants(entity, None, &input.ident, &input.generics));
        for view in view::bare(entity) {
            impls.extend(self::impls(&id, &predicates, &view.name, &view.generics));
            impls.extend(constants(entity, Some(view.group), &view.name, &view.generics));
            views.extend(view.declaration);
        }
    }
    let block = alias::block(krate, &TokenStream::new(), &impls);
    quote!(#block #views)
}

/// Whether the type of an id is a tuple, which is an error by itself.
fn has_tuple(entity: &Entity<'_>) -> bool {
    entity.ids.iter().any(|field| matches!(field.ty, Type::Tuple(_)))
}

/// Whether a newtype holds text, as far as its tokens tell: calls take it by reference.
fn holds_text(input: &DeriveInput) -> bool {
    let Data::Struct(data) = &input.data else { return false };
    data.fields.iter().any(|field| {
        let ty = field.ty.to_token_stream();
        mentions(ty, &["String", "str"])
    })
}

/// `impl KvId` for a type that was not understood. There is none
/// for a union and for a type with parameters, which do not have what else an id needs.
pub(crate) fn id_fallback(input: &DeriveInput, krate: &Slot<Path>) -> TokenStream {
    if matches!(input.data, Data::Union(_)) || !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let lookups = id::lookups(&quote!(#ident), &TokenStream::new(), None);
    let passing = Ident::new(if holds_text(input) { "ByReference" } else { "ByValue" }, Span::call_site());
    let pass = id::pass(&quote!(__kv::#passing));
    let impls = quote! {
        #[automatically_derived]
        impl __kv::KvId for #ident {
            const KIND: __kv::IdKind = __kv::IdKind::Text;
            #pass
            fn encode(&self, _: &mut __kv::IdWriter<'_>) {}
            fn decode(_: &str, _: bool) -> ::core::option::Option<Self> {
                ::core::option::Option::None
            }
        }
        #lookups
    };
    alias::block(krate, &TokenStream::new(), &impls)
}

/// The constants of the indexes of the whole entity, or of the group that is viewed.
fn constants(entity: &Entity<'_>, group: Option<usize>, ident: &Ident, generics: &Generics) -> TokenStream {
    let index::Bare { constants, predicates } = index::bare_constants(entity, group);
    if constants.is_empty() {
        return TokenStream::new();
    }
    let (params, args, _) = generics.split_for_impl();
    let where_clause = bounds::where_clause(generics, &predicates);
    quote!(impl #params #ident #args #where_clause { #constants })
}

/// The impls of one struct, with this id.
fn impls(id: &TokenStream, predicates: &[TokenStream], ident: &Ident, generics: &Generics) -> TokenStream {
    let mut predicates = predicates.to_vec();
    if !generics.params.is_empty() {
        predicates.push(quote!(Self: __kv::MaybeSend + __kv::MaybeSync + 'static));
    }
    let (generics, args) = owned_generics(generics);
    let (params, _, _) = generics.split_for_impl();
    let where_clause = bounds::where_clause(&generics, &predicates);
    // An entity that any store can keep gives no error about the store.
    let stored_in = index::stored_in(ident, &args, &generics, false);
    quote! {
        #stored_in
        #[automatically_derived]
        impl #params __kv::KvEntity for #ident #args #where_clause {
            type Id = #id;
            const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new("", "", &[], &[]);
            fn id(&self) -> Self::Id {
                ::core::unreachable!()
            }
            fn set_id(&mut self, _: Self::Id) {}
            fn write_id(&self, _: &mut __kv::KeyBuilder) {}
            fn serialize_group<__S: __kv::serde::Serializer>(
                &self,
                __group: usize,
                __serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                __kv::no_such_group(__group, __serializer)
            }
            fn from_groups<__G: __kv::GroupSource>(
                _: Self::Id,
                _: &mut __G,
            ) -> ::core::result::Result<Self, __G::Error> {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl #params __kv::Touch for #ident #args #where_clause {}
    }
}

/// The struct's parameters without its lifetimes, and its arguments with `'static` in their place.
fn owned_generics(generics: &Generics) -> (Generics, TokenStream) {
    let lifetimes: Vec<String> = generics.lifetimes().map(|param| param.lifetime.ident.to_string()).collect();
    let mut owned = generics.clone();
    owned.params = owned
        .params
        .into_iter()
        .filter(|param| !matches!(param, GenericParam::Lifetime(_)))
        .map(|param| without(&lifetimes, param))
        .collect();
    owned.where_clause = owned.where_clause.map(|clause| without(&lifetimes, clause));
    let args = generics.params.iter().map(|param| match param {
        GenericParam::Lifetime(_) => quote!('static),
        GenericParam::Type(param) => param.ident.to_token_stream(),
        GenericParam::Const(param) => param.ident.to_token_stream(),
    });
    (owned, quote!(<#(#args),*>))
}

/// `syntax` with `'static` in the place of these lifetimes.
fn without<T: ToTokens + Parse>(lifetimes: &[String], syntax: T) -> T {
    if lifetimes.is_empty() {
        return syntax;
    }
    let mut after_quote = false;
    let tokens = syntax.to_token_stream().into_iter().map(|token| match token {
        TokenTree::Ident(name) if after_quote && lifetimes.iter().any(|lifetime| name == lifetime) => {
            after_quote = false;
            TokenTree::Ident(Ident::new("static", name.span()))
        }
        token => {
            after_quote = matches!(&token, TokenTree::Punct(quote) if quote.as_char() == '\'');
            token
        }
    });
    // A lifetime in the place of another leaves syntax as it was.
    syn::parse2(tokens.collect()).unwrap_or(syntax)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn an_owned_form_has_no_lifetimes() {
        let (owned, args) = owned_generics(&parse_quote!(<'a, T: 'a, const N: usize>));
        let params: Vec<String> =
            owned.params.iter().map(|param| param.to_token_stream().to_string()).collect();
        assert_eq!(params.len(), 2, "{params:?}");
        assert!(params[0].starts_with('T') && !params[0].contains("'a"), "{params:?}");
        assert_eq!(params[1], "const N : usize");
        assert_eq!(args.to_string(), "< 'static , T , N >");
    }
}
