//! `impl KvId`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Index;

use super::alias;
use super::spanned::bound;
use crate::model::{Id, IdShape, Newtype, Variant};

/// Everything that `#[derive(KvId)]` adds.
pub(crate) fn id(id: &Id<'_>) -> TokenStream {
    let ident = id.ident;
    let (predicate, items) = match &id.shape {
        IdShape::Newtype(held) => newtype(held),
        IdShape::Enum(variants) => (None, enumeration(variants)),
    };
    let generics = id.generics;
    let deprecated = id.is_deprecated.then(|| quote!(, deprecated));
    let (params, args, own) = generics.split_for_impl();
    let own = own.map(|clause| clause.predicates.iter().map(ToTokens::to_token_stream).collect());
    let mut predicates: Vec<TokenStream> = own.unwrap_or_default();
    let declared = predicates.clone();
    predicates.extend(predicate);
    if !generics.params.is_empty() {
        // Of the type itself: what its parameters need for it is for its other impls to say.
        predicates.push(quote!(Self: __kv::IdTraits));
    }
    let where_clause = (!predicates.is_empty()).then(|| quote!(where #(#predicates),*));
    let lookups = match generics.params.is_empty() {
        true => lookups(&quote!(#ident), &TokenStream::new(), where_clause.as_ref()),
        false => {
            let named = quote!(#ident #args);
            let where_clause = quote!(where #(#declared,)* #named: __kv::KvId);
            lookups(&named, &quote!(#params), Some(&where_clause))
        }
    };
    let attrs = quote!(#[allow(unused_qualifications, clippy::absolute_paths #deprecated)]);
    let impls = quote! {
        #[automatically_derived]
        impl #params __kv::KvId for #ident #args #where_clause {
            #items
        }
        #lookups
    };
    alias::block(&id.attr.krate, &attrs, &impls)
}

/// That the id and a reference to it name it in calls.
pub(super) fn lookups(
    ident: &TokenStream,
    params: &TokenStream,
    where_clause: Option<&TokenStream>,
) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #params __kv::Lookup<#ident> for #ident #where_clause {
            fn write(&self, __key: &mut __kv::KeyBuilder) {
                __key.push(self);
            }
            fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                __kv::hash_id(self, __state);
            }
            fn names(&self, __id: &#ident) -> bool {
                __kv::same(self, __id)
            }
            fn into_id(self) -> #ident {
                self
            }
        }
        #[automatically_derived]
        impl #params __kv::Lookup<#ident> for &#ident #where_clause {
            fn write(&self, __key: &mut __kv::KeyBuilder) {
                __key.push(*self);
            }
            fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                __kv::hash_id(*self, __state);
            }
            fn names(&self, __id: &#ident) -> bool {
                __kv::same(*self, __id)
            }
            fn into_id(self) -> #ident {
                __kv::cloned(self)
            }
        }
    }
}

/// The keys of a newtype are those of what it holds. That this can be an id is a predicate, which the compiler reports
/// once, under the type.
fn newtype(held: &Newtype<'_>) -> (Option<TokenStream>, TokenStream) {
    let ty = held.ty;
    let at = Index::from(held.at);
    let fields = (0..held.len).map(|index| match index == held.at {
        true => quote!(__held),
        false => quote!(::core::marker::PhantomData),
    });
    let make = if held.len == 1 { quote!(Self) } else { quote!(|__held| Self(#(#fields),*)) };
    let predicate = bound(ty, |span| quote_spanned!(span=> __kv::KvId));
    let passing = quote!(<#ty as __kv::KvId>::Passing);
    let pass = pass(&passing);
    let items = quote! {
        const KIND: __kv::IdKind = <#ty as __kv::KvId>::KIND;
        #pass
        fn encode(&self, __out: &mut __kv::IdWriter<'_>) {
            <#ty as __kv::KvId>::encode(&self.#at, __out);
        }
        fn decode(__segment: &str, __ordered: bool) -> ::core::option::Option<Self> {
            <#ty as __kv::KvId>::decode(__segment, __ordered).map(#make)
        }
    };
    (Some(predicate), items)
}

/// The form in which calls take it. It names no associated type of `Self`: at each of them the
/// compiler would say again what an id type lacks.
pub(super) fn pass(passing: &TokenStream) -> TokenStream {
    quote! {
        type Ref<'__a> = <#passing as __kv::Passing>::Ref<'__a, Self>;
        type Passing = #passing;
        fn pass(&self) -> <#passing as __kv::Passing>::Ref<'_, Self> {
            <#passing as __kv::Passing>::pass(self)
        }
    }
}

fn enumeration(variants: &[Variant<'_>]) -> TokenStream {
    let idents: Vec<_> = variants.iter().map(|variant| variant.ident).collect();
    let texts: Vec<_> = variants.iter().map(|variant| &variant.text).collect();
    let pass = pass(&quote!(__kv::ByValue));
    quote! {
        const KIND: __kv::IdKind = __kv::IdKind::Enum(&[#(#texts),*]);
        #pass
        fn encode(&self, __out: &mut __kv::IdWriter<'_>) {
            __out.text(match self {
                #(Self::#idents => #texts,)*
            });
        }
        fn decode(__segment: &str, _: bool) -> ::core::option::Option<Self> {
            match __segment {
                #(#texts => ::core::option::Option::Some(Self::#idents),)*
                _ => ::core::option::Option::None,
            }
        }
    }
}
