//! `impl KvEntity`.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Index;
use syn::spanned::Spanned;

use super::payload::{self, payloads, reader, writer};
use super::{bounds, default_of, end_of, shape, versions, view};
use crate::model::{Entity, Field, Group};

/// Everything that `#[derive(KvEntity)]` adds: the impls, and the views of an entity of several
/// groups.
pub(crate) fn entity(entity: &Entity<'_>) -> TokenStream {
    let payloads = payloads(entity);
    let checks = entity
        .ids
        .iter()
        .filter(|field| !is_generic(entity, field))
        .filter_map(|field| ordered_check(entity, field));
    // A generic entity names its predecessor in a `where` clause, and that may be private.
    let names_previous = entity.groups.iter().any(|group| versions::is_named_in_bounds(entity, group));
    let private_bounds = names_previous.then(|| quote!(, private_bounds));
    let deprecated = entity.container.is_deprecated.then(|| quote!(, deprecated));
    let lints = &entity.container.lints;
    let impls = impls(entity);
    let predecessors = if entity.generics.params.is_empty() { versions::checks(entity) } else { Vec::new() };
    let views = view::views(entity);
    quote! {
        #[doc(hidden)]
        #(#lints)*
        #[allow(unused_qualifications, clippy::absolute_paths #deprecated #private_bounds)]
        const _: () = {
            #payloads
            #impls
            #(const _: () = #checks;)*
            #(const _: () = #predecessors;)*
        };
        #views
    }
}

