//! The attributes of fields, variants and types.

use fastrand::Rng;

use crate::types::Type;

pub const CASES: [&str; 4] = ["camelCase", "SCREAMING_SNAKE_CASE", "kebab-case", "UPPERCASE"];

/// `#[serde(...)]`, or nothing.
pub fn serde(attributes: &[String]) -> String {
    if attributes.is_empty() { String::new() } else { format!("#[serde({})]", attributes.join(", ")) }
}

pub fn one_in(rng: &mut Rng, n: u8) -> bool {
    rng.u8(..n) == 0
}

/// Those of a field, and whether its value is never written, so that it has to be the default.
pub fn of_field(rng: &mut Rng, name: &str, ty: &Type) -> (Vec<String>, bool) {
    let mut all = Vec::new();
    match rng.u8(0..24) {
        0 => return (vec!["skip".to_owned()], true),
        1 => return (vec!["skip_serializing".to_owned(), "default".to_owned()], true),
        2 => return (vec!["skip_deserializing".to_owned()], true),
        3 => all.push(format!("rename = \"{name} \\\"é\"")),
        4 => all.push(format!("rename(serialize = \"{name}x\", deserialize = \"{name}y\")")),
        5 | 6 => all.push(format!("alias = \"{name}_other\"")),
        7 | 8 => all.push("default".to_owned()),
        _ => {}
    }
    if ty.text.starts_with("Option<") && one_in(rng, 2) {
        all.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    } else if ty.text.starts_with("Vec<") && one_in(rng, 3) {
        all.push("skip_serializing_if = \"Vec::is_empty\"".to_owned());
        if one_in(rng, 2) && !all.iter().any(|attribute| attribute == "default") {
            all.push("default".to_owned());
        }
    }
    match ty.text.as_str() {
        "u32" | "i64" if one_in(rng, 2) => all.push("with = \"as_text\"".to_owned()),
        "u8" if one_in(rng, 2) => all.push("with = \"as_wide\"".to_owned()),
        _ => {}
    }
    (all, false)
}

/// Those of a struct with names.
pub fn of_struct(rng: &mut Rng, flattens: bool) -> Vec<String> {
    let mut all = Vec::new();
    match rng.u8(0..10) {
        0 | 1 => all.push(format!("rename_all = \"{}\"", CASES[rng.usize(..CASES.len())])),
        2 => all.push("rename_all(serialize = \"camelCase\")".to_owned()),
        3 => all.push("default".to_owned()),
        4 if !flattens => all.push("deny_unknown_fields".to_owned()),
        _ => {}
    }
    all
}

/// How an enum says which variant it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tagging {
    External,
    Internal,
    Adjacent,
    Untagged,
}

pub fn of_enum(rng: &mut Rng) -> (Vec<String>, Tagging) {
    let (mut all, tagging) = match rng.u8(0..8) {
        0 | 1 => (vec!["tag = \"t\"".to_owned()], Tagging::Internal),
        2 | 3 => (vec!["tag = \"t\"".to_owned(), "content = \"c\"".to_owned()], Tagging::Adjacent),
        4 => (vec!["untagged".to_owned()], Tagging::Untagged),
        _ => (Vec::new(), Tagging::External),
    };
    match rng.u8(0..8) {
        0 => all.push(format!("rename_all = \"{}\"", CASES[rng.usize(..CASES.len())])),
        1 => all.push(format!("rename_all_fields = \"{}\"", CASES[rng.usize(..CASES.len())])),
        2 => all.push("deny_unknown_fields".to_owned()),
        _ => {}
    }
    (all, tagging)
}

/// Those of a variant.
pub fn of_variant(rng: &mut Rng, name: &str) -> Vec<String> {
    match rng.u8(0..16) {
        0 => vec!["skip".to_owned()],
        1 => vec!["skip_serializing".to_owned()],
        2 => vec!["skip_deserializing".to_owned()],
        3 => vec![format!("rename = \"{name} é\"")],
        4 => vec![format!("alias = \"{name}_other\"")],
        5 => vec![format!("rename(serialize = \"{name}x\")")],
        _ => Vec::new(),
    }
}
