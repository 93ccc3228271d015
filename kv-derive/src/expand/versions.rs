//! Versions: the table of steps, and the ways from and to a predecessor.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ExprPath;
use syn::spanned::Spanned;

use super::hidden::{marker, marker_field, reader};
use super::spanned::{default_value, end_of, location_of};
use crate::attr::{Added, FieldDefault, FunctionStep, Removed, Renamed, Version};
use crate::model::{Entity, Field, Group, Step, StepKind};

/// What a group's entry in the schema has of its versions, as calls behind it.
pub(super) fn table(entity: &Entity<'_>, at: usize, group: &Group<'_>) -> TokenStream {
    let (oldest, write_version) = (group.oldest(), group.write_version());
    let with_oldest = (oldest != group.version()).then(|| quote!(.with_oldest(#oldest)));
    let with_write_version =
        (write_version != group.version()).then(|| quote!(.with_write_version(#write_version)));
    let steps: Vec<TokenStream> = group.steps().iter().map(|step| self::step(entity, at, step)).collect();
    let with_steps = (!steps.is_empty()).then(|| quote!(.with_steps(&[#(#steps),*])));
    let denies_unknown = entity.container.serde.denies_unknown.then(|| quote!(.denies_unknown()));
    quote!(#with_oldest #with_write_version #with_steps #denies_unknown)
}

fn step(entity: &Entity<'_>, at: usize, step: &Step<'_>) -> TokenStream {
    let to = step.to;
    let change = match &step.kind {
        StepKind::Removed { name, default } => {
            let default = option(default.map(|default| quote!(|| __kv::to_json(#default))));
            quote!(Remove { name: #name, default: #default })
        }
        StepKind::Renamed { from, to } => quote!(Rename { from: #from, to: #to }),
        StepKind::Added { name, field, default } => {
            let default = added(entity, at, field, *default);
            quote!(Add { name: #name, default: || #default })
        }
        StepKind::Function { up, down, with_id } => {
            let name = up.to_token_stream().to_string().replace(' ', "");
            let function = |path: &ExprPath| match with_id {
                true => {
                    let (id, span) = (quote!(<Self as __kv::KvEntity>::Id), path.span());
                    quote_spanned!(span=> |__object, __id| __kv::step_with_id::<#id>(__object, __id, #path))
                }
                false => path.to_token_stream(),
            };
            let (up, down) = (function(up), option(down.map(function)));
            let change = if *with_id { quote!(FunctionWithId) } else { quote!(Function) };
            quote!(#change { name: #name, up: #up, down: #down })
        }
    };
    let compatible = step.is_compatible.then(|| quote!(.compatible()));
    quote!(__kv::Step::new(#to, __kv::Change::#change) #compatible)
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The value of a field that older records do not have, as values write it.
fn added(entity: &Entity<'_>, at: usize, field: &Field<'_>, default: Option<&TokenStream>) -> TokenStream {
    let Field { ident, ty, attr, .. } = field;
    let (_, args, _) = entity.generics.split_for_impl();
    let value = match (default, &attr.serde.default) {
        (Some(default), _) => default.clone(),
        (None, Some(FieldDefault::Function(function))) => quote!(#function()),
        (None, None) if entity.container.serde.default.is_some() => {
            let reader = reader(at);
            quote!(<#reader #args as ::core::default::Default>::default().#ident)
        }
        _ => default_value(ty, "AddedDefault"),
    };
    if !attr.serde.writes_itself {
        return quote!(__kv::to_json::<#ty>(#value));
    }
    // Its attributes write it, so it is written in a struct that has them and shows nothing but the
    // field.
    let bound = entity.is_generic().then(|| quote!(, bound(serialize = "")));
    let (params, _, where_clause) = entity.generics.split_for_impl();
    let (declared, marker) = (marker_field(entity), marker(entity));
    let serde = &attr.serde.attrs;
    quote!({
        #[derive(__kv::serde::Serialize)]
        #[serde(transparent, crate = "__kv::serde" #bound)]
        struct __Member #params #where_clause { #(#serde)* #ident: #ty, #declared }
        __kv::to_json::<__Member #args>(__Member { #ident: #value, #marker })
    })
}

/// A group's value: by its predecessor if the record is no newer than that, or else what `current`
/// reads.
pub(super) fn read(entity: &Entity<'_>, at: usize, group: &Group<'_>, current: TokenStream) -> TokenStream {
    if group.attr.versions.previous.get().is_none() {
        return current;
    }
    let (reader, marker, literal) = (reader(at), marker(entity), Literal::usize_unsuffixed(at));
    let new = entity.type_of(group);
    if entity.viewed_groups().is_empty() {
        // As a whole: an entity that implements `Drop` is not taken apart.
        let skipped = entity.skipped.iter().map(|Field { ident, ty, .. }| {
            let default = default_value(ty, "SkippedDefault");
            quote!(__new.#ident = #default;)
        });
        return quote! {
            match <Self as __kv::KvEntity>::from_previous(&__id, __groups, #literal)? {
                ::core::option::Option::Some(mut __new) => {
                    <Self as __kv::KvEntity>::set_id(&mut __new, __id);
                    #(#skipped)*
                    return ::core::result::Result::Ok(__new);
                }
                ::core::option::Option::None => #current,
            }
        };
    }
    let fields = group.fields.iter().map(|field| field.ident);
    quote! {
        match <#new as __kv::KvEntity>::from_previous(&__id, __groups, #literal)? {
            ::core::option::Option::Some(__new) => #reader { #(#fields: __new.#fields,)* #marker },
            ::core::option::Option::None => #current,
        }
    }
}

/// The way from a predecessor. The view of one of several groups has that of the group.
pub(super) fn from_previous(entity: &Entity<'_>) -> Option<TokenStream> {
    let [group] = entity.groups.as_slice() else { return None };
    let previous = group.attr.versions.previous.get()?;
    // At the user's path and of his context, as are the errors of the other uses: the same words at
    // the same place are shown once.
    let span = previous.span();
    let arguments = quote_spanned! {span=>
        (__groups, __group, || __kv::same_id::<
            <#previous as __kv::KvEntity>::Id,
            <Self as __kv::KvEntity>::Id,
        >(__id))
    };
    let read = quote_spanned! {span=>
        <#previous as __kv::KvEntity>::read_as_previous::<__G, Self> #arguments
    };
    Some(quote_spanned! {span=>
        fn from_previous<__G: __kv::GroupSource>(
            __id: &Self::Id,
            __groups: &mut __G,
            __group: usize,
        ) -> ::core::result::Result<::core::option::Option<Self>, __G::Error> {
            #read
        }
    })
}

/// The way back to a predecessor, which is taken where a version is written that only that one
/// writes.
pub(super) fn as_previous(entity: &Entity<'_>) -> Option<TokenStream> {
    let [group] = entity.groups.as_slice() else { return None };
    let previous = group.attr.versions.previous.get().filter(|_| group.writes_older())?;
    let span = location_of(previous);
    let version = group.write_version();
    let convert = if entity.has_parameter_in(previous) {
        quote_spanned!(span=> <Self as __kv::StepInto<#previous>>::step_into(self))
    } else {
        let needed = quote!({ __kv::newest::<#previous>() >= #version });
        quote_spanned!(span=> <Self as __kv::WayBack<#previous, #needed>>::way_back(self))
    };
    Some(quote! {
        fn as_previous<__V: __kv::PreviousVisitor>(
            &self,
            __group: usize,
            __version: u32,
            __visitor: __V,
        ) -> ::core::option::Option<__V::Out> {
            if __group == 0 && __version <= __kv::newest::<#previous>() {
                ::core::option::Option::Some(__visitor.visit(#convert))
            } else {
                ::core::option::Option::None
            }
        }
    })
}

/// That each predecessor is an earlier version of the same records, and that the steps begin where
/// it ends. Of several groups the views check theirs, and here is left what only the whole entity
/// cannot do.
pub(super) fn checks(entity: &Entity<'_>) -> Vec<TokenStream> {
    let is_whole = entity.viewed_groups().is_empty();
    let groups = entity.groups.iter().enumerate().filter(|(_, group)| is_whole || group.writes_older());
    let checks = groups.filter_map(|(at, group)| {
        let previous = group.attr.versions.previous.get()?;
        let (start, end) = (location_of(previous), Span::call_site().located_at(end_of(previous)));
        let ident = entity.ident;
        let (_, args, _) = entity.generics.split_for_impl();
        let at = Literal::usize_unsuffixed(at);
        let assert = match is_whole {
            true => quote_spanned!(start=> __kv::assert_follows),
            false => quote_spanned!(start=> __kv::assert_not_written),
        };
        let before = quote_spanned!(start=> <#previous as __kv::KvEntity>::SCHEMA);
        let arguments = quote_spanned! {end=>
            (&<#ident #args as __kv::KvEntity>::SCHEMA, #at, &#before)
        };
        Some(quote!(#assert #arguments))
    });
    checks.collect()
}

/// What a group says of its versions, for its view; each key behind a comma.
pub(super) fn group_attrs(group: &Group<'_>) -> TokenStream {
    let versions = &group.attr.versions;
    let oldest = versions.oldest.get().map(|Version { literal, .. }| quote!(, oldest = #literal));
    let write_version =
        versions.write_version.get().map(|Version { literal, .. }| quote!(, write_version = #literal));
    let previous = versions.previous.get().map(|path| quote!(, previous = #path));
    let steps = versions.steps.iter().map(|FunctionStep { at, from, up, down, with_id, compatible }| {
        let (from, down) = (&from.literal, down.get().map(|down| quote!(, down = #down)));
        let with_id = with_id.key().map(|key| quote!(, #key));
        let compatible = compatible.key().map(|key| quote!(, #key));
        quote!(, #at(#from => #up #down #with_id #compatible))
    });
    let removed = versions.removed.iter().map(|Removed { at, name, since, default, compatible }| {
        let (name, since) = (name.get(), since.get().map(|since| &since.literal));
        let default = default.get().map(|default| quote!(, default = #default));
        let compatible = compatible.key().map(|key| quote!(, #key));
        quote!(, #at(name = #name, since = #since #default #compatible))
    });
    quote!(#oldest #write_version #previous #(#steps)* #(#removed)*)
}

/// What a field says of versions, for its group's view.
pub(super) fn field_attrs(field: &Field<'_>) -> TokenStream {
    let renamed = field.attr.renamed.iter().map(|Renamed { at, from, since, compatible }| {
        let (from, since) = (from.get(), since.get().map(|since| &since.literal));
        let compatible = compatible.key().map(|key| quote!(, #key));
        quote!(#[kv(#at(from = #from, since = #since #compatible))])
    });
    let added = field.attr.added.get().map(|Added { since, default }| {
        let (key, since) = (field.attr.added.key(), since.get().map(|since| &since.literal));
        let default = default.get().map(|default| quote!(, default = #default));
        quote!(#[kv(#key(since = #since #default))])
    });
    quote!(#(#renamed)* #added)
}

/// Whether a group's predecessor has to be named in the entity's `where` clause.
pub(super) fn is_named_in_bounds(entity: &Entity<'_>, group: &Group<'_>) -> bool {
    group.attr.versions.previous.get().is_some_and(|previous| entity.has_parameter_in(previous))
}
