//! An entity: its ids, its groups and the fields of each.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Generics, Ident, LitStr, Type, Visibility};

use super::generics::{mentions, names};
use super::receiver::Receiver;
use crate::attr::{self, Codec, Ttl};
use crate::case::Case;
use crate::ctxt::Ctxt;
use crate::suggest::{did_you_mean, listed};

/// A struct with `#[derive(KvEntity)]`, complete as far as it could be read.
pub(crate) struct Entity<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) generics: Generics,
    pub(crate) container: attr::Container,
    pub(crate) ids: Vec<Field<'a>>,
    /// The anchor first; never empty.
    pub(crate) groups: Vec<Group<'a>>,
    /// The fields that are not stored.
    pub(crate) skipped: Vec<Field<'a>>,
    /// The fields of groups that are not known.
    pub(crate) strays: Vec<Field<'a>>,
    /// Whether it is not known of a field which group it is in, so that a group may lack it.
    pub(crate) has_stray: bool,
    /// Whether a field has something that is not a key and may mean `id`.
    pub(crate) may_have_another_id: bool,
}

/// The fields that share a value.
pub(crate) struct Group<'a> {
    pub(crate) attr: attr::Group,
    /// Whether its keys stand on the struct, not in a `group(...)`.
    pub(crate) is_on_struct: bool,
    pub(crate) fields: Vec<Field<'a>>,
}

pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) ty: Type,
    /// What values call it.
    pub(crate) stored: String,
    /// Under which name it is read.
    pub(crate) read: String,
    pub(crate) attr: attr::Field,
}

impl<'a> Entity<'a> {
    /// Reads the struct with what stands on it; nothing if it is not one with named fields.
    pub(crate) fn read(cx: &Ctxt, input: &'a DeriveInput, mut container: attr::Container) -> Option<Self> {
        let fields = named_fields(cx, input)?;
        let receiver = Receiver { ident: &input.ident, generics: &input.generics };
        let mut generics = receiver.replace(&input.generics);
        generics.where_clause = input.generics.where_clause.as_ref().map(|clause| receiver.replace(clause));
        if let Some(default) = &mut container.serde.default {
            default.function = default.function.as_ref().map(|path| receiver.replace_path(path));
        }
        for group in container.first.iter_mut().chain(&mut container.groups) {
            group.adopt.adapter.change(|path| receiver.replace(path));
            name_self(&receiver, &mut group.versions);
        }
        let fields: Vec<Field<'a>> = fields
            .filter_map(|field| {
                let mut attr = attr::Field::read(cx, &field.attrs);
                attr.serde.change_paths(|path| receiver.replace_path(path));
                attr.added.change(|added| added.with_default(|default| receiver.replace(default)));
                for index in &mut attr.indexes {
                    index.with.change(|path| receiver.replace(path));
                }
                let ident = field.ident.as_ref()?;
                let name = ident.unraw().to_string();
                let called = |own: &Option<String>, all: Option<Case>| match (own, all) {
                    (Some(own), _) => own.clone(),
                    (None, Some(case)) => case.apply_to_field(&name),
                    (None, None) => name.clone(),
                };
                let (own, all) = (&attr.serde.rename, &container.serde.rename_all);
                let (stored, read) = (called(&own.write, all.write), called(&own.read, all.read));
                let ty = receiver.replace(&field.ty);
                Some(Field { ident, vis: &field.vis, ty, stored, read, attr })
            })
            .collect();

        let groups = declared_groups(&mut container, &fields);
        let mut entity = Self {
            ident: &input.ident,
            vis: &input.vis,
            generics,
            container,
            ids: Vec::new(),
            groups,
            skipped: Vec::new(),
            strays: Vec::new(),
            has_stray: false,
            may_have_another_id: fields.iter().any(|field| !field.attr.has_keys_alone),
        };
        for field in fields {
            entity.place(cx, field);
        }
        Some(entity)
    }

    /// Puts a field where it belongs.
    fn place(&mut self, cx: &Ctxt, field: Field<'a>) {
        if field.attr.id.is_written() {
            self.ids.push(field);
        } else if field.attr.skip.is_written() {
            self.skipped.push(field);
        } else if let Some(name) = field.attr.group.get() {
            let wanted = name.value();
            let named = self.groups.iter().position(|group| group.name().as_ref() == Some(&wanted));
            // A group whose name has a mistake may well be the one.
            let unnamed =
                || self.groups.iter().position(|group| !group.is_on_struct && group.name().is_none());
            if let Some(at) = named.or_else(unnamed) {
                self.groups[at].fields.push(field);
            } else {
                let names: Vec<String> = self.groups.iter().filter_map(Group::name).collect();
                let names = || names.iter().map(String::as_str);
                let known = match names().count() {
                    0 => format!("; declare it on the struct: `#[kv(group(name = {wanted:?}))]`"),
                    1 => format!("{}; the group is {}", did_you_mean(&wanted, names()), listed(names())),
                    _ => format!("{}; the groups are {}", did_you_mean(&wanted, names()), listed(names())),
                };
                cx.error(name, format_args!("no group is named {wanted:?}{known}"));
                self.has_stray = true;
                self.strays.push(field);
            }
        } else if let Some(group) = self.groups.first_mut() {
            self.has_stray |= field.attr.group.is_written() || !field.attr.has_keys_alone;
            // Where no group takes the fields without a name there are none such.
            group.fields.push(field);
        }
    }

