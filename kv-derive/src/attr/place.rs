//! Where an attribute can stand, and which keys it has there.

use std::fmt;

use crate::suggest::{listed, nearest};
use crate::symbol::{
    ADAPTER, ADDED, ALIAS, CODEC, COMPATIBLE, CRATE, DEFAULT, DENY_UNKNOWN_FIELDS, DERIVE, DESERIALIZE_WITH,
    DOWN, EXPIRES_AT, FLATTEN, FROM, GENERATION, GROUP, ID, INDEX, NAME, OLDEST, ON, OPTIONAL, ORDERED,
    PLAIN, PREFIX, PREVIOUS, RAW, REMOVED, RENAME, RENAME_ALL, RENAMED, SECRET, SERIALIZE_WITH, SHARD,
    SHARED_PREFIX, SHOWN, SINCE, SKIP, SKIP_DESERIALIZING, SKIP_SERIALIZING, SKIP_SERIALIZING_IF, STEP,
    Symbol, TTL, UNIQUE, VERSION, VERSION_IN, VERSION_MAP, VIEW, VIEW_OF, WITH, WITH_ID, WRITE_VERSION,
};

/// Where a `#[kv(...)]` key stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Entity,
    Group,
    Field,
    Added,
    Renamed,
    Removed,
    Step,
    /// An index on the struct.
    Index,
    /// An index on a field: in `index(...)` or in `unique(...)`.
    FieldIndex,
    FieldUnique,
    IdType,
    Variant,
    /// A field of an id type or of a variant.
    IdField,
}

/// The places of one derive. The error about a key that belongs to another place names that place.
const ENTITY_PLACES: [Place; 9] = [
    Place::Entity,
    Place::Group,
    Place::Field,
    Place::Added,
    Place::Renamed,
    Place::Removed,
    Place::Step,
    Place::Index,
    Place::FieldIndex,
];
const ID_PLACES: [Place; 3] = [Place::IdType, Place::Variant, Place::IdField];

