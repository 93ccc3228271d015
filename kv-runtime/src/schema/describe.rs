//! `App::schema()`: what an application stores, as data.

use std::fmt;

use kv_store::key::IdSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::index::IndexShape;
use super::kind;
use super::shape::{Field, Shape, is_false};
use super::trace::trace;
use crate::adopt::VersionIn;
use crate::codec::Codec;
use crate::entity::{FieldText, GroupSchema, IndexSchema, KvEntity, ShapeVisitor};
use crate::migrate::Step;

/// The schema of an application, which `App::schema()` returns. `App` is the name that
/// [`schema!`](crate::schema!) declares. `Display` is JSON, the same for the same entities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Schema {
    /// The entities, by name and prefix. A view is a part of its entity.
    pub entities: Vec<EntityShape>,
}

/// What an entity stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntityShape {
    /// The struct's name.
    pub name: String,
    /// The prefix of every key.
    pub prefix: String,
    /// The id's fields, in their order.
    pub ids: Vec<IdShape>,
    /// The groups, the anchor first.
    pub groups: Vec<GroupShape>,
}

/// An id field, as keys contain it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IdShape {
    /// The field's name, which is not stored.
    pub name: String,
    /// The kind: `u64`, `bool`, `char`, `text`, `uuid`, or the texts of an enum, separated by `|`.
    pub kind: String,
    /// Whether numbers have a fixed width (`ordered`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub ordered: bool,
    /// Whether it is the rest of the key as it is (`raw`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub raw: bool,
    /// Whether it follows the prefix without a `:` (`shared_prefix`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub joined: bool,
    /// Whether a store with hash tags places everything under this id together (`shard`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub shard: bool,
}

/// What a group stores in its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupShape {
    /// The last segment of its keys, if it has one.
    #[serde(rename = "group")]
    pub name: Option<String>,
    /// The version of this shape.
    pub version: u32,
    /// The codec's name.
    pub codec: String,
    /// Whether records are their values alone, without metadata: no `minReader`, no `createdAt`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub plain: bool,
    /// What converts the records of another program, as `Debug` shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Members of plain records whose integers may be beyond 2⁵³, such as `wei` and `items[].id`. A
    /// program that reads numbers as doubles, as JavaScript does, rounds them, and writes the rounded
    /// number back. It is shown, and not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub javascript_rounds: Vec<String>,
    /// The member of plain records that holds their version, such as `_persist.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_in: Option<String>,
    /// What spellings of the version mean, such as `-1 => 1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_map: Vec<String>,
    /// The TTL in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Whether it is the first group, which decides whether the entity exists.
    #[serde(default, skip_serializing_if = "is_false")]
    pub anchor: bool,
    /// Whether the entity is complete without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// The indexes on its fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexShape>,
    /// The versions to which a function leads, which may change any value.
    #[serde(skip)]
    pub(super) opaque_steps: Vec<u32>,
    /// The value, a struct. If something hides its members (`flatten`), each is opaque.
    pub value: Shape,
    /// The predecessor that its oldest records are read as: an entity with one group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<EntityShape>>,
}

impl Schema {
    /// Adds an entity. A view adds nothing to its entity.
    #[doc(hidden)]
    #[must_use]
    pub fn with<E: KvEntity>(mut self) -> Self {
        let entity = EntityShape::of::<E>();
        let is_it = |it: &&mut EntityShape| it.name == entity.name && it.prefix == entity.prefix;
        match self.entities.iter_mut().find(is_it) {
            // Whichever of the two is listed first, all groups are known in the end, and the
            // entity's own order.
            Some(known) if entity.groups.len() > known.groups.len() => *known = entity,
            Some(known) => {
                for group in entity.groups {
                    if !known.groups.iter().any(|it| it.name == group.name) {
                        known.groups.push(group);
                    }
                }
            }
            None => self.entities.push(entity),
        }
        self.entities.sort_by(|a, b| (&a.name, &a.prefix).cmp(&(&b.name, &b.prefix)));
        self
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pretty(self, f)
    }
}

pub(super) fn pretty<T: Serialize>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&serde_json::to_string_pretty(value).map_err(|_| fmt::Error)?)
}

impl EntityShape {
    pub(super) fn of<E: KvEntity>() -> Self {
        let is_view = E::SCHEMA.name != E::SCHEMA.family;
        let mut describe =
            Describe { groups: E::SCHEMA.groups, indexes: E::INDEXES, is_view, described: Vec::new() };
        E::visit_shape(&mut describe);
        Self {
            name: E::SCHEMA.family.to_owned(),
            prefix: E::SCHEMA.prefix.to_owned(),
            ids: E::SCHEMA.ids.iter().map(IdShape::of).collect(),
            groups: describe.described,
        }
    }
}

impl IdShape {
    fn of(id: &IdSchema) -> Self {
        Self {
            name: id.name().to_owned(),
            kind: kind::of_id(id.kind()),
            ordered: id.is_ordered(),
            raw: id.is_raw(),
            joined: id.is_joined(),
            shard: id.is_shard(),
        }
    }
}