fn impls(entity: &Entity<'_>) -> TokenStream {
    let kv = &entity.kv(Span::call_site());
    let ident = entity.ident;
    let (params, args, _) = entity.generics.split_for_impl();
    let where_clause = bounds::where_clause(&entity.generics, &bounds::for_entity(entity));
    let id_type = id_type(&entity.ids);
    let schema = schema(entity);
    let id_fields = entity.ids.iter().map(|field| field.ident);
    let id = match entity.ids.as_slice() {
        [Field { ident, .. }] => quote!(#kv::__private::cloned(&self.#ident)),
        fields => {
            let fields = fields.iter().map(|field| field.ident);
            quote!((#(#kv::__private::cloned(&self.#fields),)*))
        }
    };
    let set_id = match entity.ids.as_slice() {
        [Field { ident, .. }] => quote!(self.#ident = __id;),
        fields => {
            let fields = fields.iter().map(|field| field.ident);
            quote!((#(self.#fields,)*) = __id;)
        }
    };
    let expires_at = entity.expires_at().map(|field| expires_at(entity, field));
    let writers = (0..entity.groups.len()).map(|at| {
        let (literal, writer) = (Literal::usize_unsuffixed(at), writer(at));
        quote!(#literal => <#writer #args>::serialize(self, __serializer),)
    });
    let from_groups = from_groups(entity);
    let (from_previous, as_previous) = (versions::from_previous(entity), versions::as_previous(entity));
    let visit_shape = shape::visit_shape(entity);
    let touch = entity.expires_at().is_none().then(|| {
        let where_clause = bounds::where_clause(&entity.generics, &bounds::for_touch(entity));
        quote! {
            #[automatically_derived]
            impl #params #kv::__private::Touch for #ident #args #where_clause {}
        }
    });
    quote! {
        #[automatically_derived]
        impl #params #kv::__private::KvEntity for #ident #args #where_clause {
            type Id = #id_type;
            const SCHEMA: #kv::__private::EntitySchema = #schema;
            fn id(&self) -> Self::Id {
                #id
            }
            fn set_id(&mut self, __id: Self::Id) {
                #set_id
            }
            fn write_id(&self, __key: &mut #kv::__private::KeyBuilder) {
                #(__key.push(&self.#id_fields);)*
            }
            #expires_at
            fn serialize_group<__S: #kv::__private::serde::Serializer>(
                &self,
                __group: usize,
                __serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                match __group {
                    #(#writers)*
                    _ => #kv::__private::no_such_group(__group, __serializer),
                }
            }
            #from_groups
            #from_previous
            #as_previous
            #visit_shape
        }
        #touch
    }
}

/// The type of the field, or a tuple of several.
pub(super) fn id_type(ids: &[Field<'_>]) -> TokenStream {
    match ids {
        [field] => field.ty.to_token_stream(),
        fields => {
            let types = fields.iter().map(|field| &field.ty);
            quote!((#(#types,)*))
        }
    }
}

fn schema(entity: &Entity<'_>) -> TokenStream {
    let kv = &entity.kv(Span::call_site());
    let (name, prefix) = (entity.name(), entity.prefix());
    let ids = entity.ids.iter().map(|field| id_schema(entity, field));
    let groups = entity.groups.iter().enumerate().map(|(at, group)| group_schema(entity, at, group));
    let view_of = entity.container.view_of.get().map(|of| quote!(.view_of(#of)));
    // A view's derive is a part of what this one writes, so both have the line of this one.
    let schema = quote! {
        #kv::__private::EntitySchema::new(#name, #prefix, &[#(#ids),*], &[#(#groups),*])
            .declared(::core::module_path!(), ::core::line!())
            #view_of
    };
    // Checks that depend on a type parameter run where the entity is used. They come after the
    // table, because only an expression that is certainly evaluated can be promoted to `'static`.
    let mut checks = entity
        .ids
        .iter()
        .filter(|field| is_generic(entity, field))
        .filter_map(|field| ordered_check(entity, field))
        .peekable();
    if checks.peek().is_some() { quote!({ let __schema = #schema; #(#checks;)* __schema }) } else { schema }
}

fn id_schema(entity: &Entity<'_>, field: &Field<'_>) -> TokenStream {
    let (kv, ty) = (entity.kv(Span::call_site()), &field.ty);
    let name = syn::ext::IdentExt::unraw(field.ident).to_string();
    let ordered = field.attr.ordered.is_written().then(|| quote!(.ordered()));
    let secret = field.attr.secret.is_written().then(|| quote!(.secret()));
    quote!(#kv::__private::IdSchema::new(#name, <#ty as #kv::__private::KvId>::KIND) #ordered #secret)
}

fn group_schema(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let kv = entity.kv(Span::call_site());
    let name = match group.attr.name.get() {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    let (version, codec) = (group.version(), entity.codec(group).variant());
    let ttl = entity.ttl(group).map(|ttl| {
        let secs = ttl.secs;
        quote!(.ttl_secs(#secs))
    });
    let optional = group.is_optional().then(|| quote!(.optional()));
    let versions = versions::table(entity, at, group);
    quote!(#kv::__private::GroupSchema::new(#name, #version, #kv::__private::Codec::#codec) #ttl #optional #versions)
}

/// That the type of an `ordered` id is an integer.
fn ordered_check(entity: &Entity<'_>, field: &Field<'_>) -> Option<TokenStream> {
    field.attr.ordered.key()?;
    let ty = &field.ty;
    let span = end_of(ty);
    let kv = entity.kv(span);
    let message = format!("`ordered` sorts numbers, and the id `{}` is not a number", field.ident);
    let assert = quote_spanned!(ty.span()=> ::core::assert!);
    let arguments = quote_spanned!(span=> (<#ty as #kv::__private::KvId>::KIND.is_integer(), #message));
    Some(quote!(#assert #arguments))
}

fn expires_at(entity: &Entity<'_>, field: &Field<'_>) -> TokenStream {
    let (kv, ident, ty) = (entity.kv(Span::call_site()), field.ident, &field.ty);
    quote! {
        const EXPIRES_BY_FIELD: bool = true;
        fn expires_at(&self) -> ::core::option::Option<#kv::__private::Timestamp> {
            <#ty as #kv::__private::ExpiresAt>::expires_at(&self.#ident)
        }
    }
}

fn from_groups(entity: &Entity<'_>) -> TokenStream {
    let kv = entity.kv(Span::call_site());
    let (_, args, _) = entity.generics.split_for_impl();
    let mut reads = TokenStream::new();
    let mut fields = TokenStream::new();
    for (at, Field { ident, .. }) in entity.ids.iter().enumerate() {
        let position = (entity.ids.len() > 1).then(|| {
            let at = Index::from(at);
            quote!(.#at)
        });
        fields.extend(quote!(#ident: __id #position,));
    }
    for (at, group) in entity.groups.iter().enumerate() {
        let (local, literal, reader) =
            (format_ident!("__group{at}"), Literal::usize_unsuffixed(at), reader(at));
        let read = if group.is_optional() {
            let missing = payload::missing(entity, at, group);
            quote!(__groups.optional(#literal, #missing)?)
        } else {
            quote!(__groups.required(#literal)?)
        };
        let read = versions::read(entity, at, group, read);
        reads.extend(quote!(let #local: #reader #args = #read;));
        let idents = group.fields.iter().map(|field| field.ident);
        fields.extend(quote!(#(#idents: #local.#idents,)*));
    }
    for Field { ident, ty, .. } in &entity.skipped {
        let default = default_of(entity, ty, "SkippedDefault");
        fields.extend(quote!(#ident: #default,));
    }
    // What depends on parameters is checked where the entity is read.
    let predecessors = if entity.generics.params.is_empty() { Vec::new() } else { versions::checks(entity) };
    quote! {
        fn from_groups<__G: #kv::__private::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            #(const { #predecessors };)*
            #reads
            ::core::result::Result::Ok(Self { #fields })
        }
    }
}

fn is_generic(entity: &Entity<'_>, field: &Field<'_>) -> bool {
    bounds::mentions(field.ty.to_token_stream(), &bounds::names(&entity.generics))
}
