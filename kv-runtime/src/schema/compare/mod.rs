//! Compares an application's schema with what was released: every difference, what it means, and
//! how to resolve it.

mod entity;
mod mend;
mod shapes;

use std::fmt;

use super::describe::{EntityShape, Schema};
use super::lock::{Lock, Release};

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Not in the lock yet; nothing that was released has changed.
    New,
    /// What is stored stays readable both ways, but something else changes for its users: a TTL,
    /// say. Recording it confirms it.
    Policy,
    /// The shape of a released version has changed so that older code reads what newer code writes.
    /// It takes a new version.
    Additive,
    /// Records that were written under a released version, or code that reads them, do not fit the
    /// schema any more.
    Breaking,
}

impl Effect {
    /// Whether the lock can take it as it is.
    pub(super) fn is_acceptable(self) -> bool {
        matches!(self, Self::New | Self::Policy)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Policy => "to be confirmed",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        })
    }
}

/// Something in which a schema and its lock differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The entity's name, today's if it has one.
    pub entity: String,
    /// The group, where one group alone is concerned; without a name it is `""`.
    pub group: Option<String>,
    /// What it means.
    pub effect: Effect,
    /// What was released, and what is today.
    pub what: String,
    /// How to resolve it.
    pub mend: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    -> {}", self.effect, self.what, self.mend)
    }
}

/// An entity of the schema, one of the lock, or one that is both.
pub(super) struct Pair<'a> {
    pub(super) today: Option<&'a EntityShape>,
    /// All its releases; none if it was not released.
    pub(super) releases: Vec<&'a Release>,
}

/// All differences, entity by entity.
pub(super) fn compare(schema: &Schema, lock: &Lock) -> Vec<Difference> {
    pairs(schema, lock).iter().flat_map(compare_pair).collect()
}

/// Those of one entity.
pub(super) fn compare_pair(pair: &Pair<'_>) -> Vec<Difference> {
    entity::compare(pair)
}

/// Who is who: by name and prefix; of the others, by name (the prefix has changed), then by prefix
/// (the struct was renamed).
pub(super) fn pairs<'a>(schema: &'a Schema, lock: &'a Lock) -> Vec<Pair<'a>> {
    let mut released: Vec<Vec<&Release>> = Vec::new();
    for release in &lock.releases {
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
