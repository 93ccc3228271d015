//! `impl KvEntity`.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Index;
use syn::spanned::Spanned;

use super::alias;
use super::hidden::{reader, writer};
use super::payload::{self, payloads};
use super::spanned::{default_value, end_of};
use super::{adopt, bounds, index, shape, versions, view};
use crate::model::{Entity, Field, Group};

/// Everything that `#[derive(KvEntity)]` adds: the impls, and the views of an entity of several
/// groups.
pub(crate) fn entity(entity: &Entity<'_>) -> TokenStream {
    let payloads = payloads(entity);
    let checks = entity.ids.iter().filter(|field| !entity.has_parameter_in(&field.ty)).filter_map(kind_check);
    // A generic entity names its predecessor in a `where` clause, and that may be private.
    let names_previous = entity.groups.iter().any(|group| versions::is_named_in_bounds(entity, group));
    let private_bounds = names_previous.then(|| quote!(, private_bounds));
    let deprecated = entity.container.is_deprecated.then(|| quote!(, deprecated));
    let lints = &entity.container.lints;
    let impls = impls(entity);
    let predecessors = if entity.is_generic() { Vec::new() } else { versions::checks(entity) };
    let (normalisers, defaults) = (index::normalisers(entity), index::checks(entity));
    let views = view::views(entity);
    let attrs = quote! {
        #(#lints)*
        #[allow(unused_qualifications, clippy::absolute_paths #deprecated #private_bounds)]
    };
    let items = quote! {
        #payloads
        #normalisers
        #impls
        #(const _: () = #checks;)*
        #(const _: () = #predecessors;)*
        #(#defaults)*
    };
    let block = alias::block(&entity.container.krate, &attrs, &items);
    quote!(#block #views)
}

fn impls(entity: &Entity<'_>) -> TokenStream {
    let ident = entity.ident;
    let (params, args, _) = entity.generics.split_for_impl();
    let where_clause = bounds::where_clause(&entity.generics, &bounds::for_entity(entity));
    let id_type = entity.id_type();
    let schema = schema(entity);
    let id_fields = entity.ids.iter().map(|field| field.ident);
    let id = match entity.ids.as_slice() {
        [Field { ident, .. }] => quote!(__kv::cloned(&self.#ident)),
        fields => {
            let fields = fields.iter().map(|field| field.ident);
            quote!((#(__kv::cloned(&self.#fields),)*))
        }
    };
    let set_id = match entity.ids.as_slice() {
        [Field { ident, .. }] => quote!(self.#ident = __id;),
        fields => {
            let fields = fields.iter().map(|field| field.ident);
            quote!((#(self.#fields,)*) = __id;)
        }
    };
    let expires_at = entity.expires_at().map(expires_at);
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
            impl #params __kv::Touch for #ident #args #where_clause {}
        }
    });
    let has_indexes = !entity.indexes().is_empty();
    let stored_in = index::stored_in(ident, &args, &entity.generics, has_indexes);
    let indexes = index::items(entity);
    let constants = index::constants(entity);
    quote! {
        #stored_in
        #[automatically_derived]
        impl #params __kv::KvEntity for #ident #args #where_clause {
            type Id = #id_type;
            const SCHEMA: __kv::EntitySchema = #schema;
            fn id(&self) -> Self::Id {
                #id
            }
            fn set_id(&mut self, __id: Self::Id) {
                #set_id
            }
            fn write_id(&self, __key: &mut __kv::KeyBuilder) {
                #(__key.push(&self.#id_fields);)*
            }
            #expires_at
            #indexes
            fn serialize_group<__S: __kv::serde::Serializer>(
                &self,
                __group: usize,
                __serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                match __group {
                    #(#writers)*
                    _ => __kv::no_such_group(__group, __serializer),
                }
            }
            #from_groups
            #from_previous
            #as_previous
            #visit_shape
        }
        #touch
        #constants
    }
}

fn schema(entity: &Entity<'_>) -> TokenStream {
    let (name, prefix) = (entity.name(), entity.prefix());
    let ids = entity.ids.iter().enumerate().map(|(at, field)| {
        let joined = (at == 0 && entity.has_shared_prefix()).then(|| quote!(.joined()));
        let schema = id_schema(field);
        quote!(#schema #joined)
    });
    let groups = entity.groups.iter().enumerate().map(|(at, group)| group_schema(entity, at, group));
    let view_of = entity.container.view_of.get().map(|of| quote!(.view_of(#of)));
    // A view's derive is a part of what this one writes, so both have the line of this one.
    let schema = quote! {
        __kv::EntitySchema::new(#name, #prefix, &[#(#ids),*], &[#(#groups),*])
            .declared(::core::module_path!(), ::core::line!())
            #view_of
    };
    // Checks that depend on a type parameter run where the entity is used. They come after the
    // table, because only an expression that is certainly evaluated can be promoted to `'static`.
    let mut checks = entity
        .ids
        .iter()
        .filter(|field| entity.has_parameter_in(&field.ty))
        .filter_map(kind_check)
        .peekable();
    if checks.peek().is_some() { quote!({ let __schema = #schema; #(#checks;)* __schema }) } else { schema }
}

fn id_schema(field: &Field<'_>) -> TokenStream {
    let ty = &field.ty;
    let name = syn::ext::IdentExt::unraw(field.ident).to_string();
    let ordered = field.attr.ordered.is_written().then(|| quote!(.ordered()));
    let secret = field.attr.secret.is_written().then(|| quote!(.secret()));
    let raw = field.attr.raw.is_written().then(|| quote!(.raw()));
    let shard = field.attr.shard.is_written().then(|| quote!(.shard()));
    quote!(__kv::IdSchema::new(#name, <#ty as __kv::KvId>::KIND) #ordered #secret #raw #shard)
}

fn group_schema(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
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
    let (versions, form) = (versions::table(entity, at, group), adopt::form(entity, group));
    quote!(__kv::GroupSchema::new(#name, #version, __kv::Codec::#codec) #ttl #optional #versions #form)
}

/// That the type of an `ordered` id is an integer, and that of a `raw` one text.
fn kind_check(field: &Field<'_>) -> Option<TokenStream> {
    let ty = &field.ty;
    let span = end_of(ty);
    let assert = quote_spanned!(ty.span()=> ::core::assert!);
    let arguments = if field.attr.raw.is_written() {
        let message = format!("`raw` takes the rest of a key, and the id `{}` is not text", field.ident);
        quote_spanned!(span=> (::core::matches!(<#ty as __kv::KvId>::KIND, __kv::IdKind::Text), #message))
    } else {
        field.attr.ordered.key()?;
        let message = format!("`ordered` sorts numbers, and the id `{}` is not a number", field.ident);
        quote_spanned!(span=> (<#ty as __kv::KvId>::KIND.is_integer(), #message))
    };
    Some(quote!(#assert #arguments))
}

fn expires_at(field: &Field<'_>) -> TokenStream {
    let (ident, ty) = (field.ident, &field.ty);
    quote! {
        const EXPIRES_BY_FIELD: bool = true;
        fn expires_at(&self) -> ::core::option::Option<__kv::Timestamp> {
            <#ty as __kv::ExpiresAt>::expires_at(&self.#ident)
        }
    }
}

fn from_groups(entity: &Entity<'_>) -> TokenStream {
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
        let default = default_value(ty, "SkippedDefault");
        fields.extend(quote!(#ident: #default,));
    }
    // What depends on parameters is checked where the entity is read.
    let predecessors = if entity.is_generic() { versions::checks(entity) } else { Vec::new() };
    quote! {
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            #(const { #predecessors };)*
            #reads
            ::core::result::Result::Ok(Self { #fields })
        }
    }
}
