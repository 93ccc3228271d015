//! One entity: its keys, its groups, and fields that went from one group to another.

use super::indexes;
use super::mend::{self, Target};
use super::pair::Pair;
use super::shapes::{self, Kind};
use crate::schema::describe::{EntityShape, GroupShape, IdShape};
use crate::schema::difference::{Difference, Effect};
use crate::schema::release::Release;

const RECORD: &str = "record it: KV_SCHEMA_LOCK=update";
const CONFIRM: &str = "if that is intended, confirm it: KV_SCHEMA_LOCK=update";

/// The differences of one entity.
pub(in crate::schema) fn compare(pair: &Pair<'_>) -> Vec<Difference> {
    match (pair.today, pair.releases.first()) {
        (Some(today), Some(_)) => Comparison { today, releases: &pair.releases, found: Vec::new() }.run(),
        (Some(today), None) => vec![Difference {
            entity: today.name.clone(),
            group: None,
            effect: Effect::New,
            what: format!("`{}` is not in the lock", today.name),
            mend: RECORD.to_owned(),
        }],
        (None, Some(first)) if pair.releases.iter().any(|it| !it.retired) => vec![Difference {
            entity: first.entity.clone(),
            group: None,
            effect: Effect::Policy,
            what: format!(
                "`{}` was released and is no longer in the schema; its records stay in the store",
                first.entity
            ),
            mend: CONFIRM.to_owned(),
        }],
        _ => Vec::new(),
    }
}

struct Comparison<'a> {
    today: &'a EntityShape,
    /// Not empty.
    releases: &'a [&'a Release],
    found: Vec<Difference>,
}

/// A field that is in another group today: its name, where it was, where it is.
struct Move<'a> {
    field: &'a str,
    from: &'a GroupShape,
    to: &'a GroupShape,
}

impl<'a> Comparison<'a> {
    fn run(mut self) -> Vec<Difference> {
        self.keys();
        let moves = self.moves();
        for Move { field, from, to } in &moves {
            let (was, is) = (self.label(from.segment()), self.label(to.segment()));
            let what = format!("`{field}` was released in {was}; today it is in {is}");
            let mend = format!(
                "this is no step: add it to {is} and leave it in {was}, write both, backfill, and remove it from {was} in a \
                 later release"
            );
            // Of neither group alone: recorded in one of them, a move would look like two harmless
            // changes.
            self.push(None, Effect::Breaking, what, mend);
        }
        for group in &self.today.groups {
            self.group(group, &moves);
        }
        self.gone();
        self.found
    }

    /// `User.profile` in backquotes.
    fn label(&self, segment: &str) -> String {
        label(&self.today.name, segment)
    }

    fn push(&mut self, group: Option<&str>, effect: Effect, what: String, mend: impl Into<String>) {
        let (entity, group) = (self.today.name.clone(), group.map(str::to_owned));
        self.found.push(Difference { entity, group, effect, what, mend: mend.into() });
    }

