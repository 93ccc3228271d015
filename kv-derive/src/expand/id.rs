//! `impl KvId`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use super::bound;
use crate::model::{Id, IdShape, Variant};

/// Everything that `#[derive(KvId)]` adds.
pub(crate) fn id(id: &Id<'_>) -> TokenStream {
    let kv = &id.kv(Span::call_site());
    let ident = id.ident;
    let (where_clause, items) = match &id.shape {
        IdShape::Newtype(ty) => newtype(id, ty),
        IdShape::Enum(variants) => (None, enumeration(id, variants)),
    };
    let lookups = lookups(kv, ident, where_clause.as_ref());
    quote! {
        #[doc(hidden)]
        #[allow(deprecated, unused_qualifications, clippy::absolute_paths)]
        const _: () = {
            #[automatically_derived]
            impl #kv::__private::KvId for #ident #where_clause {
                #items
            }
            #lookups
        };
    }
}

/// That the id and a reference to it name it in calls.
pub(super) fn lookups(kv: &TokenStream, ident: &Ident, where_clause: Option<&TokenStream>) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #kv::__private::Lookup<#ident> for #ident #where_clause {
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
        impl #kv::__private::Lookup<#ident> for &#ident #where_clause {
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
fn newtype(id: &Id<'_>, ty: &Type) -> (Option<TokenStream>, TokenStream) {
    let kv = &id.kv(Span::call_site());
    let predicate = bound(ty, |span| {
        let kv = id.kv(span);
        quote_spanned!(span=> #kv::__private::KvId)
    });
    let items = quote! {
        const KIND: #kv::__private::IdKind = <#ty as #kv::__private::KvId>::KIND;
        fn encode(&self, __out: &mut #kv::__private::IdWriter<'_>) {
            <#ty as #kv::__private::KvId>::encode(&self.0, __out);
        }
        fn decode(__segment: &str, __ordered: bool) -> ::core::option::Option<Self> {
            <#ty as #kv::__private::KvId>::decode(__segment, __ordered).map(Self)
        }
    };
    (Some(quote!(where #predicate)), items)
}

fn enumeration(id: &Id<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let kv = &id.kv(Span::call_site());
    let idents: Vec<_> = variants.iter().map(|variant| variant.ident).collect();
    let texts: Vec<_> = variants.iter().map(|variant| &variant.text).collect();
    quote! {
        const KIND: #kv::__private::IdKind = #kv::__private::IdKind::Enum(&[#(#texts),*]);
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
