//! Steps by attributes, made while a JSON object is read: members are renamed, left out and added
//! on their way, and no tree of values is built. Such a read costs little more than that of a
//! current record.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
};
use serde_json::Error;
use serde_json::de::SliceRead;
use serde_json::value::RawValue;

use super::guarded::guarded;
use super::step::{Change, MakeMember, Step};
use crate::codec::Name;

/// Reads an object of version `from` and applies the steps while it is read. That works if no step
/// is a function and no two members get the same name. Otherwise, and if the object is invalid, the
/// steps are applied to the object itself ([`bring_up`](super::bring_up)), which decides which
/// member wins and makes the error.
pub(crate) fn read_reshaped<T: DeserializeOwned>(json: &[u8], steps: &[Step], from: u32) -> Option<T> {
    let due = Due { steps, from };
    if due.changes().count() > u64::BITS as usize || due.changes().any(|change| change.is_function()) {
        return None;
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Object { json: &mut json, due }).ok()?;
    json.end().ok()?;
    Some(value)
}

/// The steps that a record has not gone through.
#[derive(Clone, Copy)]
struct Due<'s> {
    steps: &'s [Step],
    from: u32,
}

impl<'s> Due<'s> {
    fn changes(self) -> impl Iterator<Item = &'s Change> {
        self.steps.iter().filter(move |step| step.to > self.from).map(|step| &step.change)
    }

    /// The place of the first change that gives a member this name.
    fn place_of(self, name: &str) -> Option<usize> {
        self.changes().position(|change| match change {
            Change::Rename { to: given, .. } | Change::Add { name: given, .. } => *given == name,
            Change::Remove { .. } | Change::Function { .. } | Change::FunctionWithId { .. } => false,
        })
    }
}

/// The object as the deserializer of what it becomes.
struct Object<'a, 's, 'de> {
    json: &'a mut serde_json::Deserializer<SliceRead<'de>>,
    due: Due<'s>,
}

impl<'de> Deserializer<'de> for Object<'_, '_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.json.deserialize_map(OfMembers { visitor, due: self.due })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct OfMembers<'s, V> {
    visitor: V,
    due: Due<'s>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OfMembers<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members { map, due: self.due, present: 0, taken: 0, left: 0, added: None })
    }
}

/// The members after the steps. Each bit is one of the steps to apply.
struct Members<'s, A> {
    map: A,
    due: Due<'s>,
    /// Additions whose member is there already.
    present: u64,
    /// Changes whose name a member has in the end.
    taken: u64,
    /// So many changes were looked at for what they add, after the object's own members.
    left: usize,
    /// The value of a member that is not the object's own.
    added: Option<Box<RawValue>>,
}

impl<'s, A> Members<'s, A> {
    /// The name that a member has in the end, if it is still there then. It has gone through the
    /// first `done` changes.
    fn follow<'n, E: serde::de::Error>(&mut self, name: &'n str, done: usize) -> Result<Option<&'n str>, E>
    where
        's: 'n,
    {
        let mut name = name;
        for (place, change) in self.due.changes().enumerate().skip(done) {
            match *change {
                Change::Rename { from, to } if from == name => name = to,
                Change::Add { name: added, .. } if added == name => self.present |= 1 << place,
                Change::Remove { name: removed, .. } if removed == name => return Ok(None),
                _ => {}
            }
        }
        if let Some(place) = self.due.place_of(name) {
            if self.taken & 1 << place != 0 {
                return Err(E::custom("two members have one name"));
            }
            self.taken |= 1 << place;
        }
        Ok(Some(name))
    }

    /// The next addition whose member is not there: how many changes are done with it, and what it
    /// adds.
    fn next_added(&mut self) -> Option<(usize, &'static str, MakeMember)> {
        let rest = self.due.changes().enumerate().skip(self.left);
        let missing = rest.filter_map(|(place, change)| match *change {
            Change::Add { name, default } if self.present & 1 << place == 0 => {
                Some((place + 1, name, default))
            }
            _ => None,
        });
        let next = { missing }.next();
        self.left = next.map_or(usize::MAX, |(done, ..)| done);
        next
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while self.left == 0 {
            let Some(name) = self.map.next_key_seed(Name)? else { break };
            match self.follow::<A::Error>(&name, 0)? {
                Some(name) => return seed.deserialize(StrDeserializer::new(name)).map(Some),
                None => self.map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        while let Some((done, name, default)) = self.next_added() {
            if let Some(name) = self.follow::<A::Error>(name, done)? {
                self.added = Some(guarded(default).map_err(A::Error::custom)?);
                return seed.deserialize(StrDeserializer::new(name)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.added.take() {
            Some(value) => {
                // From a reader, as what is borrowed would have to live as long as the record.
                let mut json = serde_json::Deserializer::from_reader(value.get().as_bytes());
                seed.deserialize(&mut json).map_err(A::Error::custom)
            }
            None => self.map.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    const STEPS: &[Step] = &[
        Step::new(2, Change::Rename { from: "name", to: "title" }),
        Step::new(3, Change::Rename { from: "title", to: "user_name" }),
        Step::new(3, Change::Remove { name: "age", default: None }),
        Step::new(4, Change::Add { name: "role", default: || Ok(serde_json::value::to_raw_value("guest")?) }),
    ];

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct User {
        user_name: String,
        role: Option<String>,
    }

    fn read(json: &str, from: u32) -> Option<(String, Option<String>)> {
        read_reshaped::<User>(json.as_bytes(), STEPS, from).map(|user| (user.user_name, user.role))
    }

    fn ada(role: &str) -> Option<(String, Option<String>)> {
        Some(("Ada".to_owned(), Some(role.to_owned())))
    }

    #[test]
    fn members_are_renamed_left_out_and_added_on_their_way() {
        assert_eq!(read(r#"{"name":"Ada","age":[{"x":1}]}"#, 1), ada("guest"));
        assert_eq!(read(r#"{"\u006eame":"Ada"}"#, 1), ada("guest"));
        assert_eq!(read(r#"{"role":"owner","title":"Ada"}"#, 2), ada("owner"));
        assert_eq!(read(r#"{"user_name":"Ada"}"#, 3), ada("guest"));
        assert_eq!(read(r#"{"user_name":"Ada"}"#, 4), Some(("Ada".to_owned(), None)));
    }

    #[test]
    fn what_cannot_be_told_on_the_way_is_left_to_the_steps() {
        // Which of both names wins.
        assert_eq!(read(r#"{"name":"Ada","title":"Bob"}"#, 1), None);
        assert_eq!(read(r#"{"name":"Ada","name":"Bob"}"#, 1), None);
        // What is wrong, in words.
        for broken in ["", "[]", "null", r#"{"name":1}"#, r#"{"name":"Ada"}x"#, r#"{"name":"Ada","more":1}"#]
        {
            assert_eq!(read(broken, 1), None, "{broken}");
        }
        let function = [Step::new(2, Change::Function { name: "f", up: |_| Ok(()), down: None })];
        assert!(read_reshaped::<Value>(b"{}", &function, 1).is_none());
        assert!(read_reshaped::<Value>(b"{}", &function, 2).is_some());
        let panics = [Step::new(2, Change::Add { name: "a", default: || panic!("a default that panics") })];
        assert!(read_reshaped::<Value>(b"{}", &panics, 1).is_none());
    }
}