    /// The release of a group's highest version.
    fn latest(&self, segment: &str) -> Option<&'a Release> {
        let of_group = self.releases.iter().filter(|it| it.shape.segment() == segment);
        of_group.max_by_key(|it| it.shape.version).copied()
    }

    fn release(&self, segment: &str, version: u32) -> Option<&'a Release> {
        let is_it = |it: &&&Release| it.shape.segment() == segment && it.shape.version == version;
        self.releases.iter().find(is_it).copied()
    }

    /// Prefix, ids and anchor: no version goes with them, so no step can change them.
    fn keys(&mut self) {
        const NEW_ENTITY: &str = "no step can change keys: put it back, or move the records with `migrate_keys` and confirm it: \
             KV_SCHEMA_LOCK=overwrite";
        let (today, Some(released)) = (self.today, self.releases.iter().max_by_key(|it| !it.retired)) else {
            return;
        };
        let name = &today.name;
        if released.entity != *name {
            let what =
                format!("`{}` was released under this prefix; today it is called `{name}`", released.entity);
            self.push(None, Effect::Policy, what, CONFIRM);
        }
        if released.prefix != today.prefix {
            let what = format!(
                "`{name}` was released with the prefix `{}`; today it is `{}`, and no record is found under it",
                released.prefix, today.prefix
            );
            self.push(None, Effect::Breaking, what, NEW_ENTITY);
        }
        let ids = |entity: &[IdShape], with_names: bool| {
            let id = |it: &IdShape| {
                let words =
                    [(it.ordered, ", ordered"), (it.raw, ", raw"), (it.joined, ", behind a shared prefix")];
                let words: String = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
                if with_names {
                    format!("{}: {}{words}", it.name, it.kind)
                } else {
                    format!("{}{words}", it.kind)
                }
            };
            entity.iter().map(id).collect::<Vec<_>>()
        };
        let (was, is) = (ids(&released.ids, true), ids(&today.ids, true));
        // A field's name is in no key. But the same names in another order are an exchange.
        let mut sorted = (was.clone(), is.clone());
        sorted.0.sort();
        sorted.1.sort();
        if ids(&released.ids, false) != ids(&today.ids, false) || (was != is && sorted.0 == sorted.1) {
            let what = format!(
                "`{name}` was released with the id ({}); today it is ({})",
                was.join("; "),
                is.join("; ")
            );
            self.push(None, Effect::Breaking, what, NEW_ENTITY);
        }
        self.shard(released);
        let anchor = self
            .releases
            .iter()
            .filter(|it| it.shape.anchor && !it.retired)
            .max_by_key(|it| it.shape.version);
        let first = today.groups.iter().find(|it| it.anchor);
        if let (Some(was), Some(is)) = (anchor, first)
            && was.shape.segment() != is.segment()
        {
            let (was, is) = (self.label(was.shape.segment()), self.label(is.segment()));
            let what = format!(
                "{was} was released as the first group, which decides whether an entity is there; today it is {is}"
            );
            self.push(None, Effect::Breaking, what, "put it first again");
        }
    }

    /// The spelling of keys with hash tags, which alone depends on the shard id.
    fn shard(&mut self, released: &'a Release) {
        const MOVE: &str = "put it back; or move the records before the release, as the guide's page on Redis says (`Add a shard id`), \
                            and then record it: KV_SCHEMA_LOCK=overwrite. Stores without hash tags have nothing to move";
        let shard = |ids: &'a [IdShape]| ids.first().filter(|id| id.shard).map(|id| id.name.as_str());
        let name = &self.today.name;
        let what = match (shard(&released.ids), shard(&self.today.ids)) {
            (None, Some(id)) => format!(
                "`{name}` was released without a shard id; today it is `{id}`. With hash tags, as on every Redis cluster, its keys \
                 are others, and no record is found under them"
            ),
            (Some(id), None) => format!(
                "`{name}` was released with the shard id `{id}`; today it has none. With hash tags, as on every Redis cluster, its \
                 keys are others, and no record is found under them"
            ),
            _ => return,
        };
        self.push(None, Effect::Breaking, what, MOVE);
    }

    fn moves(&self) -> Vec<Move<'a>> {
        let mut moves = Vec::new();
        let has = |group: &GroupShape, name: &str| group.fields().iter().any(|it| it.name == name);
        let mut released: Vec<&Release> = self
            .releases
            .iter()
            .filter_map(|it| self.latest(it.shape.segment()))
            .filter(|it| !it.retired)
            .collect();
        released.dedup_by(|a, b| std::ptr::eq(*a, *b));
        for from in released {
            let today = self.today.groups.iter().find(|it| it.segment() == from.shape.segment());
            for field in from.shape.fields() {
                let arrived = |to: &&GroupShape| {
                    to.segment() != from.shape.segment()
                        && has(to, &field.name)
                        && !self.latest(to.segment()).is_some_and(|it| has(&it.shape, &field.name))
                };
                if !today.is_some_and(|it| has(it, &field.name))
                    && let Some(to) = self.today.groups.iter().find(arrived)
                {
                    moves.push(Move { field: &field.name, from: &from.shape, to });
                }
            }
        }
        moves
    }

    fn group(&mut self, group: &'a GroupShape, moves: &[Move<'_>]) {
        let segment = group.segment();
        let label = self.label(segment);
        self.predecessors(group);
        let Some(latest) = self.latest(segment) else {
            self.push(Some(segment), Effect::New, format!("{label} is not in the lock"), RECORD);
            return;
        };
        if latest.retired {
            let what = format!("{label} is back: records that it left are read again");
            self.push(Some(segment), Effect::Policy, what, CONFIRM);
        }
        if group.version < latest.shape.version {
            let what = format!(
                "{label} was released as version {}; today it is version {}, which cannot read that",
                latest.shape.version, group.version
            );
            let mend = format!("raise `version` above {}, with steps", latest.shape.version);
            self.push(Some(segment), Effect::Breaking, what, mend);
            return;
        }
        self.form(group, latest);
        self.policies(group, latest);
        for (effect, what, mend) in indexes::compare(&label, group, &latest.shape) {
            self.push(Some(segment), effect, what, mend);
        }
        if group.version > latest.shape.version {
            let what = format!("version {} of {label} is not in the lock", group.version);
            self.push(Some(segment), Effect::New, what, RECORD);
            return;
        }
        self.shape(group, &latest.shape, moves);
    }

    /// How its records are stored, whatever their version.
    fn form(&mut self, group: &GroupShape, latest: &Release) {
        let (segment, label) = (group.segment(), self.label(group.segment()));
        let (was, is) = (&latest.shape, group);
        if was.plain != is.plain {
            let what = match is.plain {
                true => format!(
                    "{label} was released with metadata; today its records are plain. Each loses its metadata when it is written"
                ),
                false => format!(
                    "{label} was released as plain records; today they have metadata. On a store that keeps it in an envelope, \
                     other programs cannot read what is written from now on"
                ),
            };
            self.push(Some(segment), Effect::Policy, what, CONFIRM);
        }
        if !was.plain || !is.plain {
            return;
        }
        if was.adapter != is.adapter {
            let adapter = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
            let what = format!(
                "{label} was released with the adapter {}; today it is {}, which may not read released records",
                adapter(&was.adapter),
                adapter(&is.adapter)
            );
            self.push(Some(segment), Effect::Breaking, what, "put it back, or rewrite the records first");
        }
        if was.version_in != is.version_in {
            let member = |at: &Option<String>| match at {
                Some(at) => format!("the member `{at}`"),
                None => "no member".to_owned(),
            };
            let what = format!(
                "{label} was released with its version in {}; today it is in {}, where no released record has it",
                member(&was.version_in),
                member(&is.version_in)
            );
            self.push(Some(segment), Effect::Breaking, what, "put it back, or rewrite the records first");
        } else if was.version_map != is.version_map {
            let what = format!(
                "{label} was released with the versions ({}); today they are ({})",
                was.version_map.join(", "),
                is.version_map.join(", ")
            );
            match was.version_map.iter().all(|spelling| is.version_map.contains(spelling)) {
                true => self.push(Some(segment), Effect::Policy, what, CONFIRM),
                false => self.push(Some(segment), Effect::Breaking, what, "put back what was released"),
            }
        }
    }

    /// What is said about a group beside its shape.
    fn policies(&mut self, group: &GroupShape, latest: &Release) {
        let (segment, label) = (group.segment(), self.label(group.segment()));
        if group.ttl != latest.shape.ttl {
            let what = format!(
                "{label} was released {}; today it is {}. Records keep the expiry that they were written with",
                ttl(latest.shape.ttl),
                ttl(group.ttl)
            );
            self.push(Some(segment), Effect::Policy, what, CONFIRM);
        }
        if group.optional && !latest.shape.optional {
            let what = format!("{label} was released as required; today it is optional");
            self.push(Some(segment), Effect::Policy, what, CONFIRM);
        } else if latest.shape.optional && !group.optional {
            let what = format!("{label} was released as optional; today entities without it are incomplete");
            self.push(
                Some(segment),
                Effect::Policy,
                what,
                format!("write it for all entities first; {CONFIRM}"),
            );
        }
    }

    /// The shape of a version that was released.
    fn shape(&mut self, group: &GroupShape, released: &GroupShape, moves: &[Move<'_>]) {
        let (segment, label) = (group.segment(), self.label(group.segment()));
        let (version, is_binary) = (released.version, is_binary(group) || is_binary(released));
        let target = Target { entity: &self.today.name, version, is_binary };
        if group.codec != released.codec {
            let what = format!(
                "{label} version {version} is released in {}; today it is {}, which code of that release may not read",
                released.codec, group.codec
            );
            let mend = format!("raise `version` to {}", version + 1);
            self.push(Some(segment), Effect::Breaking, what, mend);
        }
        for change in shapes::changes(&released.value, &group.value, is_binary) {
            // A field that moved to another group is reported as a move.
            let is_move = match &change.kind {
                Kind::Added { name, .. } => {
                    moves.iter().any(|it| it.field == name && it.to.segment() == segment)
                }
                Kind::Removed { name } => {
                    moves.iter().any(|it| it.field == name && it.from.segment() == segment)
                }
                _ => false,
            };
            if is_move {
                continue;
            }
            let what = format!("{label} version {version} is {}", change.what);
            let mend = if change.effect == Effect::Policy {
                CONFIRM.to_owned()
            } else {
                mend::step(&target, &change.kind)
            };
            self.push(Some(segment), change.effect, what, mend);
        }
    }

    /// What a group's oldest records are read as has to stay what was released.
    fn predecessors(&mut self, group: &'a GroupShape) {
        let segment = group.segment();
        let label = self.label(segment);
        let mut next = group.previous.as_deref();
        while let Some(entity) = next {
            let Some(previous) = entity.groups.first() else { return };
            next = previous.previous.as_deref();
            let (name, version) = (&entity.name, previous.version);
            let Some(release) = self.release(segment, version) else {
                let what =
                    format!("version {version} of {label}, its predecessor `{name}`, is not in the lock");
                self.push(Some(segment), Effect::New, what, RECORD);
                continue;
            };
            let released = &release.shape;
            let is_binary = is_binary(previous) || is_binary(released);
            if previous.codec != released.codec {
                let what = format!(
                    "`{name}` is the predecessor of {label} and no longer what was released as version {version}: that is in {}, \
                     `{name}` in {}",
                    released.codec, previous.codec
                );
                self.push(Some(segment), Effect::Breaking, what, mend::predecessor(name));
            }
            for change in shapes::changes(&released.value, &previous.value, is_binary) {
                if change.effect != Effect::Policy {
                    let what = format!(
                        "`{name}` is the predecessor of {label} and no longer what was released as version {version}: that is {}",
                        change.what.replace("; today it has", &format!("; `{name}` has"))
                    );
                    self.push(Some(segment), Effect::Breaking, what, mend::predecessor(name));
                }
            }
        }
    }

    /// Groups that were released and are no more.
    fn gone(&mut self) {
        let mut seen: Vec<&str> = Vec::new();
        for release in self.releases.iter().filter(|it| !it.retired) {
            let segment = release.shape.segment();
            if seen.contains(&segment) || self.today.groups.iter().any(|it| it.segment() == segment) {
                continue;
            }
            seen.push(segment);
            let what = format!(
                "{} was released and is gone today; its records stay in the store",
                self.label(segment)
            );
            self.push(Some(segment), Effect::Policy, what, CONFIRM);
        }
    }
}

fn label(entity: &str, segment: &str) -> String {
    if segment.is_empty() { format!("`{entity}`") } else { format!("`{entity}.{segment}`") }
}

/// Whether values do not name their fields.
fn is_binary(group: &GroupShape) -> bool {
    group.codec != crate::Codec::Json.name()
}

fn ttl(secs: Option<u64>) -> String {
    secs.map_or_else(|| "without a TTL".to_owned(), |secs| format!("with a TTL of {secs} s"))
}
