//! Two shapes of one value: what differs, and whether older code can read what newer code writes.

use crate::schema::difference::Effect;
use crate::schema::shape::{Field, Shape, Variant, VariantShape};

/// A difference between two shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) effect: Effect,
    /// What was, and what is.
    pub(super) what: String,
}

/// What a difference is, as far as a step depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a field of the value itself.
    Added {
        name: String,
        can_be_missing: bool,
    },
    Removed {
        name: String,
    },
    Renamed {
        from: String,
    },
    /// Anything else, or further down.
    Other,
}

/// Where two shapes stand.
#[derive(Clone)]
struct ShapePath {
    path: String,
    is_binary: bool,
    /// Whether older code keeps members that it does not know.
    keeps_unknown: bool,
}

/// All differences of two values. `is_binary` is whether the codec knows no names.
pub(super) fn changes(old: &Shape, new: &Shape, is_binary: bool) -> Vec<Change> {
    let location = ShapePath { path: String::new(), is_binary, keeps_unknown: !is_binary };
    let mut changes = Vec::new();
    shape(&location, old, new, &mut changes);
    changes
}

impl ShapePath {
    fn at(&self, name: &str, keeps_unknown: bool) -> Self {
        let dot = if self.path.is_empty() || name.starts_with('[') { "" } else { "." };
        let path = format!("{}{dot}{name}", self.path);
        Self { path, keeps_unknown: self.keeps_unknown && keeps_unknown, ..*self }
    }

    fn change(&self, effect: Effect, what: String) -> Change {
        Change { kind: Kind::Other, effect, what }
    }

    /// `address.`, before a member's name.
    fn within(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}.", self.path) }
    }
}

fn shape(location: &ShapePath, old: &Shape, new: &Shape, changes: &mut Vec<Change>) {
    match (old, new) {
        (Shape::Nullable(old), Shape::Nullable(new)) => shape(location, old, new, changes),
        (Shape::Sequence(old), Shape::Sequence(new)) => shape(&location.at("[]", false), old, new, changes),
        (Shape::Array(old, was), Shape::Array(new, is)) if was == is => {
            shape(&location.at("[]", false), old, new, changes);
        }
        (Shape::Map(old), Shape::Map(new)) => {
            shape(&location.at("(key)", false), &old.0, &new.0, changes);
            shape(&location.at("*", true), &old.1, &new.1, changes);
        }
        (Shape::Tuple(old), Shape::Tuple(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                shape(&location.at(&format!("[{at}]"), false), old, new, changes);
            }
        }
        (
            Shape::Struct { fields: old, denies_unknown: was },
            Shape::Struct { fields: new, denies_unknown: is },
        ) => {
            let location =
                ShapePath { keeps_unknown: location.keeps_unknown && !was && !is, ..location.clone() };
            fields(&location, old, new, changes);
            denial(&location, *was, *is, changes);
        }
        (Shape::Enum(old), Shape::Enum(new)) => variants(location, old, new, changes),
        (Shape::Tagged { tag: was, variants: old }, Shape::Tagged { tag: is, variants: new })
            if was == is =>
        {
            names(location, old, new, changes);
        }
        (old, new) if old == new => {}
        (old, new) => {
            let what = format!("released with `{}: {old}`; today it has `{0}: {new}`", location.path);
            changes.push(location.change(Effect::Breaking, what));
        }
    }
}

fn denial(location: &ShapePath, was: bool, is: bool, changes: &mut Vec<Change>) {
    let whose =
        if location.path.is_empty() { "its value".to_owned() } else { format!("`{}`", location.path) };
    if is && !was {
        let what = format!(
            "released so that {whose} may have members that are not known; today they are refused \
                            (`deny_unknown_fields`)"
        );
        changes.push(location.change(Effect::Breaking, what));
    } else if was && !is {
        let what = format!("released so that unknown members of {whose} are refused; today they are ignored");
        changes.push(location.change(Effect::Policy, what));
    }
}

fn fields(location: &ShapePath, old: &[Field], new: &[Field], changes: &mut Vec<Change>) {
    let is_in = |list: &[Field], name: &str| list.iter().any(|it| it.name == name);
    let removed: Vec<&Field> = old.iter().filter(|it| !is_in(new, &it.name)).collect();
    let mut added: Vec<&Field> = new.iter().filter(|it| !is_in(old, &it.name)).collect();
    let is_top = location.path.is_empty();
    let kind = |kind: Kind| if is_top { kind } else { Kind::Other };
    let within = location.within();
    for was in removed {
        // One field less and one more that is stored alike: the same under another name.
        if let Some(at) = added.iter().position(|it| it.shape == was.shape) {
            let is = added.remove(at);
            changes.push(Change {
                kind: kind(Kind::Renamed { from: was.name.clone() }),
                effect: Effect::Breaking,
                what: format!(
                    "released with `{within}{}: {}`; today it has `{within}{}: {}`",
                    was.name, was.ty, is.name, is.ty
                ),
            });
        } else {
            changes.push(Change {
                kind: kind(Kind::Removed { name: was.name.clone() }),
                effect: Effect::Breaking,
                what: format!("released with `{within}{}: {}`; today it has none", was.name, was.ty),
            });
        }
    }
    for is in added {
        // A flattened field has no member under its name, so it cannot be `added`.
        let added = match is.serde.iter().any(|key| key == "flatten") {
            true => Kind::Other,
            false => Kind::Added { name: is.name.clone(), can_be_missing: is.can_be_missing == Some(true) },
        };
        changes.push(Change {
            kind: kind(added),
            effect: if location.keeps_unknown { Effect::Additive } else { Effect::Breaking },
            what: format!("released without `{within}{}: {}`, which it has today", is.name, is.ty),
        });
    }
    for is in new {
        if let Some(was) = old.iter().find(|it| it.name == is.name) {
            field(location, was, is, changes);
        }
    }
    order(location, old.iter().map(|it| &*it.name), new.iter().map(|it| &*it.name), changes);
}

