//! The attributes of `#[derive(KvId)]`: on the type, and on the variants of an enum. Fields have none.

use syn::{Attribute, Path};

use super::key::each;
use super::place::Place;
use super::slot::Slot;
use super::text;
use crate::case::Case;
use crate::ctxt::Ctxt;
use crate::symbol::{CRATE, KV, RENAME_ALL};

/// What stands on the type.
#[derive(Default)]
pub(crate) struct IdType {
    pub(crate) krate: Slot<Path>,
    pub(crate) rename_all: Slot<Case>,
}

/// What stands on a variant.
#[derive(Default)]
pub(crate) struct Variant {
    pub(crate) rename: Slot<String>,
}

impl IdType {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut id = Self::default();
        for attr in attrs.iter().filter(|attr| *attr.path() == KV) {
            each(cx, Place::IdType, attr, |key| match key.symbol {
                CRATE => key.text(&mut id.krate, "crate = \"::kv_runtime\"", text::path),
                RENAME_ALL => {
                    let form = "rename_all = \"kebab-case\"";
                    key.text(&mut id.rename_all, form, |text| Case::read(&text.value()));
                }
                _ => {}
            });
        }
        id
    }
}

/// Records every key on a field, which has none.
pub(crate) fn refuse_on_field(cx: &Ctxt, attrs: &[Attribute]) {
    for attr in attrs.iter().filter(|attr| *attr.path() == KV) {
        each(cx, Place::IdField, attr, |_| {});
    }
}

impl Variant {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut variant = Self::default();
        for attr in attrs.iter().filter(|attr| *attr.path() == KV) {
            each(cx, Place::Variant, attr, |key| {
                key.text(&mut variant.rename, "rename = \"admin\"", text::variant)
            });
        }
        variant
    }
}
