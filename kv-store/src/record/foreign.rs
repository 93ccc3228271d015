//! Members of metadata that are somebody else's, with the text of numbers that [`Value`] rounds.

use std::fmt;

use serde_json::{Map, Value};

use crate::json::{RawObject, may_round, value as rounded_value};

/// Members that the runtime does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Foreign {
    members: Map<String, Value>,
    /// The text of members whose numbers are beyond `u64` and `f64`, by name.
    /// They are in a map of the same type as the members, whose code they share.
    texts: Map<String, Value>,
}

impl Foreign {
    /// The members of a JSON object; nothing if these bytes are none.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        if !may_round(json) {
            let members = serde_json::from_slice(json).ok()?;
            return Some(Self { members, texts: Map::new() });
        }
        let mut foreign = Self::default();
        for member in RawObject::read(std::str::from_utf8(json).ok()?)?.members {
            let name = member.name.into_owned();
            let value = rounded_value(member.value).ok()?;
            // What the value writes itself needs no text, and is then equal to one that was never
            // text.
            let own_text = value.to_string();
            let rounds = may_round(member.value.as_bytes()) && own_text != member.value;
            foreign.insert(&name, value);
            if rounds {
                foreign.texts.insert(name, member.value.into());
            }
        }
        Some(foreign)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn insert(&mut self, name: &str, value: Value) {
        remove_all(&mut self.texts, &[name]);
        self.members.insert(name.to_owned(), value);
    }

    /// Removes the members of these names, if they are there.
    pub(super) fn remove_all(&mut self, names: &[&str]) {
        remove_all(&mut self.members, names);
        remove_all(&mut self.texts, names);
    }

    /// The text of an object with these members, of which those that are foreign keep theirs.
    pub(super) fn text_of(&self, members: &Map<String, Value>) -> String {
        Compact { members, texts: &self.texts }.to_string()
    }
}

/// Moves the other members to a new map. `Map::remove` would add a few KiB to a Worker, which
/// removes members nowhere else.
fn remove_all(members: &mut Map<String, Value>, names: &[&str]) {
    if !names.iter().any(|name| members.contains_key(*name)) {
        return;
    }
    for (name, value) in std::mem::take(members) {
        if !names.contains(&name.as_str()) {
            members.insert(name, value);
        }
    }
}

impl From<Map<String, Value>> for Foreign {
    fn from(members: Map<String, Value>) -> Self {
        Self { members, texts: Map::new() }
    }
}

/// Compact JSON. `Value`'s own Display writes it and cannot fail, as serde_json's writers formally
/// can.
struct Compact<'a> {
    members: &'a Map<String, Value>,
    texts: &'a Map<String, Value>,
}

impl fmt::Display for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.members.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}:", Value::String(name.clone()))?;
            match self.texts.get(name) {
                Some(Value::String(text)) => f.write_str(text)?,
                _ => write!(f, "{value}")?,
            }
        }
        f.write_str("}")
    }
}
