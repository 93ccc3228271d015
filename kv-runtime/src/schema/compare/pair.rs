//! Which entity of a schema is which of the lock.

use crate::schema::describe::{EntityShape, Schema};
use crate::schema::release::Release;

/// An entity of the schema, one of the lock, or one that is both.
pub(in crate::schema) struct Pair<'a> {
    pub(in crate::schema) today: Option<&'a EntityShape>,
    /// All its releases; none if it was not released.
    pub(in crate::schema) releases: Vec<&'a Release>,
}

/// Who is who: by name and prefix; of the others, by name (the prefix has changed), then by prefix
/// (the struct was renamed).
pub(in crate::schema) fn pairs<'a>(schema: &'a Schema, recorded: &'a [Release]) -> Vec<Pair<'a>> {
    let mut released: Vec<Vec<&Release>> = Vec::new();
    for release in recorded {
        let is_it = |it: &&mut Vec<&Release>| {
            it.first().is_some_and(|it| it.entity == release.entity && it.prefix == release.prefix)
        };
        match released.iter_mut().find(is_it) {
            Some(known) => known.push(release),
            None => released.push(vec![release]),
        }
    }
    let mut pairs: Vec<Pair<'a>> =
        schema.entities.iter().map(|today| Pair { today: Some(today), releases: Vec::new() }).collect();
    let rules: [fn(&EntityShape, &Release) -> bool; 3] = [
        |today, release| today.name == release.entity && today.prefix == release.prefix,
        |today, release| today.name == release.entity,
        |today, release| today.prefix == release.prefix && today.ids.len() == release.ids.len(),
    ];
    for rule in rules {
        for pair in pairs.iter_mut().filter(|pair| pair.releases.is_empty()) {
            let Some(today) = pair.today else { continue };
            if let Some(at) = released.iter().position(|it| it.first().is_some_and(|it| rule(today, it))) {
                pair.releases = released.remove(at);
            }
        }
    }
    pairs.extend(released.into_iter().map(|releases| Pair { today: None, releases }));
    pairs
}