/// A field that is in both.
fn field(location: &ShapePath, was: &Field, is: &Field, changes: &mut Vec<Change>) {
    let inner = location.at(&is.name, true);
    let before = changes.len();
    shape(&inner, &was.shape, &is.shape, changes);
    if let [only] = &mut changes[before..]
        && only.what.contains(&format!("`{}: ", inner.path))
        && was.ty != is.ty
        && location.path.is_empty()
    {
        // The types' own names say more than what is stored for them.
        only.what = format!("released with `{}: {}`; today it has `{0}: {}`", inner.path, was.ty, is.ty);
    }
    let has_changed = changes.len() > before;
    match (was.can_be_missing, is.can_be_missing) {
        (Some(true), Some(false)) => changes.push(location.change(
            Effect::Breaking,
            format!("released so that values without `{}` are read; today they are refused", inner.path),
        )),
        (Some(false), Some(true)) if !has_changed => changes.push(location.change(
            Effect::Policy,
            format!("released so that values without `{}` are refused; today they are read", inner.path),
        )),
        _ => {
            let (gone, came) = (missing(&was.serde, &is.serde), missing(&is.serde, &was.serde));
            if gone.is_empty() && came.is_empty() {
                return;
            }
            let is_harmless = |key: &&&String| {
                let key = key.split([' ', '(']).next().unwrap_or_default();
                key == "default" || key == "skip_serializing_if" && was.can_be_missing == Some(true)
            };
            let reads_more = |key: &&&String| is_harmless(key) || key.starts_with("alias");
            let harmless = gone.iter().filter(is_harmless).count() + came.iter().filter(reads_more).count();
            let is_policy = harmless == gone.len() + came.len();
            let effect = if is_policy { Effect::Policy } else { Effect::Breaking };
            let what = format!(
                "released with `{}` as `#[serde({})]`; today it is `#[serde({})]`",
                inner.path,
                was.serde.join(", "),
                is.serde.join(", ")
            );
            changes.push(location.change(effect, what));
        }
    }
}

/// Returns those of `these` that are not among `those`, without `rename`s: names are part of the
/// shape itself.
fn missing<'a>(these: &'a [String], those: &[String]) -> Vec<&'a String> {
    these.iter().filter(|it| !those.contains(it) && !it.starts_with("rename")).collect()
}

fn variants(location: &ShapePath, old: &[Variant], new: &[Variant], changes: &mut Vec<Change>) {
    let name = |variant: &Variant| variant.name.clone();
    names(
        location,
        &old.iter().map(name).collect::<Vec<_>>(),
        &new.iter().map(name).collect::<Vec<_>>(),
        changes,
    );
    for is in new {
        let Some(was) = old.iter().find(|it| it.name == is.name) else { continue };
        let inner = location.at(&is.name, false);
        match (&was.shape, &is.shape) {
            (VariantShape::Value(old), VariantShape::Value(new)) => shape(&inner, old, new, changes),
            (old, new) if old == new => {}
            _ => {
                let what = format!("released with another shape of the variant `{}`", inner.path);
                changes.push(location.change(Effect::Breaking, what));
            }
        }
    }
}

/// The names of variants.
fn names(location: &ShapePath, old: &[String], new: &[String], changes: &mut Vec<Change>) {
    let path = &location.path;
    for name in new.iter().filter(|it| !old.contains(it)) {
        let what = format!("released without the variant `{name}` of `{path}`, which older code cannot read");
        changes.push(location.change(Effect::Breaking, what));
    }
    for name in old.iter().filter(|it| !new.contains(it)) {
        let what = format!("released with the variant `{name}` of `{path}`, which is gone today");
        changes.push(location.change(Effect::Breaking, what));
    }
    order(location, old.iter().map(|it| &**it), new.iter().map(|it| &**it), changes);
}

/// Without names, order tells one from another.
fn order<'a>(
    location: &ShapePath,
    old: impl Iterator<Item = &'a str>,
    new: impl Iterator<Item = &'a str>,
    changes: &mut Vec<Change>,
) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.collect(), new.collect());
    let common = |these: &[&'a str], those: &[&'a str]| -> Vec<&'a str> {
        these.iter().copied().filter(|it| those.contains(it)).collect()
    };
    if location.is_binary && common(&old, &new) != common(&new, &old) {
        let of = if location.path.is_empty() { String::new() } else { format!(" in `{}`", location.path) };
        let what = format!(
            "released in the order {}{of}; today it is {}, and the codec tells them by their order",
            old.join(", "),
            new.join(", ")
        );
        changes.push(location.change(Effect::Breaking, what));
    }
}
