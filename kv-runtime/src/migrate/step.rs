//! One version to the next.

use std::any::Any;

use kv_store::BoxError;
use serde_json::value::RawValue;

use super::function::{self, Call, Function, StepFn, StepWithIdFn};
use crate::codec::Members;

/// One change that leads to a version from the one before it. A version may have several, which are
/// made in their order.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(crate) to: u32,
    pub(crate) change: Change,
    compatible: bool,
    /// Applies its function, if it is one.
    call: Option<Call>,
}

/// A function that returns the JSON text of a member that is not there.
pub type MakeMember = fn() -> Result<Box<RawValue>, BoxError>;

/// What a step does to the JSON object of a value.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Change {
    /// A member has another name; where both names stand, the new one wins.
    Rename {
        /// Its name before.
        from: &'static str,
        /// Its name since.
        to: &'static str,
    },
    /// A member is new.
    Add {
        /// Its name.
        name: &'static str,
        /// What it is in older records.
        default: MakeMember,
    },
    /// A member is gone.
    Remove {
        /// Its name.
        name: &'static str,
        /// What older code is given for it; without it the step cannot be reversed.
        default: Option<MakeMember>,
    },
    /// A function of the application's.
    Function {
        /// Its path, for errors.
        name: &'static str,
        /// From the version before to this one.
        up: StepFn,
        /// From this version to the one before; without it the step cannot be reversed.
        down: Option<StepFn>,
    },
    /// A function of the application's that sees the id of the entity.
    FunctionWithId {
        /// Its path, for errors.
        name: &'static str,
        /// From the version before to this one.
        up: StepWithIdFn,
        /// From this version to the one before; without it the step cannot be reversed.
        down: Option<StepWithIdFn>,
    },
}

impl Change {
    /// Whether it is a function of the application's, which nobody can look into.
    #[must_use]
    pub const fn is_function(&self) -> bool {
        matches!(self, Self::Function { .. } | Self::FunctionWithId { .. })
    }

    pub(crate) const fn takes_id(&self) -> bool {
        matches!(self, Self::FunctionWithId { .. })
    }
}

impl Step {
    /// A change that leads to version `to`.
    #[must_use]
    pub const fn new(to: u32, change: Change) -> Self {
        let call: Option<Call> = if change.is_function() { Some(function::call) } else { None };
        Self { to, change, compatible: false, call }
    }

    /// Marks a step whose result the code of the version before can still read.
    #[must_use]
    pub const fn compatible(mut self) -> Self {
        self.compatible = true;
        self
    }

    /// The version that it leads to.
    #[must_use]
    pub const fn to(&self) -> u32 {
        self.to
    }

    /// What it does.
    #[must_use]
    pub const fn change(&self) -> &Change {
        &self.change
    }

    /// Whether code of the version before can read the result: a member was added, or the
    /// application says so.
    #[must_use]
    pub const fn is_compatible(&self) -> bool {
        self.compatible || matches!(self.change, Change::Add { .. })
    }

    /// Whether the step can be undone.
    #[must_use]
    pub const fn is_reversible(&self) -> bool {
        match &self.change {
            Change::Rename { .. } | Change::Add { .. } => true,
            Change::Remove { default, .. } => default.is_some(),
            Change::Function { down, .. } => down.is_some(),
            Change::FunctionWithId { down, .. } => down.is_some(),
        }
    }

    /// Applies its function to an object.
    pub(super) fn call(
        &self,
        object: &mut Members<'_>,
        function: Function,
        id: &dyn Any,
    ) -> Result<(), BoxError> {
        match self.call {
            Some(call) => call(object, function, id),
            None => Err("the step is not a function".into()),
        }
    }
}

/// A shape that today's can be made of: what `#[kv(previous = P)]` asks for. Every `TryFrom<P>`,
/// and so every `From<P>`, is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of its predecessor `{P}`",
    label = "there is no `From<{P}>` for `{Self}`",
    note = "implement `From<{P}>` or `TryFrom<{P}>` for `{Self}`: it is how old records are migrated"
)]
pub trait StepFrom<P>: Sized {
    /// Converts a predecessor to the current shape.
    fn step_from(previous: P) -> Result<Self, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<P, N> StepFrom<P> for N
where
    N: TryFrom<P>,
    N::Error: Into<BoxError>,
{
    fn step_from(previous: P) -> Result<Self, BoxError> {
        N::try_from(previous).map_err(Into::into)
    }
}

/// A shape that can be made of today's: what `write_version` asks of a predecessor. Every
/// `TryFrom<&N>` is one.
#[diagnostic::on_unimplemented(
    message = "the predecessor `{P}` cannot be made of `{Self}`, so `write_version` cannot reach it",
    label = "there is no `From<&{Self}>` for `{P}`",
    note = "implement `From<&{Self}>` or `TryFrom<&{Self}>` for `{P}`"
)]
pub trait StepInto<P> {
    /// The old shape of today's.
    fn step_into(&self) -> Result<P, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<P, N> StepInto<P> for N
where
    P: for<'a> TryFrom<&'a N, Error: Into<BoxError>>,
{
    fn step_into(&self) -> Result<P, BoxError> {
        P::try_from(self).map_err(Into::into)
    }
}
