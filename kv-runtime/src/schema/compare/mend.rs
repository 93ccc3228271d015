//! The step that a changed shape takes.

use super::shapes::Kind;

/// What has changed.
pub(super) struct Target<'a> {
    pub(super) entity: &'a str,
    /// The version that was released.
    pub(super) version: u32,
    pub(super) is_binary: bool,
}

/// What to write, so that the change is a step from the released version to the next.
pub(super) fn step(target: &Target<'_>, kind: &Kind) -> String {
    let &Target { entity, version, is_binary } = target;
    let next = version.saturating_add(1);
    if is_binary {
        let previous = format!("{entity}V{version}");
        return format!(
            "raise `version` to {next}, keep the struct as it was released as `{previous}`, write `#[kv(previous = {previous})]` and \
             implement `TryFrom<{previous}> for {entity}`"
        );
    }
    match kind {
        Kind::Added { can_be_missing: true, .. } => {
            format!("raise `version` to {next} and mark the field `#[kv(added(since = {next}))]`")
        }
        Kind::Added { .. } => {
            format!(
                "raise `version` to {next} and mark the field `#[kv(added(since = {next}, default = ...))]`"
            )
        }
        Kind::Renamed { from } => {
            format!(
                "raise `version` to {next} and mark the field `#[kv(renamed(from = {from:?}, since = {next}))]`"
            )
        }
        Kind::Removed { name } => format!(
            "raise `version` to {next} and write `#[kv(removed(name = {name:?}, since = {next}))]` on the struct; with `default = \
             ...` older code is given it"
        ),
        Kind::Other => format!(
            "raise `version` to {next} and write `#[kv(step({version} => path::to::up))]`, a function that makes the old JSON object a \
             new one"
        ),
    }
}

/// What an edited predecessor takes.
pub(super) fn predecessor(name: &str) -> String {
    format!("put `{name}` back as it was: records of that version are read by it")
}
