//! The attributes of the struct.

use syn::{Attribute, Data, DeriveInput, Fields, LitStr, Path};

use super::group::{Codec, Group, Ttl, read_codec, read_derive, read_ttl, read_view};
use super::index::Index;
use super::key::each;
use super::lint::levels;
use super::place::Place;
use super::serde::ContainerSerde;
use super::slot::Slot;
use super::text;
use crate::ctxt::Ctxt;
use crate::symbol::{
    ADAPTER, CODEC, CRATE, DEPRECATED, DERIVE, GROUP, INDEX, KV, PLAIN, PREFIX, SHARED_PREFIX, TTL,
    VERSION_IN, VERSION_MAP, VIEW, VIEW_OF,
};

/// What stands on the struct.
pub(crate) struct Container {
    pub(crate) krate: Slot<Path>,
    pub(crate) prefix: Slot<String>,
    pub(crate) shared_prefix: Slot<String>,
    /// What holds for every group that does not say otherwise.
    pub(crate) ttl: Slot<Ttl>,
    pub(crate) codec: Slot<Codec>,
    pub(crate) plain: Slot<()>,
    /// The keys of the first group that stand on the struct itself, until that group takes them.
    pub(crate) first: Option<Group>,
    /// The `group(...)`s.
    pub(crate) groups: Vec<Group>,
    /// The `index(...)`s.
    pub(crate) indexes: Vec<Index>,
    pub(crate) view_of: Slot<LitStr>,
    pub(crate) serde: ContainerSerde,
    /// Whether there are only keys: anything else may be meant as a missing key.
    pub(crate) has_keys_alone: bool,
    /// The levels of lints, for what is generated.
    pub(crate) lints: Vec<Attribute>,
    /// Whether the struct says that it is deprecated, or a field of it.
    pub(crate) is_deprecated: bool,
}

impl Container {
    pub(crate) fn read(cx: &Ctxt, input: &DeriveInput) -> Self {
        let mut first = Group::new(input.ident.clone());
        // serde has more keys for other shapes. These cannot be an entity, and have an error
        // already.
        let serde: &[Attribute] = match &input.data {
            Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => &input.attrs,
            _ => &[],
        };
        let mut container = Self {
            krate: Slot::default(),
            prefix: Slot::default(),
            shared_prefix: Slot::default(),
            ttl: Slot::default(),
            codec: Slot::default(),
            plain: Slot::default(),
            first: None,
            groups: Vec::new(),
            indexes: Vec::new(),
            view_of: Slot::default(),
            serde: ContainerSerde::read(cx, serde),
            has_keys_alone: true,
            lints: levels(&input.attrs),
            is_deprecated: is_deprecated(input),
        };
        for attr in input.attrs.iter().filter(|attr| *attr.path() == KV) {
            let are_keys = each(cx, Place::Entity, attr, |key| match key.symbol {
                CRATE => key.text(&mut container.krate, "crate = \"::kv_runtime\"", text::path),
                PREFIX => key.text(&mut container.prefix, "prefix = \"user\"", text::prefix),
                SHARED_PREFIX => {
                    key.text(
                        &mut container.shared_prefix,
                        "shared_prefix = \":1:user:\"",
                        text::shared_prefix,
                    );
                }
                TTL => read_ttl(key, &mut container.ttl),
                CODEC => read_codec(key, &mut container.codec),
                PLAIN => key.flag(&mut container.plain),
                VERSION_IN | VERSION_MAP | ADAPTER => first.adopt.read(key),
                VIEW => read_view(key, &mut first.view),
                DERIVE => read_derive(key, &mut first.derives),
                VIEW_OF => key.text(&mut container.view_of, "__view_of = \"User\"", |text| Ok(text.clone())),
                GROUP if key.has_list() => container.groups.push(Group::read(key)),
                GROUP => {
                    key.text(&mut first.name, "group = \"profile\"", text::group_name);
                    if !container.groups.is_empty() {
                        let message = "write this before the `group(...)`s: the first group is the anchor";
                        cx.error(&key.ident, message);
                    }
                }
                INDEX => container.indexes.push(Index::read_on_struct(key)),
                _ => first.versions.read(key),
            });
            container.has_keys_alone &= are_keys;
        }
        container.first = Some(first);
        container
    }
}

/// Whether a type says that it is deprecated, or a field or variant of it.
pub(crate) fn is_deprecated(input: &DeriveInput) -> bool {
    let says = |attrs: &[Attribute]| attrs.iter().any(|attr| *attr.path() == DEPRECATED);
    let within = match &input.data {
        Data::Struct(data) => data.fields.iter().any(|field| says(&field.attrs)),
        Data::Enum(data) => data.variants.iter().any(|variant| says(&variant.attrs)),
        Data::Union(_) => false,
    };
    within || says(&input.attrs)
}
