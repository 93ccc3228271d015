//! What no step can derive, because the older release does not know it.
//!
//! Each entry explains members that a migrated record leaves open, and says how many there are. It
//! explains no member that a step did fill: if that is not what was released, it is a difference.

use serde_json::Value;

/// Members that are new information.
pub struct New {
    /// `*` is any one name.
    pub path: &'static str,
    /// How a migrated record leaves them open.
    pub migrated: Migrated,
    /// Why they cannot be derived.
    pub why: &'static str,
    /// How many there are in all countries together.
    pub count: usize,
}

/// How a record leaves a member open.
#[derive(Clone, Copy, PartialEq)]
pub enum Migrated {
    Absent,
    Null,
}
use Migrated::{Absent, Null};

impl New {
    pub fn explains(&self, path: &str, migrated: Option<&Value>) -> bool {
        let open = match self.migrated {
            Absent => migrated.is_none(),
            Null => migrated.is_some_and(Value::is_null),
        };
        let (mut names, mut patterns) = (path.split('.'), self.path.split('.'));
        open && loop {
            match (names.next(), patterns.next()) {
                (None, None) => break true,
                (Some(name), Some(pattern)) if pattern == "*" || pattern == name => {}
                _ => break false,
            }
        }
    }
}

const fn new(path: &'static str, migrated: Migrated, count: usize, why: &'static str) -> New {
    New { path, migrated, why, count }
}

/// From 1.4.0 to 2.0.0.
pub const SINCE_1_4_0: &[New] = &[
    new("name.official", Null, 249, "1.4.0 has one name of each country, the common one"),
    new("name.native.*.official", Null, 243, "the same in its own language"),
    new("name.native.*.common", Absent, 166, "1.4.0 has the name in one language only"),
    new("name.native.*.official", Absent, 166, "the same, of its other languages"),
    new("cioc", Absent, 249, "the Olympic Committee's code came with 2.0.0"),
    new("independent", Absent, 249, "came with 2.0.0"),
    new("status", Absent, 249, "came with 2.0.0"),
    new("landlocked", Absent, 249, "came with 2.0.0"),
];

/// From 2.0.0 to 3.0.0.
pub const SINCE_2_0_0: &[New] = &[
    new("currencies.*.name", Null, 249, "2.0.0 has only the code"),
    new("currencies.*.symbol", Null, 249, "2.0.0 has only the code"),
];

/// From 3.0.0 to 4.0.0.
pub const SINCE_3_0_0: &[New] = &[
    new("demonyms.fra.f", Absent, 250, "3.0.0 has it in English only"),
    new("demonyms.fra.m", Absent, 250, "3.0.0 has it in English only"),
];

/// From 4.0.0 to 5.1.0.
pub const SINCE_4_0_0: &[New] =
    &[new("unMember", Null, 250, "came after 4.0.0"), new("unRegionalGroup", Null, 250, "came after 4.0.0")];

/// All of it at once.
pub const SINCE_1_4_0_TO_5_1_0: &[New] = &[
    new("name.official", Null, 249, "1.4.0 has one name of each country, the common one"),
    new("name.native.*.official", Null, 242, "the same in its own language"),
    new("name.native.*.common", Absent, 167, "1.4.0 has the name in one language only"),
    new("name.native.*.official", Absent, 167, "the same, of its other languages"),
    new("cioc", Null, 249, "came with 2.0.0"),
    new("independent", Null, 249, "came with 2.0.0"),
    new("status", Null, 249, "came with 2.0.0"),
    new("landlocked", Null, 249, "came with 2.0.0"),
    new("currencies.*.name", Null, 241, "1.4.0 has only the code"),
    new("currencies.*.symbol", Null, 241, "1.4.0 has only the code"),
    new("demonyms.fra.f", Absent, 249, "1.4.0 has it in English only"),
    new("demonyms.fra.m", Absent, 249, "1.4.0 has it in English only"),
    new("unMember", Null, 249, "came after 4.0.0"),
    new("unRegionalGroup", Null, 249, "came after 4.0.0"),
];
