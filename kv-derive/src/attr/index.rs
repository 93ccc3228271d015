//! `#[kv(index)]` and `#[kv(unique)]` on a field, and `#[kv(index(name = "by_city", on(country, city)))]`
//! on the struct.

use syn::{ExprPath, Ident, LitStr};

use super::key::Key;
use super::place::Place;
use super::slot::{Slot, Version};
use super::text;
use crate::symbol::{GENERATION, NAME, ON, SHOWN, UNIQUE, WITH};

const ON_STRUCT_FORM: &str = "index(name = \"by_city\", on(country, city))";
const ON_FORM: &str = "on(country, city)";

/// An index as it is declared.
pub(crate) struct Index {
    /// Where it is declared: the key `index` or `unique`.
    pub(crate) at: Ident,
    pub(crate) name: Slot<LitStr>,
    /// The fields that an index on the struct names.
    pub(crate) on: Slot<Vec<Ident>>,
    pub(crate) is_unique: bool,
    pub(crate) shown: Slot<()>,
    pub(crate) generation: Slot<Version>,
    /// The function that is applied to each value.
    pub(crate) with: Slot<ExprPath>,
    /// Whether there are only keys: anything else may be meant as a missing key.
    pub(crate) has_keys_alone: bool,
}

impl Index {
    fn new(at: Ident, is_unique: bool) -> Self {
        Self {
            at,
            name: Slot::default(),
            on: Slot::default(),
            is_unique,
            shown: Slot::default(),
            generation: Slot::default(),
            with: Slot::default(),
            has_keys_alone: true,
        }
    }

    /// Reads `index` or `unique`, or one of them with a list.
    pub(super) fn read_on_field(key: &Key<'_>) -> Self {
        let is_unique = key.symbol == UNIQUE;
        let mut index = Self::new(key.ident.clone(), is_unique);
        let place = if is_unique { Place::FieldUnique } else { Place::FieldIndex };
        if key.has_list() {
            index.has_keys_alone = key.nested(place, |key| match key.symbol {
                WITH => key.path(&mut index.with, "with = path::to::function", |input| input.parse()),
                _ => index.read_common(key),
            });
        } else {
            key.no_value(&format!("{}(name = \"by_email\")", key.symbol));
        }
        index
    }

    /// Reads `index(...)` on the struct.
    pub(super) fn read_on_struct(list: &Key<'_>) -> Self {
        let mut index = Self::new(list.ident.clone(), false);
        let mut unique = Slot::default();
        index.has_keys_alone = list.nested_as(Place::Index, ON_STRUCT_FORM, |key| match key.symbol {
            ON => key.idents(&mut index.on, ON_FORM),
            UNIQUE => key.flag(&mut unique),
            _ => index.read_common(key),
        });
        index.is_unique = unique.is_written();
        index
    }

    /// Reads the keys that both kinds have.
    fn read_common(&mut self, key: &Key<'_>) {
        match key.symbol {
            NAME => key.text(&mut self.name, "name = \"by_city\"", text::index_name),
            SHOWN => key.flag(&mut self.shown),
            GENERATION => key.generation(&mut self.generation, "generation = 2"),
            _ => {}
        }
    }
}
