//! The indexes of an entity: on its fields, and on the struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, LitStr};

use super::constant::is_constant;
use super::entity::{Entity, Field};
use crate::attr::{self, FieldDefault};

/// The constants that every entity has.
pub(crate) const ALWAYS: [&str; 3] = ["SCHEMA", "INDEXES", "EXPIRES_BY_FIELD"];

/// An index as it is declared, and the fields that it names.
pub(crate) struct Index<'s> {
    pub(crate) attr: &'s attr::Index,
    /// The field that it stands on; none if it stands on the struct.
    pub(crate) field: Option<&'s Ident>,
    /// Its parts in their order, as far as they could be read.
    pub(crate) parts: Vec<Part<'s>>,
}

/// What an index names.
pub(crate) struct Part<'s> {
    pub(crate) at: &'s Ident,
    /// None if the struct has no such field.
    pub(crate) found: Option<Found<'s>>,
}

impl Part<'_> {
    pub(crate) const fn is_id(&self) -> bool {
        matches!(self.found, Some(Found::Id(_)))
    }
}

/// What kind of field an index names.
pub(crate) enum Found<'s> {
    /// Stored in the group at this place.
    Stored(usize, &'s Field<'s>),
    Id(&'s Field<'s>),
    Skipped,
    /// In a group that is not known, which is an error already.
    Stray(&'s Field<'s>),
}

impl Entity<'_> {
    /// All indexes: those on fields, and then those on the struct.
    pub(crate) fn indexes(&self) -> Vec<Index<'_>> {
        let part = |at| Part { at, found: self.find(at) };
        let on_fields = self.fields().flat_map(|field| {
            let at = field.ident;
            let indexes = field.attr.indexes.iter();
            indexes.map(move |attr| Index { attr, field: Some(at), parts: vec![part(at)] })
        });
        let on_struct = self.container.indexes.iter().map(|attr| {
            let names = attr.on.get().into_iter().flatten();
            Index { attr, field: None, parts: names.map(part).collect() }
        });
        on_fields.chain(on_struct).collect()
    }

    /// The stored fields that an index is of, each once.
    pub(crate) fn indexed_fields(&self) -> Vec<&Field<'_>> {
        self.indexed(self.stored_fields())
    }

    /// The ids that an index is of, each once.
    pub(crate) fn indexed_ids(&self) -> Vec<&Field<'_>> {
        self.indexed(self.ids.iter())
    }

    fn indexed<'s>(&'s self, fields: impl Iterator<Item = &'s Field<'s>>) -> Vec<&'s Field<'s>> {
        let indexes = self.indexes();
        let is_indexed = |field: &&Field<'_>| {
            let mut fields = indexes.iter().flat_map(Index::fields);
            fields.any(|indexed| indexed.ident == field.ident)
        };
        fields.filter(is_indexed).collect()
    }

    /// All fields. The stored ones come first, group by group.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'_>> {
        self.stored_fields().chain(&self.ids).chain(&self.skipped).chain(&self.strays)
    }

    fn find(&self, name: &Ident) -> Option<Found<'_>> {
        let is_it = |field: &&Field<'_>| field.ident.unraw() == name.unraw();
        let stored = self.groups.iter().enumerate().find_map(|(at, group)| {
            let field = group.fields.iter().find(is_it)?;
            // It is in the first group because its own could not be read.
            let is_stray = field.attr.group.is_written() && field.attr.group.get().is_none();
            Some(if is_stray { Found::Stray(field) } else { Found::Stored(at, field) })
        });
        let id = || self.ids.iter().find(is_it).map(Found::Id);
        let skipped = || self.skipped.iter().find(is_it).map(|_| Found::Skipped);
        let stray = || self.strays.iter().find(is_it).map(Found::Stray);
        stored.or_else(id).or_else(skipped).or_else(stray)
    }
}

impl Index<'_> {
    /// Its name: the one that is written, or that of its field.
    pub(crate) fn name(&self) -> Option<String> {
        match self.attr.name.key() {
            Some(_) => self.attr.name.get().map(LitStr::value),
            None => self.field.map(|field| field.unraw().to_string()),
        }
    }

    /// Where its name is written.
    pub(crate) fn named_at(&self) -> TokenStream {
        self.attr.name.get().map_or_else(|| self.attr.at.to_token_stream(), ToTokens::to_token_stream)
    }

    /// The constant that lookups name. It has the place of the declaration, so that another item of
    /// its name is reported there.
    pub(crate) fn constant(&self) -> Option<Ident> {
        let name = self.name().filter(|name| attr::index_name_is_good(name).is_ok())?;
        let place = self.attr.name.get().map_or_else(|| self.attr.at.span(), LitStr::span);
        Some(Ident::new(&name.to_ascii_uppercase(), Span::call_site().located_at(place)))
    }

    /// The group of its stored fields, if they are in one. An id is in every group.
    pub(crate) fn group(&self) -> Option<usize> {
        let stored = self.parts.iter().filter(|part| !part.is_id());
        let mut groups = stored.map(|part| match part.found {
            Some(Found::Stored(group, _)) => Some(group),
            _ => None,
        });
        let first = groups.next()??;
        groups.all(|group| group == Some(first)).then_some(first)
    }

    /// The fields that it is of, as far as they are known.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'_>> {
        self.parts.iter().filter_map(|part| match part.found {
            Some(Found::Stored(_, field) | Found::Stray(field) | Found::Id(field)) => Some(field),
            _ => None,
        })
    }

    /// The type of its values: that of its field, or a tuple of those of several fields.
    pub(crate) fn value_type(&self) -> TokenStream {
        let types: Vec<_> = self.fields().map(|field| &field.ty).collect();
        match types.as_slice() {
            [only] => only.to_token_stream(),
            types => quote!((#(#types,)*)),
        }
    }
}

/// The defaults of a field whose tokens do not show that they are the same value each time. serde's
/// has the place of its text.
pub(crate) fn unproven_defaults(field: &Field<'_>) -> Vec<TokenStream> {
    let function = match &field.attr.serde.default {
        Some(FieldDefault::Function(function)) => Some(quote_spanned!(function.span()=> #function())),
        Some(FieldDefault::Trait) | None => None,
    };
    let added = field.attr.added.get().and_then(|added| added.default.get());
    let added = added.filter(|default| !is_constant((*default).clone())).cloned();
    function.into_iter().chain(added).collect()
}
