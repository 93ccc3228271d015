//! Indexes: their table, the values of each, and the constants by which calls name them.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, parse_quote};

use super::bounds;
use super::spanned::located;
use crate::attr;
use crate::model::{ALWAYS, Entity, Field, Index, unproven_defaults};

/// What `impl KvEntity` has of the indexes.
pub(super) fn items(entity: &Entity<'_>) -> Option<TokenStream> {
    let indexes = entity.indexes();
    let schemas = indexes.iter().map(|index| schema(index));
    let writers = indexes.iter().enumerate().map(|(at, index)| writer(entity, at, index));
    (!indexes.is_empty()).then(|| {
        quote! {
            const INDEXES: &'static [__kv::IndexSchema] = &[#(#schemas),*];
            fn write_index(&self, __index: usize, __parts: &mut __kv::IndexParts) {
                match __index {
                    #(#writers)*
                    _ => {}
                }
            }
        }
    })
}

fn schema(index: &Index<'_>) -> TokenStream {
    let (name, attr) = (index.name(), index.attr);
    let group = index.group().map(Literal::usize_unsuffixed);
    let parts = index.fields().map(|Field { ident, ty, .. }| {
        let name = ident.unraw().to_string();
        quote!(__kv::IndexPart::of::<#ty>(#name))
    });
    let unique = attr.is_unique.then(|| quote!(.unique()));
    let shown = attr.shown.is_written().then(|| quote!(.shown()));
    let normalised = attr.with.get().map(|path| {
        let name = path.to_token_stream().to_string().replace(' ', "");
        quote!(.normalised(#name))
    });
    let generation = attr.generation.get().map(|generation| {
        let number = generation.number;
        quote!(.generation(#number))
    });
    quote!(__kv::IndexSchema::new(#name, #group, &[#(#parts),*]) #unique #shown #normalised #generation)
}

/// Appends the values of one index.
fn writer(entity: &Entity<'_>, at: usize, index: &Index<'_>) -> TokenStream {
    let literal = Literal::usize_unsuffixed(at);
    let writes = index.fields().map(|Field { ident, ty, .. }| match normaliser(entity, at, index) {
        Some(function) => quote!(__kv::write_normalised::<#ty>(&self.#ident, #function, __parts);),
        None => quote!(<#ty as __kv::IndexValue>::write(&self.#ident, __parts);),
    });
    quote!(#literal => { #(#writes)* })
}

/// The call that returns the function which is applied to the values of the index.
fn normaliser(entity: &Entity<'_>, at: usize, index: &Index<'_>) -> Option<TokenStream> {
    index.attr.with.get()?;
    let (_, args, _) = entity.generics.split_for_impl();
    let (name, turbofish) = (format_ident!("__normaliser{at}"), args.as_turbofish());
    Some(quote!(#name #turbofish()))
}

/// The functions that return those, so that each path is named once and a wrong function is one
/// error.
pub(super) fn normalisers(entity: &Entity<'_>) -> TokenStream {
    let (params, _, _) = entity.generics.split_for_impl();
    let where_clause = bounds::where_clause(&entity.generics, &bounds::for_indexes(entity));
    let indexes = entity.indexes();
    let functions = indexes.iter().enumerate().filter_map(|(at, index)| {
        let path = index.attr.with.get()?;
        let (name, ty) = (format_ident!("__normaliser{at}"), index.value_type());
        // At the user's path and of his context, so that the view's error is the same and is shown
        // once. In the closure a `&String` becomes the `&str` of a function that takes text.
        let span = path.span();
        let ty = quote_spanned!(span=> __kv::Normaliser<#ty>);
        let function = quote_spanned!(span=> |__value| #path(__value));
        Some(quote! {
            const fn #name #params() -> #ty #where_clause {
                #function
            }
        })
    });
    functions.collect()
}

/// The constants, in an impl of the struct.
pub(super) fn constants(entity: &Entity<'_>) -> Option<TokenStream> {
    let indexes = entity.indexes();
    let constants = indexes.iter().enumerate().filter_map(|(at, index)| {
        let name = index.constant()?;
        let doc = doc(entity, index, &name);
        let normalised = normaliser(entity, at, index).map(|function| quote!(.normalised(#function)));
        let constant = constant(entity, index, &name, at, &normalised.unwrap_or_default());
        Some(quote!(#[doc = #doc] #constant))
    });
    let constants: TokenStream = constants.collect();
    let (params, args, _) = entity.generics.split_for_impl();
    let where_clause = bounds::where_clause(&entity.generics, &bounds::for_indexes(entity));
    let ident = entity.ident;
    (!indexes.is_empty()).then(|| quote!(impl #params #ident #args #where_clause { #constants }))
}

/// One constant. All of it has the place of its name, so that another item of that name is reported
/// there.
fn constant(
    entity: &Entity<'_>,
    index: &Index<'_>,
    name: &Ident,
    number: usize,
    calls: &TokenStream,
) -> TokenStream {
    let (at, ty) = (name.span(), index.value_type());
    let (vis, number) = (located(entity.vis.to_token_stream(), at), Literal::usize_unsuffixed(number));
    let handle = Ident::new(if index.attr.is_unique { "Unique" } else { "Index" }, at);
    quote_spanned!(at=> #vis const #name: __kv::#handle<Self, #ty> = __kv::#handle::new(#number) #calls;)
}

/// The constants of an entity with mistakes, or of the view of one of its groups, so that their uses
/// give no follow-up errors: as many as have a name and types.
pub(super) fn bare_constants(entity: &Entity<'_>, group: Option<usize>) -> Bare {
    let mut bare = Bare { constants: TokenStream::new(), predicates: Vec::new() };
    let mut taken = Vec::new();
    for index in entity.indexes() {
        let Some(name) = index.constant().filter(|name| !taken.contains(name)) else { continue };
        let has_types = (1..=6).contains(&index.parts.len()) && index.fields().count() == index.parts.len();
        if !has_types
            || ALWAYS.iter().any(|other| name == other)
            || group.is_some_and(|it| index.group() != Some(it))
        {
            continue;
        }
        bare.constants.extend(constant(entity, &index, &name, 0, &TokenStream::new()));
        bare.predicates.extend(index.fields().map(bounds::for_indexed));
        taken.push(name);
    }
    bare
}

/// Constants, and what their types need.
pub(super) struct Bare {
    pub(super) constants: TokenStream,
    pub(super) predicates: Vec<TokenStream>,
}

/// What the constant's documentation says: of which fields the index is, and a call.
fn doc(entity: &Entity<'_>, index: &Index<'_>, constant: &Ident) -> String {
    let kind = if index.attr.is_unique { "unique index" } else { "index" };
    let names: Vec<String> = index.fields().map(|field| field.ident.unraw().to_string()).collect();
    let fields: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let fields = match fields.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        fields => fields.concat(),
    };
    let value = match names.as_slice() {
        [only] => only.clone(),
        names => format!("({})", names.join(", ")),
    };
    let call = if index.attr.is_unique { format!("get({value})") } else { format!("equal({value}).page()") };
    format!(" The {kind} on {fields}. A lookup: `collection.by({}::{constant}).{call}.await`.", entity.name())
}

/// Says which stores can keep the entity: one with indexes needs a store for them.
pub(super) fn stored_in(
    ident: &Ident,
    args: &impl ToTokens,
    generics: &Generics,
    has_indexes: bool,
) -> TokenStream {
    let mut with_store = generics.clone();
    with_store.params.push(match has_indexes {
        true => parse_quote!(__S: __kv::IndexStore),
        false => parse_quote!(__S: __kv::Store),
    });
    let (params, _, where_clause) = with_store.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #params __kv::StoredIn<__S> for #ident #args #where_clause {}
    }
}

/// That the defaults of indexed fields are constants. The view of a group leaves it to the entity.
pub(super) fn checks(entity: &Entity<'_>) -> Vec<TokenStream> {
    if entity.container.view_of.is_written() {
        return Vec::new();
    }
    let is_checked = |field: &&Field<'_>| !entity.has_parameter_in(&field.ty);
    let defaults = entity.indexed_fields().into_iter().filter(is_checked).flat_map(|field| {
        let ty = &field.ty;
        unproven_defaults(field).into_iter().map(move |default| quote!(const _: #ty = #default;))
    });
    defaults.collect()
}

/// The indexes of a group that stand on the struct, for its view; each key behind a comma.
pub(super) fn group_attrs(entity: &Entity<'_>, group: usize) -> TokenStream {
    let indexes = entity.indexes();
    let in_group = indexes.iter().filter(|index| index.field.is_none() && index.group() == Some(group));
    let attrs = in_group.map(|index| {
        let (at, keys) = (&index.attr.at, keys(index.attr));
        let on = index.attr.on.get().into_iter().flatten();
        let unique = index.attr.is_unique.then(|| quote!(, unique));
        quote!(, #at(on(#(#on),*) #unique #keys))
    });
    attrs.collect()
}

/// The indexes of a field, for its group's view.
pub(super) fn field_attrs(field: &Field<'_>) -> TokenStream {
    let attrs = field.attr.indexes.iter().map(|index| {
        let (at, keys) = (&index.at, keys(index));
        let list = (!keys.is_empty()).then(|| {
            let keys = keys.into_iter().skip(1).collect::<TokenStream>();
            quote!((#keys))
        });
        quote!(#[kv(#at #list)])
    });
    attrs.collect()
}

/// The keys that both kinds have, each behind a comma.
fn keys(index: &attr::Index) -> TokenStream {
    let name = index.name.get().map(|name| quote!(, name = #name));
    let shown = index.shown.key().map(|key| quote!(, #key));
    let generation = index.generation.get().map(|generation| {
        let literal = &generation.literal;
        quote!(, generation = #literal)
    });
    let with = index.with.get().map(|path| quote!(, with = #path));
    quote!(#name #shown #generation #with)
}