impl Place {
    pub(super) fn keys(self) -> &'static [Symbol] {
        match self {
            Self::Entity => &[
                PREFIX,
                SHARED_PREFIX,
                GROUP,
                VERSION,
                OLDEST,
                WRITE_VERSION,
                STEP,
                REMOVED,
                PREVIOUS,
                TTL,
                CODEC,
                PLAIN,
                VERSION_IN,
                VERSION_MAP,
                ADAPTER,
                VIEW,
                DERIVE,
                INDEX,
                CRATE,
                VIEW_OF,
            ],
            Self::Group => &[
                NAME,
                VERSION,
                OLDEST,
                WRITE_VERSION,
                STEP,
                REMOVED,
                PREVIOUS,
                TTL,
                CODEC,
                PLAIN,
                VERSION_IN,
                VERSION_MAP,
                ADAPTER,
                OPTIONAL,
                VIEW,
                DERIVE,
            ],
            Self::Field => {
                &[ID, ORDERED, SECRET, RAW, SHARD, GROUP, EXPIRES_AT, SKIP, INDEX, UNIQUE, RENAMED, ADDED]
            }
            Self::Added => &[SINCE, DEFAULT],
            Self::Renamed => &[FROM, SINCE, COMPATIBLE],
            Self::Removed => &[NAME, SINCE, DEFAULT, COMPATIBLE],
            Self::Step => &[DOWN, WITH_ID, COMPATIBLE],
            Self::Index => &[NAME, ON, UNIQUE, SHOWN, GENERATION],
            Self::FieldIndex | Self::FieldUnique => &[NAME, WITH, SHOWN, GENERATION],
            Self::IdType => &[RENAME_ALL, CRATE],
            Self::Variant => &[RENAME],
            Self::IdField => &[],
        }
    }

    /// The key that was meant by one that is not known, if there is a near one; a lone word may be
    /// a name instead.
    pub(super) fn meant(self, found: &str, is_alone: bool) -> Option<Symbol> {
        if self.of_serde(found).is_some() {
            return None;
        }
        self.key(nearest(found, self.shown())?, is_alone)
    }

    /// The key of this name. If it takes a value, it is not meant by a lone word where that can be
    /// a name.
    pub(super) fn key(self, name: &str, is_alone: bool) -> Option<Symbol> {
        let key = self.keys().iter().copied().find(|key| key.as_str() == name && !key.is_private())?;
        let is_flag = matches!(key, COMPATIBLE | OPTIONAL | PLAIN | SHOWN | UNIQUE | WITH_ID);
        (is_flag || !is_alone || self.key_of_a_name().is_none()).then_some(key)
    }

    /// Returns the key that a name without a key means, as in `removed("age", since = 2)`.
    pub(super) fn key_of_a_name(self) -> Option<Symbol> {
        match self {
            Self::Group | Self::Removed | Self::Index | Self::FieldIndex | Self::FieldUnique => Some(NAME),
            Self::Renamed => Some(FROM),
            _ => None,
        }
    }

    /// Returns the key that a version without a key means, as in `added(2)`.
    pub(super) fn key_of_a_version(self) -> Option<Symbol> {
        matches!(self, Self::Added | Self::Renamed | Self::Removed).then_some(SINCE)
    }

    /// The message about a key that is not known here.
    pub(super) fn unknown(self, found: &str, is_alone: bool) -> String {
        let known = self.known();
        if let Some(meant) = self.of_serde(found) {
            return format!("`{found}` is serde's: {meant}; {known}");
        }
        if let Some(meant) = self.of_indexes(found) {
            return format!("{meant}; {known}");
        }
        let siblings: &[Self] = if ID_PLACES.contains(&self) { &ID_PLACES } else { &ENTITY_PLACES };
        if let Some(other) =
            siblings.iter().find(|other| other.keys().iter().any(|key| key.as_str() == found))
        {
            return format!("`{found}` belongs {other}; {known}");
        }
        let meant = match (self.meant(found, is_alone), self.key_of_a_name()) {
            (Some(key), _) => format!(" (did you mean `{key}`?)"),
            (None, Some(key)) if is_alone => format!(" (did you mean `{key} = \"{found}\"`?)"),
            (None, _) => String::new(),
        };
        format!("unknown key `{found}`{meant}; {known}")
    }

    /// What is meant by a key of an index where another word or another place says it.
    fn of_indexes(self, found: &str) -> Option<String> {
        match self {
            Self::Entity if found == UNIQUE.as_str() => Some(
                "`unique` belongs on a field; for several fields write `index(name = \"by_name\", on(first, last), unique)`"
                    .to_owned(),
            ),
            Self::Field if found == SHOWN.as_str() || found == GENERATION.as_str() => {
                Some(format!("`{found}` belongs in the list of an index: `index({found})`"))
            }
            Self::FieldIndex if found == UNIQUE.as_str() => {
                Some("write `unique` instead of `index`: `unique(...)`".to_owned())
            }
            _ => None,
        }
    }

    /// What is meant by a key that serde has here, and the runtime has not.
    fn of_serde(self, found: &str) -> Option<String> {
        const ON_BOTH: [Symbol; 2] = [DEFAULT, RENAME];
        const ON_THE_STRUCT: [Symbol; 2] = [RENAME_ALL, DENY_UNKNOWN_FIELDS];
        const ON_A_FIELD: [Symbol; 8] = [
            ALIAS,
            DESERIALIZE_WITH,
            FLATTEN,
            SERIALIZE_WITH,
            SKIP_DESERIALIZING,
            SKIP_SERIALIZING,
            SKIP_SERIALIZING_IF,
            WITH,
        ];
        let mut keys = match self {
            Self::Entity => ON_BOTH.iter().chain(&ON_THE_STRUCT),
            Self::Field => ON_BOTH.iter().chain(&ON_A_FIELD),
            _ => return None,
        };
        let key = keys.find(|key| key.as_str() == found)?;
        let also = if (self, *key) == (Self::Field, RENAME) {
            "; if older records have the member under another name, use `renamed`"
        } else {
            ""
        };
        Some(format!("write `#[serde({key})]` with what belongs to it{also}"))
    }

    /// Returns the message about something that is not a key. `meant` is the key that it may mean.
    pub(super) fn no_key(self, meant: Option<String>) -> String {
        let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
        format!("expected a key{meant}; {}", self.known())
    }

    fn known(self) -> String {
        match self.shown().as_slice() {
            [] => format!("there are no keys {self}"),
            [only] => format!("the only key {self} is `{only}`"),
            all => format!("the keys {self} are {}", listed(all.iter().copied())),
        }
    }

    fn shown(self) -> Vec<&'static str> {
        self.keys().iter().filter(|key| !key.is_private()).map(|key| key.as_str()).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entity => "on the struct",
            Self::Group => "in `group(...)`",
            Self::Field => "on a field",
            Self::Added => "in `added(...)`",
            Self::Renamed => "in `renamed(...)`",
            Self::Removed => "in `removed(...)`",
            Self::Step => "in `step(...)`",
            Self::Index => "in `index(...)` on the struct",
            Self::FieldIndex => "in `index(...)` on a field",
            Self::FieldUnique => "in `unique(...)` on a field",
            Self::IdType => "on the type",
            Self::Variant => "on a variant",
            Self::IdField => "on a field of an id type",
        })
    }
}
