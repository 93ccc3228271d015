//! The indexes of one group. Their entries carry no version: whatever changes them takes a new
//! generation, which has to be built.

use crate::schema::describe::GroupShape;
use crate::schema::difference::Effect;
use crate::schema::index::IndexShape;

const BUILD: &str = "release it everywhere, then run `build_indexes()`; record it: KV_SCHEMA_LOCK=update";

/// A difference: what it means, what it is, and how to resolve it.
pub(super) type Found = (Effect, String, String);

/// Compares the indexes of a group with those of its latest release; `label` names the group.
pub(super) fn compare(label: &str, today: &GroupShape, latest: &GroupShape) -> Vec<Found> {
    let mut found = Vec::new();
    for index in &today.indexes {
        match latest.indexes.iter().find(|it| it.name == index.name) {
            Some(released) => found.extend(changed(label, today, latest, index, released)),
            None => {
                let what = format!("the index `{}` of {label} is not in the lock", index.name);
                found.push((Effect::New, what, BUILD.to_owned()));
            }
        }
    }
    for gone in latest.indexes.iter().filter(|it| today.indexes.iter().all(|index| index.name != it.name)) {
        let name = &gone.name;
        let what = format!("the index `{name}` of {label} was released and is gone today");
        let mend = format!(
            "its entries stay until `drop_index({name:?})`; if that is intended, confirm it: KV_SCHEMA_LOCK=update"
        );
        found.push((Effect::Policy, what, mend));
    }
    found
}

fn changed(
    label: &str,
    today: &GroupShape,
    latest: &GroupShape,
    index: &IndexShape,
    released: &IndexShape,
) -> Option<Found> {
    let (name, generation) = (&index.name, released.generation);
    let raise =
        format!("write `generation = {}` on the index, and build it after the release", generation + 1);
    if index.generation < generation {
        let what = format!(
            "the index `{name}` of {label} was released in generation {generation}; today it is {}",
            index.generation
        );
        return Some((Effect::Breaking, what, format!("write `generation = {generation}`, or a higher one")));
    }
    if index.generation > generation {
        let what =
            format!("generation {} of the index `{name}` of {label} is not in the lock", index.generation);
        return Some((Effect::New, what, BUILD.to_owned()));
    }
    let (was, is) = (released.described(), index.described());
    if !index.keeps_the_entries_of(released) {
        let what = format!("`{name}` of {label} was released as {was}; today it is {is}");
        return Some((Effect::Breaking, what, raise));
    }
    if !index.has_the_names_of(released) {
        let what = format!("`{name}` of {label} was released as {was}; today it is {is}");
        let mend = format!("if a field got another name, confirm it: KV_SCHEMA_LOCK=update; else {raise}");
        return Some((Effect::Policy, what, mend));
    }
    let version = rewritten(today, latest)?;
    let what = format!(
        "the way to version {version} of {label} may change the values of its index `{name}`, whose generation is the same"
    );
    let mend = format!("if it leaves them as they are, confirm it: KV_SCHEMA_LOCK=update; else {raise}");
    Some((Effect::Policy, what, mend))
}

/// Returns the first version since the latest release to which a function leads, or a predecessor's
/// conversion: what these do to a field is not known.
fn rewritten(today: &GroupShape, latest: &GroupShape) -> Option<u32> {
    let by_function = today.opaque_steps.iter().copied().find(|to| *to > latest.version);
    let previous = today.previous.as_deref().and_then(|entity| entity.groups.first());
    let by_conversion =
        previous.filter(|previous| previous.version >= latest.version).map(|previous| previous.version + 1);
    by_function.into_iter().chain(by_conversion).min()
}
