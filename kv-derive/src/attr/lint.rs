//! Lint levels: generated code has those of the struct or field that it comes from.

use syn::{Attribute, Ident, Meta};

use crate::symbol::{ALLOW, DENY, EXPECT, WARN};

/// Returns the lint levels among these attributes, for generated code. `expect` becomes `allow`:
/// the lint fires once, in the source.
pub(super) fn levels(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter_map(level).collect()
}

fn level(attr: &Attribute) -> Option<Attribute> {
    let path = attr.path();
    if *path == ALLOW || *path == WARN || *path == DENY {
        return Some(attr.clone());
    }
    let mut allowed = attr.clone();
    match &mut allowed.meta {
        Meta::List(list) if list.path == EXPECT => {
            let span = list.path.get_ident()?.span();
            list.path = Ident::new(ALLOW.as_str(), span).into();
            Some(allowed)
        }
        _ => None,
    }
}
