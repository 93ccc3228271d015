//! The attributes of a field.

use syn::{Attribute, LitStr};

use super::index::Index;
use super::key::each;
use super::lint::levels;
use super::place::Place;
use super::serde::FieldSerde;
use super::slot::Slot;
use super::text;
use super::versions::{Added, Renamed};
use crate::ctxt::Ctxt;
use crate::symbol::{
    ADDED, DOC, EXPIRES_AT, GROUP, ID, INDEX, KV, ORDERED, RAW, RENAMED, SECRET, SHARD, SKIP, UNIQUE,
};

/// What stands on a field.
pub(crate) struct Field {
    pub(crate) id: Slot<()>,
    pub(crate) ordered: Slot<()>,
    pub(crate) secret: Slot<()>,
    pub(crate) raw: Slot<()>,
    pub(crate) shard: Slot<()>,
    pub(crate) group: Slot<LitStr>,
    pub(crate) expires_at: Slot<()>,
    pub(crate) skip: Slot<()>,
    pub(crate) renamed: Vec<Renamed>,
    pub(crate) added: Slot<Added>,
    /// Each `index` and each `unique`.
    pub(crate) indexes: Vec<Index>,
    pub(crate) serde: FieldSerde,
    /// Whether there are only keys: anything else may be meant as a missing key.
    pub(crate) has_keys_alone: bool,
    /// Its doc comments, for the views.
    pub(crate) docs: Vec<Attribute>,
    /// The levels of lints, for what is generated.
    pub(crate) lints: Vec<Attribute>,
}

impl Field {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut field = Self {
            id: Slot::default(),
            ordered: Slot::default(),
            secret: Slot::default(),
            raw: Slot::default(),
            shard: Slot::default(),
            group: Slot::default(),
            expires_at: Slot::default(),
            skip: Slot::default(),
            renamed: Vec::new(),
            added: Slot::default(),
            indexes: Vec::new(),
            serde: FieldSerde::read(cx, attrs),
            has_keys_alone: true,
            docs: attrs.iter().filter(|attr| *attr.path() == DOC).cloned().collect(),
            lints: levels(attrs),
        };
        for attr in attrs.iter().filter(|attr| *attr.path() == KV) {
            let are_keys = each(cx, Place::Field, attr, |key| match key.symbol {
                ID => key.flag(&mut field.id),
                ORDERED => key.flag(&mut field.ordered),
                SECRET => key.flag(&mut field.secret),
                RAW => key.flag(&mut field.raw),
                SHARD => key.flag(&mut field.shard),
                EXPIRES_AT => key.flag(&mut field.expires_at),
                SKIP => key.flag(&mut field.skip),
                GROUP => key.text(&mut field.group, "group = \"settings\"", text::group_name),
                RENAMED => field.renamed.push(Renamed::read(key)),
                ADDED => Added::read(key, &mut field.added),
                INDEX | UNIQUE => field.indexes.push(Index::read_on_field(key)),
                _ => {}
            });
            field.has_keys_alone &= are_keys;
        }
        field
    }

    /// Records what is wrong with the keys of a field that is in no entity. serde's may be right
    /// for its shape.
    pub(crate) fn check_keys(cx: &Ctxt, attrs: &[Attribute]) {
        let keys: Vec<Attribute> = attrs.iter().filter(|attr| *attr.path() == KV).cloned().collect();
        Self::read(cx, &keys);
    }

    /// Whether it is a part of a value.
    pub(crate) fn is_stored(&self) -> bool {
        !self.id.is_written() && !self.skip.is_written()
    }
}