    /// The name as text, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(crate) fn prefix(&self) -> &str {
        let prefix = self.container.shared_prefix.get().or(self.container.prefix.get());
        prefix.map_or("", String::as_str)
    }

    /// Whether ids follow the prefix without a `:`.
    pub(crate) fn has_shared_prefix(&self) -> bool {
        self.container.shared_prefix.is_written()
    }

    pub(crate) fn ttl<'s>(&'s self, group: &'s Group<'a>) -> Option<&'s Ttl> {
        group.attr.ttl.get().or(self.container.ttl.get())
    }

    pub(crate) fn codec(&self, group: &Group<'a>) -> Codec {
        group.attr.codec.get().or(self.container.codec.get()).copied().unwrap_or(Codec::Json)
    }

    /// Whether the group's records are stored as their values alone.
    pub(crate) fn is_plain(&self, group: &Group<'a>) -> bool {
        let adopt = &group.attr.adopt;
        adopt.plain.is_written() || adopt.adapter.is_written() || self.container.plain.is_written()
    }

    /// The field that says when the record expires.
    pub(crate) fn expires_at(&self) -> Option<&Field<'a>> {
        self.stored_fields().find(|field| field.attr.expires_at.is_written())
    }

    pub(crate) fn stored_fields(&self) -> impl Iterator<Item = &Field<'a>> {
        self.groups.iter().flat_map(|group| &group.fields)
    }

    /// The type of the id field, or a tuple of several.
    pub(crate) fn id_type(&self) -> TokenStream {
        match self.ids.as_slice() {
            [field] => field.ty.to_token_stream(),
            fields => {
                let types = fields.iter().map(|field| &field.ty);
                quote!((#(#types,)*))
            }
        }
    }

    /// Whether it has parameters.
    pub(crate) fn is_generic(&self) -> bool {
        !self.generics.params.is_empty()
    }

    /// Whether something, such as a field's type, names parameters of the entity.
    pub(crate) fn has_parameter_in(&self, syntax: &impl ToTokens) -> bool {
        mentions(syntax.to_token_stream(), &names(&self.generics))
    }
}

impl Group<'_> {
    /// The last segment of its keys.
    pub(crate) fn name(&self) -> Option<String> {
        self.attr.name.get().map(LitStr::value)
    }

    /// Where it is declared: its name, or the key if it has no name.
    pub(crate) fn span(&self) -> Span {
        self.attr.name.get().map_or_else(|| self.attr.at.span(), LitStr::span)
    }

    pub(crate) fn version(&self) -> u32 {
        self.attr.versions.version.get().map_or(1, |version| version.number)
    }

    /// The oldest version that is read.
    pub(crate) fn oldest(&self) -> u32 {
        self.attr.versions.oldest.get().map_or(1, |oldest| oldest.number)
    }

    /// The version that is written.
    pub(crate) fn write_version(&self) -> u32 {
        self.attr.versions.write_version.get().map_or_else(|| self.version(), |version| version.number)
    }

    /// Whether an older version than today's is written.
    pub(crate) fn writes_older(&self) -> bool {
        self.write_version() < self.version()
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.attr.optional.is_written()
    }
}

fn named_fields<'a>(cx: &Ctxt, input: &'a DeriveInput) -> Option<impl Iterator<Item = &'a syn::Field>> {
    let complaint = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields.named.iter()),
            Fields::Unnamed(_) => {
                "an entity is a struct with named fields: values and keys go by their names"
            }
            Fields::Unit => "an entity is a struct with named fields, one of them its `#[kv(id)]`",
        },
        Data::Enum(data) if data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) => {
            "an entity is a struct with named fields; for an enum that is an id, did you mean `#[derive(KvId)]`?"
        }
        Data::Enum(_) => "an entity is a struct with named fields; an enum can be the type of one of them",
        Data::Union(_) => "an entity is a struct with named fields, not a union",
    };
    cx.error(&input.ident, complaint);
    for field in all_fields(&input.data) {
        attr::Field::check_keys(cx, &field.attrs);
    }
    None
}

/// The fields of any shape.
fn all_fields(data: &Data) -> Vec<&syn::Field> {
    match data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(data) => data.fields.named.iter().collect(),
    }
}

/// `Self` means the entity also in what a group says of its versions, which its view says, too.
fn name_self(receiver: &Receiver<'_>, versions: &mut attr::Versions) {
    versions.previous.change(|path| receiver.replace(path));
    for step in &mut versions.steps {
        step.up = receiver.replace(&step.up);
        step.down.change(|down| receiver.replace(down));
    }
    for removed in &mut versions.removed {
        removed.default.change(|default| receiver.replace(default));
    }
}

/// The groups in their order, still without fields. The one on the struct itself is there if it is
/// named, if it has fields, or if there is no other.
fn declared_groups<'a>(container: &mut attr::Container, fields: &[Field<'a>]) -> Vec<Group<'a>> {
    let others = std::mem::take(&mut container.groups);
    let has_unnamed = fields.iter().any(|field| field.attr.is_stored() && !field.attr.group.is_written());
    let mut groups = Vec::new();
    let first = container.first.take_if(|first| first.name.is_written() || has_unnamed || others.is_empty());
    groups.extend(first.map(|attr| Group { attr, is_on_struct: true, fields: Vec::new() }));
    groups.extend(others.into_iter().map(|attr| Group { attr, is_on_struct: false, fields: Vec::new() }));
    groups
}
