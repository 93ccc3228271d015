//! `impl KvId`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Index;

use super::bound;
use crate::model::{Id, IdShape, Newtype, Variant};

/// Everything that `#[derive(KvId)]` adds.
pub(crate) fn id(id: &Id<'_>) -> TokenStream {
    let kv = &id.kv(Span::call_site());
    let ident = id.ident;
    let (predicate, items) = match &id.shape {
        IdShape::Newtype(held) => newtype(id, held),
        IdShape::Enum(variants) => (None, enumeration(id, variants)),
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
        predicates.push(quote!(Self: #kv::__private::IdTraits));
    }
    let where_clause = (!predicates.is_empty()).then(|| quote!(where #(#predicates),*));
    let lookups = match generics.params.is_empty() {
        true => lookups(kv, &quote!(#ident), &TokenStream::new(), where_clause.as_ref()),
        false => {
            let named = quote!(#ident #args);
            let where_clause = quote!(where #(#declared,)* #named: #kv::__private::KvId);
            lookups(kv, &named, &quote!(#params), Some(&where_clause))
        }
    };
    quote! {
        #[doc(hidden)]
        #[allow(unused_qualifications, clippy::absolute_paths #deprecated)]
        const _: () = {
            #[automatically_derived]
            impl #params #kv::__private::KvId for #ident #args #where_clause {
                #items
            }
            #lookups
        };
    }
}

/// That the id and a reference to it name it in calls.
pub(super) fn lookups(
    kv: &TokenStream,
    ident: &TokenStream,
    params: &TokenStream,
    where_clause: Option<&TokenStream>,
) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #params #kv::__private::Lookup<#ident> for #ident #where_clause {
            fn write(&self, __key: &mut #kv::__private::KeyBuilder) {
                __key.push(self);
            }
            fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                #kv::__private::hash_id(self, __state);
            }
            fn names(&self, __id: &#ident) -> bool {
                #kv::__private::same(self, __id)
            }
            fn into_id(self) -> #ident {
                self
            }
        }
        #[automatically_derived]
        impl #params #kv::__private::Lookup<#ident> for &#ident #where_clause {
            fn write(&self, __key: &mut #kv::__private::KeyBuilder) {
                __key.push(*self);
            }
            fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                #kv::__private::hash_id(*self, __state);
            }
            fn names(&self, __id: &#ident) -> bool {
                #kv::__private::same(*self, __id)
            }
            fn into_id(self) -> #ident {
                #kv::__private::cloned(self)
            }
        }
    }
}

/// The keys of a newtype are those of what it holds. That this can be an id is a predicate, which the compiler reports
/// once, under the type.
fn newtype(id: &Id<'_>, held: &Newtype<'_>) -> (Option<TokenStream>, TokenStream) {
    let ty = held.ty;
    let at = Index::from(held.at);
    let fields = (0..held.len).map(|place| match place == held.at {
        true => quote!(__held),
        false => quote!(::core::marker::PhantomData),
    });
    let make = if held.len == 1 { quote!(Self) } else { quote!(|__held| Self(#(#fields),*)) };
    let kv = &id.kv(Span::call_site());
    let predicate = bound(ty, |span| {
        let kv = id.kv(span);
        quote_spanned!(span=> #kv::__private::KvId)
    });
    let passing = quote!(<#ty as #kv::__private::KvId>::Passing);
    let pass = pass(kv, &passing);
    let items = quote! {
        const KIND: #kv::__private::IdKind = <#ty as #kv::__private::KvId>::KIND;
        #pass
        fn encode(&self, __out: &mut #kv::__private::IdWriter<'_>) {
            <#ty as #kv::__private::KvId>::encode(&self.#at, __out);
        }
        fn decode(__segment: &str, __ordered: bool) -> ::core::option::Option<Self> {
            <#ty as #kv::__private::KvId>::decode(__segment, __ordered).map(#make)
        }
    };
    (Some(predicate), items)
}

/// The form in which calls take it. It names no associated type of `Self`: at each of them the
/// compiler would say again what an id type lacks.
pub(super) fn pass(kv: &TokenStream, passing: &TokenStream) -> TokenStream {
    quote! {
        type Ref<'__a> = <#passing as #kv::__private::Passing>::Ref<'__a, Self>;
        type Passing = #passing;
        fn pass(&self) -> <#passing as #kv::__private::Passing>::Ref<'_, Self> {
            <#passing as #kv::__private::Passing>::pass(self)
        }
    }
}

fn enumeration(id: &Id<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let kv = &id.kv(Span::call_site());
    let idents: Vec<_> = variants.iter().map(|variant| variant.ident).collect();
    let texts: Vec<_> = variants.iter().map(|variant| &variant.text).collect();
    let pass = pass(kv, &quote!(#kv::__private::ByValue));
    quote! {
        const KIND: #kv::__private::IdKind = #kv::__private::IdKind::Enum(&[#(#texts),*]);
        #pass
        fn encode(&self, __out: &mut #kv::__private::IdWriter<'_>) {
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
