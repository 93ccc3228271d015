//! Texts that have a form: prefixes, names, paths.

use syn::{Ident, LitStr, Path};

/// One or more segments joined by `:`.
pub(super) fn prefix(text: &LitStr) -> Result<String, String> {
    let prefix = text.value();
    if prefix.is_empty() {
        return Err("a prefix has at least one character: `prefix = \"user\"`".to_owned());
    }
    if prefix.split(':').any(str::is_empty) {
        return Err("a prefix neither begins nor ends with `:`, nor has two of them in a row".to_owned());
    }
    allowed(&prefix.replace(':', ""), "a prefix", ", and `:` between its segments")?;
    Ok(prefix)
}

/// What keys of other programs begin with: any text, also none.
pub(super) fn shared_prefix(text: &LitStr) -> Result<String, String> {
    let prefix = text.value();
    match prefix.chars().find(|c| c.is_control() || matches!(c, '!' | '{' | '}')) {
        None => Ok(prefix),
        Some('!') => Err("keys with `!` are the runtime's own, so no prefix has one".to_owned()),
        Some(c) => Err(format!("a prefix cannot have {c:?}, with which stores spell keys")),
    }
}

/// The last segment of a key.
pub(super) fn group_name(text: &LitStr) -> Result<LitStr, String> {
    let name = text.value();
    if name.is_empty() {
        return Err("a group's name has at least one character: `\"profile\"`".to_owned());
    }
    allowed(&name, "a group's name", "")?;
    Ok(text.clone())
}

/// The name of an index, which is in keys and names a constant: what is allowed tells any two
/// constants apart.
pub(super) fn index_name(text: &LitStr) -> Result<LitStr, String> {
    index_name_is_good(&text.value())?;
    Ok(text.clone())
}

/// What is wrong with a name of an index.
pub(crate) fn index_name_is_good(name: &str) -> Result<(), String> {
    match name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_')) {
        Some(c) => Err(format!(
            "{c:?} is not allowed in an index's name: it has lower-case letters and digits of ASCII, and `_`"
        )),
        None if name.starts_with(|c: char| c.is_ascii_lowercase()) => Ok(()),
        None => Err("an index's name begins with a letter: `\"by_city\"`".to_owned()),
    }
}

fn allowed(text: &str, what: &str, also: &str) -> Result<(), String> {
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match text.chars().find(|c| !is_allowed(c)) {
        None => Ok(()),
        Some(c) => Err(format!(
            "{c:?} is not allowed in {what}: it has letters and digits of ASCII, `.`, `_`, `-`{also}"
        )),
    }
}

/// Returns the name of a variant in keys, which contain it unescaped.
pub(super) fn variant(text: &LitStr) -> Result<String, String> {
    let name = text.value();
    if name.is_empty() {
        return Err("a variant's text has at least one character".to_owned());
    }
    match name.chars().find(|c| matches!(c, '%' | ':') || c.is_ascii_control()) {
        None => Ok(name),
        Some(c) => Err(format!("{c:?} is not allowed in a key unescaped")),
    }
}

/// The name of a member of a stored value: any text.
pub(super) fn member(text: &LitStr) -> Result<LitStr, String> {
    Ok(text.clone())
}

/// Where generated code finds the runtime.
pub(super) fn path(text: &LitStr) -> Result<Path, String> {
    text.parse_with(Path::parse_mod_style)
        .map_err(|_| format!("{:?} is not a path such as \"::kv_runtime\"", text.value()))
}

/// The name of a struct.
pub(super) fn ident(text: &LitStr) -> Result<Ident, String> {
    text.parse().map_err(|_| format!("{:?} cannot be the name of a struct", text.value()))
}