impl GroupShape {
    /// Returns the group's name, such as `profile`, or `None` for the group without a name.
    pub(super) fn segment(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns the fields of its value, if they are known.
    pub(super) fn fields(&self) -> &[Field] {
        match &self.value {
            Shape::Struct { fields, .. } => fields,
            _ => &[],
        }
    }
}

struct Describe {
    groups: &'static [GroupSchema],
    indexes: &'static [IndexSchema],
    is_view: bool,
    described: Vec<GroupShape>,
}

impl ShapeVisitor for Describe {
    fn group<T: DeserializeOwned>(&mut self, group: usize, fields: &[FieldText]) {
        let Some(schema) = self.groups.get(group) else { return };
        let shape = value(trace::<T>(schema.codec() == Codec::Json), fields);
        let functions = schema.steps().iter().filter(|step| step.change.is_function());
        self.described.push(GroupShape {
            name: schema.name.map(str::to_owned),
            version: schema.version(),
            codec: schema.codec().name().to_owned(),
            plain: schema.is_plain(),
            javascript_rounds: if schema.is_plain() { shape.wide_integers() } else { Vec::new() },
            adapter: schema.adapter().map(|adapter| format!("{adapter:?}")),
            version_in: schema.version_in().map(|at| at.path().join(".")),
            version_map: schema.version_in().map(spellings).unwrap_or_default(),
            ttl: schema.ttl().map(|ttl| ttl.as_secs()),
            anchor: group == 0 && !self.is_view,
            optional: schema.is_optional(),
            indexes: IndexShape::of_group(self.indexes, group),
            opaque_steps: functions.map(Step::to).collect(),
            value: shape,
            previous: None,
        });
    }

    fn previous<P: KvEntity>(&mut self, group: usize) {
        let Some(name) = self.groups.get(group).map(GroupSchema::name) else { return };
        let mut previous = EntityShape::of::<P>();
        previous.groups.retain(|it| it.name.as_deref() == name);
        // Elsewhere a view has its entity's name. Here it has its own: the one in `previous = ...`.
        P::SCHEMA.name.clone_into(&mut previous.name);
        if let Some(described) = self.described.iter_mut().find(|it| it.name.as_deref() == name)
            && !previous.groups.is_empty()
        {
            described.previous = Some(Box::new(previous));
        }
    }
}

fn spellings(at: &VersionIn) -> Vec<String> {
    at.map().iter().map(|(spelling, version)| format!("{spelling} => {version}")).collect()
}

/// Joins the traced shape with the attributes.
fn value(traced: Shape, texts: &[FieldText]) -> Shape {
    let is_read =
        |(_, _, keys): &&FieldText| !keys.iter().any(|key| matches!(*key, "skip" | "skip_deserializing"));
    let read: Vec<&FieldText> = texts.iter().filter(is_read).collect();
    let with = |mut field: Field, (name, ty, keys): &FieldText| {
        field.rust_name = if field.name == *name { String::new() } else { (*name).to_owned() };
        field.ty = (*ty).to_owned();
        field.serde = keys.iter().map(|key| (*key).to_owned()).collect();
        field
    };
    match traced {
        Shape::Struct { fields, denies_unknown } if fields.len() == read.len() => {
            let fields = fields.into_iter().zip(read).map(|(field, text)| with(field, text));
            Shape::Struct { fields: fields.collect(), denies_unknown }
        }
        Shape::Struct { .. } => traced,
        // A member that is flattened hides the others: each is known by its type alone.
        _ => {
            let opaque = |text: &&FieldText| Field {
                name: text.0.to_owned(),
                rust_name: String::new(),
                ty: String::new(),
                serde: Vec::new(),
                can_be_missing: None,
                shape: Shape::Opaque(text.1.to_owned()),
            };
            let fields = read.iter().map(|text| with(opaque(text), text)).collect();
            Shape::Struct { fields, denies_unknown: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(crate::KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    struct UserV1 {
        #[kv(id)]
        id: u64,
        name: String,
    }

    #[derive(crate::KvEntity)]
    #[kv(
        prefix = "user",
        group = "profile",
        version = 2,
        oldest = 2,
        group(name = "settings", optional, ttl = "1m")
    )]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct User {
        #[kv(id, ordered)]
        id: i32,
        names: Vec<String>,
        #[serde(skip)]
        cached: u8,
        #[kv(group = "settings")]
        #[serde(rename = "colour", default)]
        color: Option<u8>,
    }

    #[test]
    fn groups_are_described_with_what_is_written() {
        let user = EntityShape::of::<User>();
        assert_eq!(
            user.ids,
            [IdShape {
                name: "id".to_owned(),
                kind: "i32".to_owned(),
                ordered: true,
                raw: false,
                joined: false,
                shard: false,
            }]
        );
        let [profile, settings] = user.groups.as_slice() else { panic!("{user:?}") };
        assert_eq!(
            (profile.segment(), profile.version, profile.anchor, profile.optional),
            ("profile", 2, true, false)
        );
        assert_eq!(profile.value.to_string(), "{names: [string, ...]}");
        assert_eq!(profile.fields()[0].ty, "Vec<String>");
        assert_eq!(
            (settings.segment(), settings.anchor, settings.optional, settings.ttl),
            ("settings", false, true, Some(60))
        );
        let [color] = settings.fields() else { panic!("{settings:?}") };
        assert_eq!((color.name.as_str(), color.rust_name.as_str()), ("colour", "color"));
        assert_eq!(color.serde, ["default", "rename = \"colour\""]);
        assert_eq!(color.can_be_missing, Some(true));
    }

    #[test]
    fn a_predecessor_belongs_to_its_group() {
        let mut describe =
            Describe { groups: User::SCHEMA.groups, indexes: &[], is_view: false, described: Vec::new() };
        User::visit_shape(&mut describe);
        describe.previous::<UserV1>(0);
        // It has no such group.
        describe.previous::<UserV1>(1);
        let [profile, settings] = describe.described.as_slice() else { panic!() };
        let previous = profile.previous.as_ref().unwrap();
        assert_eq!(
            (previous.name.as_str(), previous.groups[0].value.to_string().as_str()),
            ("UserV1", "{name: string}")
        );
        assert!(settings.previous.is_none());
    }
}
