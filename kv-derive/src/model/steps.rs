//! What a group's attributes say of the way from one version to the next.

use proc_macro2::TokenStream;
use syn::{ExprPath, Ident, LitStr};

use super::entity::{Field, Group};
use crate::attr::Version;

/// One change that leads to a version from the one before it.
pub(crate) struct Step<'s> {
    pub(crate) to: u32,
    /// The attribute, and where the version is written.
    pub(crate) at: &'s Ident,
    pub(crate) version: &'s Version,
    pub(crate) is_compatible: bool,
    pub(crate) kind: StepKind<'s>,
}

pub(crate) enum StepKind<'s> {
    Removed { name: &'s LitStr, default: Option<&'s TokenStream> },
    Renamed { from: &'s LitStr, to: String },
    Added { name: String, field: &'s Field<'s>, default: Option<&'s TokenStream> },
    Function { up: &'s ExprPath, down: Option<&'s ExprPath>, with_id: bool },
}

impl Step<'_> {
    pub(crate) fn is_function(&self) -> bool {
        matches!(self.kind, StepKind::Function { .. })
    }

    /// Whether older code can be given what it knew.
    pub(crate) fn is_reversible(&self) -> bool {
        match &self.kind {
            StepKind::Renamed { .. } | StepKind::Added { .. } => true,
            StepKind::Removed { default, .. } => default.is_some(),
            StepKind::Function { down, .. } => down.is_some(),
        }
    }
}

impl Group<'_> {
    /// All steps by version. Within one, what is gone comes first and what is new last, so that a name can be given again.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        let removed = self.attr.versions.removed.iter().filter_map(|removed| {
            let (name, version) = (removed.name.get()?, removed.since.get()?);
            let kind = StepKind::Removed { name, default: removed.default.get() };
            let is_compatible = removed.compatible.is_written();
            Some(Step { to: version.number, at: &removed.at, version, is_compatible, kind })
        });
        let functions = self.attr.versions.steps.iter().map(|step| {
            let kind = StepKind::Function {
                up: &step.up,
                down: step.down.get(),
                with_id: step.with_id.is_written(),
            };
            let to = step.from.number.saturating_add(1);
            Step { to, at: &step.at, version: &step.from, is_compatible: step.compatible.is_written(), kind }
        });
        let renamed = self.fields.iter().flat_map(renamed);
        let added = self.fields.iter().filter_map(added);
        let mut steps: Vec<Step<'_>> = removed.chain(functions).chain(renamed).chain(added).collect();
        steps.sort_by_key(|step| step.to);
        steps
    }
}

/// The names that the field had; each became the next one.
fn renamed<'s>(field: &'s Field<'_>) -> impl Iterator<Item = Step<'s>> {
    field.attr.renamed.iter().filter_map(|renamed| {
        let (from, version) = (renamed.from.get()?, renamed.since.get()?);
        let kind = StepKind::Renamed { from, to: name_since(field, version.number) };
        let is_compatible = renamed.compatible.is_written();
        Some(Step { to: version.number, at: &renamed.at, version, is_compatible, kind })
    })
}

fn added<'s>(field: &'s Field<'_>) -> Option<Step<'s>> {
    let added = field.attr.added.get()?;
    let version = added.since.get()?;
    let name = name_since(field, version.number);
    let kind = StepKind::Added { name, field, default: added.default.get() };
    Some(Step { to: version.number, at: field.attr.added.key()?, version, is_compatible: false, kind })
}

/// What values of a version call the field, if it has no other name before the next rename.
fn name_since(field: &Field<'_>, version: u32) -> String {
    let later = field.attr.renamed.iter().filter_map(|renamed| {
        let since = renamed.since.get()?.number;
        Some((since, renamed.from.get()?)).filter(|_| since > version)
    });
    later.min_by_key(|(since, _)| *since).map_or_else(|| field.stored.clone(), |(_, from)| from.value())
}
