//! An index as the schema and the lock have it.

use serde::{Deserialize, Serialize};

use super::kind;
use super::shape::is_false;
use crate::entity::{IndexPart, IndexSchema};

/// An index, as entries contain it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexShape {
    /// The name, which is in the key of every entry.
    pub name: String,
    /// Whether no two entities have one value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// The fields, in their order.
    pub fields: Vec<IndexFieldShape>,
    /// The path of the function that is applied to each value, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// The generation of the values.
    pub generation: u32,
}

/// A field of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexFieldShape {
    /// The field's name in Rust, which no entry contains.
    pub name: String,
    /// The kind of its values: `timestamp`, or as that of an id.
    pub kind: String,
    /// Whether a value may be missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

impl IndexShape {
    /// Returns the indexes of the group with this position.
    pub(super) fn of_group(indexes: &[IndexSchema], group: usize) -> Vec<Self> {
        indexes.iter().filter(|index| index.group() == group).map(Self::of).collect()
    }

    fn of(index: &IndexSchema) -> Self {
        Self {
            name: index.name().to_owned(),
            unique: index.is_unique(),
            fields: index.parts().iter().map(IndexFieldShape::of).collect(),
            with: index.normaliser().map(str::to_owned),
            generation: index.generation_number(),
        }
    }

    /// Returns what its entries are made of: `a unique index on (email: text) with lower`.
    pub(super) fn described(&self) -> String {
        let unique = if self.unique { "a unique index" } else { "an index" };
        let fields: Vec<String> = self.fields.iter().map(IndexFieldShape::described).collect();
        let with = self.with.as_ref().map_or_else(String::new, |path| format!(" with `{path}`"));
        format!("{unique} on ({}){with}", fields.join("; "))
    }

    /// Whether the entries that were released are still right, whatever the fields are called.
    pub(super) fn keeps_the_entries_of(&self, released: &Self) -> bool {
        let is_same = |(is, was): (&IndexFieldShape, &IndexFieldShape)| {
            // An enum may have got another variant.
            is.optional == was.optional
                && was.kind.split(" | ").all(|it| is.kind.split(" | ").any(|kind| kind == it))
        };
        self.unique == released.unique
            && self.with == released.with
            && self.fields.len() == released.fields.len()
            && self.fields.iter().zip(&released.fields).all(is_same)
    }

    /// Whether its fields have the same names.
    pub(super) fn has_the_names_of(&self, released: &Self) -> bool {
        self.fields.iter().map(|it| &it.name).eq(released.fields.iter().map(|it| &it.name))
    }
}

impl IndexFieldShape {
    fn of(part: &IndexPart) -> Self {
        let (name, kind) = (part.field().to_owned(), kind::of_index(part.kind()));
        Self { name, kind, optional: part.is_optional() }
    }

    fn described(&self) -> String {
        let optional = if self.optional { ", optional" } else { "" };
        format!("{}: {}{optional}", self.name, self.kind)
    }
}
