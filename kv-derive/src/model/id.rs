//! An id type: a newtype, or an enum of unit variants.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, FieldsUnnamed, GenericParam, Generics, Ident, Type};

use super::generics::mentions;
use crate::attr;
use crate::case::Case;
use crate::ctxt::Ctxt;

/// A type with `#[derive(KvId)]`.
pub(crate) struct Id<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// Whether the type says so, or a variant of it.
    pub(crate) is_deprecated: bool,
    pub(crate) attr: attr::IdType,
    pub(crate) shape: IdShape<'a>,
}

pub(crate) enum IdShape<'a> {
    /// A struct around one other id, and phantoms beside it.
    Newtype(Newtype<'a>),
    /// An enum of unit variants.
    Enum(Vec<Variant<'a>>),
}

pub(crate) struct Newtype<'a> {
    pub(crate) ty: &'a Type,
    /// Its place among the fields.
    pub(crate) at: usize,
    /// How many fields there are: the others are phantoms.
    pub(crate) len: usize,
}

pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    /// What it is called in keys.
    pub(crate) text: String,
}

impl<'a> Id<'a> {
    /// Reads the type with what stands on it; nothing if it can be no id.
    pub(crate) fn read(cx: &Ctxt, input: &'a DeriveInput, attr: attr::IdType) -> Option<Self> {
        generics_are_phantoms(cx, input);
        let shape = match &input.data {
            Data::Struct(data) => newtype(cx, input, &data.fields, &attr),
            Data::Enum(data) => variants(cx, input, data, attr.rename_all.get().copied()),
            Data::Union(_) => {
                cx.error(&input.ident, "an id type is a newtype or an enum of unit variants, not a union");
                None
            }
        };
        let is_deprecated = attr::is_deprecated(input);
        Some(Self { ident: &input.ident, generics: &input.generics, is_deprecated, attr, shape: shape? })
    }
}

/// A parameter may tell kinds of ids apart, as a phantom; what is in keys has one form.
fn generics_are_phantoms(cx: &Ctxt, input: &DeriveInput) {
    let held = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) => held(fields).map(|(_, ty)| ty.to_token_stream()).collect(),
            _ => TokenStream::new(),
        },
        Data::Enum(_) | Data::Union(_) => TokenStream::new(),
    };
    let is_struct = matches!(input.data, Data::Struct(_));
    for param in &input.generics.params {
        let is_phantom = match param {
            GenericParam::Type(param) => is_struct && !mentions(held.clone(), &[param.ident.to_string()]),
            GenericParam::Const(param) => is_struct && !mentions(held.clone(), &[param.ident.to_string()]),
            GenericParam::Lifetime(_) => false,
        };
        if !is_phantom {
            cx.error(param, "an id type is generic only by a `PhantomData`: its keys have one form");
        }
    }
}

/// The fields that are not phantoms, each with its place.
fn held(fields: &FieldsUnnamed) -> impl Iterator<Item = (usize, &Type)> {
    let is_phantom = |ty: &Type| matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"));
    fields.unnamed.iter().map(|field| &field.ty).enumerate().filter(move |(_, ty)| !is_phantom(ty))
}

fn newtype<'a>(
    cx: &Ctxt,
    input: &DeriveInput,
    fields: &'a Fields,
    attr: &attr::IdType,
) -> Option<IdShape<'a>> {
    if let Some(key) = attr.rename_all.key() {
        cx.error(key, "`rename_all` is for the variants of an enum");
    }
    for field in fields {
        attr::refuse_on_field(cx, &field.attrs);
    }
    match fields {
        Fields::Unnamed(fields) if held(fields).count() == 1 => held(fields)
            .next()
            .map(|(at, ty)| IdShape::Newtype(Newtype { ty, at, len: fields.unnamed.len() })),
        Fields::Unnamed(fields) if held(fields).count() > 1 => {
            let message =
                "an id type holds one id; for a composite id mark several fields of the entity `#[kv(id)]`";
            cx.error(&input.ident, message);
            None
        }
        Fields::Named(_) => {
            cx.error(
                &input.ident,
                format_args!("an id type is a newtype: `struct {}(String);`", input.ident),
            );
            None
        }
        _ => {
            cx.error(&input.ident, "an id type without a field names nothing");
            None
        }
    }
}

fn variants<'a>(
    cx: &Ctxt,
    input: &DeriveInput,
    data: &'a syn::DataEnum,
    case: Option<Case>,
) -> Option<IdShape<'a>> {
    if data.variants.is_empty() {
        cx.error(&input.ident, "an enum without variants names nothing");
    }
    let mut variants: Vec<Variant<'a>> = Vec::new();
    for variant in &data.variants {
        let attr = attr::Variant::read(cx, &variant.attrs);
        for field in &variant.fields {
            attr::refuse_on_field(cx, &field.attrs);
        }
        if !matches!(variant.fields, Fields::Unit) {
            cx.error(&variant.fields, "the variants of an id type have no fields");
        }
        let text = attr.rename.get().cloned().unwrap_or_else(|| {
            let name = variant.ident.unraw().to_string();
            case.map_or_else(|| name.clone(), |case| case.apply(&name))
        });
        if let Some(twin) = variants.iter().find(|twin| twin.text == text) {
            let message = format!("`{}` is called {text:?} in keys, as `{}` is", variant.ident, twin.ident);
            cx.error(&variant.ident, message);
        }
        variants.push(Variant { ident: &variant.ident, text });
    }
    Some(IdShape::Enum(variants))
}
