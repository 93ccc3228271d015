//! The levels of lints: what is generated from a struct or a field has those that stand on it.

use syn::{Attribute, Ident, Meta};

use crate::symbol::{ALLOW, DENY, EXPECT, WARN};

/// The levels among these attributes, as what is generated gets them. What is expected is allowed there: it is met once, in the source.
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
