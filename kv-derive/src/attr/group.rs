//! `#[kv(group(name = "settings", ...))]`, and the same keys on the struct for its first group.

use proc_macro2::Span;
use syn::{Ident, LitStr, Path};

use super::adopt::Adopt;
use super::duration;
use super::key::Key;
use super::place::Place;
use super::slot::Slot;
use super::text;
use super::versions::Versions;
use crate::suggest::did_you_mean;
use crate::symbol::{ADAPTER, CODEC, DERIVE, NAME, OPTIONAL, PLAIN, TTL, VERSION_IN, VERSION_MAP, VIEW};

/// A group as it is declared.
pub(crate) struct Group {
    /// Where it is declared: the key `group`, or the struct's name.
    pub(crate) at: Ident,
    pub(crate) name: Slot<LitStr>,
    /// Whether there are only keys: anything else may be meant as a missing key.
    pub(crate) has_keys_alone: bool,
    pub(crate) versions: Versions,
    pub(crate) ttl: Slot<Ttl>,
    pub(crate) codec: Slot<Codec>,
    pub(crate) adopt: Adopt,
    pub(crate) optional: Slot<()>,
    pub(crate) view: Slot<Ident>,
    pub(crate) derives: Slot<Vec<Path>>,
}

/// A duration of at least one second.
#[derive(Clone)]
pub(crate) struct Ttl {
    pub(crate) secs: u64,
    pub(crate) text: LitStr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    Postcard,
}

impl Codec {
    /// As attributes and records name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Postcard => "postcard",
        }
    }

    /// As the runtime's enum names it.
    pub(crate) fn variant(self) -> Ident {
        let name = match self {
            Self::Json => "Json",
            Self::Postcard => "Postcard",
        };
        Ident::new(name, Span::call_site())
    }

    /// Whether values do not name their fields.
    pub(crate) const fn is_binary(self) -> bool {
        matches!(self, Self::Postcard)
    }
}

impl Group {
    pub(super) fn new(at: Ident) -> Self {
        Self {
            at,
            name: Slot::default(),
            has_keys_alone: true,
            versions: Versions::default(),
            ttl: Slot::default(),
            codec: Slot::default(),
            adopt: Adopt::default(),
            optional: Slot::default(),
            view: Slot::default(),
            derives: Slot::default(),
        }
    }

    /// Reads `group(...)`.
    pub(super) fn read(list: &Key<'_>) -> Self {
        let mut group = Self::new(list.ident.clone());
        group.has_keys_alone = list.nested(Place::Group, |key| match key.symbol {
            NAME => key.text(&mut group.name, "name = \"settings\"", text::group_name),
            TTL => read_ttl(key, &mut group.ttl),
            CODEC => read_codec(key, &mut group.codec),
            OPTIONAL => key.flag(&mut group.optional),
            VIEW => read_view(key, &mut group.view),
            DERIVE => read_derive(key, &mut group.derives),
            PLAIN | VERSION_IN | VERSION_MAP | ADAPTER => group.adopt.read(key),
            _ => group.versions.read(key),
        });
        group
    }
}

pub(super) fn read_ttl(key: &Key<'_>, slot: &mut Slot<Ttl>) {
    key.text(slot, "ttl = \"24h\"", |text| match duration::seconds(&text.value()) {
        Ok(secs) => Ok(Ttl { secs, text: text.clone() }),
        Err(complaint) => Err(complaint.to_owned()),
    });
}

pub(super) fn read_codec(key: &Key<'_>, slot: &mut Slot<Codec>) {
    key.text(slot, "codec = \"json\"", |text| {
        let name = text.value();
        match [Codec::Json, Codec::Postcard].into_iter().find(|codec| codec.name() == name) {
            Some(codec) => {
                // It is taken all the same: what it asks of the fields holds when the feature is
                // there.
                if codec == Codec::Postcard && !cfg!(feature = "postcard") {
                    key.cx.error(text, "this codec needs the feature `postcard` of kv-runtime");
                }
                Ok(codec)
            }
            None => {
                let meant = did_you_mean(&name, ["json", "postcard"]);
                Err(format!("unknown codec {name:?}{meant}; the codecs are \"json\" and \"postcard\""))
            }
        }
    });
}

pub(super) fn read_view(key: &Key<'_>, slot: &mut Slot<Ident>) {
    key.text(slot, "view = \"UserSettings\"", text::ident);
}

pub(super) fn read_derive(key: &Key<'_>, slot: &mut Slot<Vec<Path>>) {
    key.paths(slot, "derive(Debug, Clone)");
}
