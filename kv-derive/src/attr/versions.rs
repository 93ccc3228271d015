//! What is said of versions: on the struct or in `group(...)`, and on fields.

use proc_macro2::TokenStream;
use syn::{ExprPath, Ident, LitStr, Path};

use super::key::Key;
use super::place::Place;
use super::slot::{Slot, Version};
use super::text;
use crate::symbol::{
    COMPATIBLE, DEFAULT, DOWN, FROM, NAME, OLDEST, PREVIOUS, REMOVED, SINCE, STEP, VERSION, WITH_ID,
    WRITE_VERSION,
};

const RENAMED_FORM: &str = "renamed(from = \"name\", since = 2)";
const ADDED_FORM: &str = "added(since = 2)";
const REMOVED_FORM: &str = "removed(name = \"age\", since = 2)";
const STEP_FORM: &str = "step(1 => path::to::function)";

/// What a group says of its versions.
#[derive(Default)]
pub(crate) struct Versions {
    pub(crate) version: Slot<Version>,
    pub(crate) oldest: Slot<Version>,
    pub(crate) write_version: Slot<Version>,
    pub(crate) steps: Vec<FunctionStep>,
    /// Whether a `step(...)` was not understood.
    pub(crate) has_unread_step: bool,
    pub(crate) removed: Vec<Removed>,
    pub(crate) previous: Slot<Path>,
}

/// `step(1 => up, down = down)`: a function from one version to the next.
pub(crate) struct FunctionStep {
    pub(crate) at: Ident,
    pub(crate) from: Version,
    pub(crate) up: ExprPath,
    pub(crate) down: Slot<ExprPath>,
    /// Whether the functions see the id.
    pub(crate) with_id: Slot<()>,
    pub(crate) compatible: Slot<()>,
}

/// `removed(name = "age", since = 2)`: a member that is gone.
pub(crate) struct Removed {
    pub(crate) at: Ident,
    pub(crate) name: Slot<LitStr>,
    pub(crate) since: Slot<Version>,
    pub(crate) default: Slot<TokenStream>,
    pub(crate) compatible: Slot<()>,
}

/// `renamed(from = "name", since = 2)`: the field had another name.
pub(crate) struct Renamed {
    pub(crate) at: Ident,
    pub(crate) from: Slot<LitStr>,
    pub(crate) since: Slot<Version>,
    pub(crate) compatible: Slot<()>,
}

/// `added(since = 2)`: the field is new.
#[derive(Clone)]
pub(crate) struct Added {
    pub(crate) since: Slot<Version>,
    pub(crate) default: Slot<TokenStream>,
}

impl Versions {
    /// Reads the key if it is one of these.
    pub(super) fn read(&mut self, key: &Key<'_>) {
        match key.symbol {
            VERSION => key.version(&mut self.version, "version = 2"),
            OLDEST => key.version(&mut self.oldest, "oldest = 2"),
            WRITE_VERSION => key.version(&mut self.write_version, "write_version = 1"),
            PREVIOUS => key.path(&mut self.previous, "previous = UserV1", |input| input.parse()),
            STEP => {
                let step = FunctionStep::read(key);
                self.has_unread_step |= step.is_none();
                self.steps.extend(step);
            }
            REMOVED => self.removed.push(Removed::read(key)),
            _ => {}
        }
    }

    /// Every key that is written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Ident> {
        let single = [self.version.key(), self.oldest.key(), self.write_version.key(), self.previous.key()]
            .into_iter();
        let steps = self.steps.iter().map(|step| &step.at);
        single.flatten().chain(steps).chain(self.removed.iter().map(|removed| &removed.at))
    }
}

impl FunctionStep {
    fn read(list: &Key<'_>) -> Option<Self> {
        let (mut down, mut with_id, mut compatible) = (Slot::default(), Slot::default(), Slot::default());
        let (from, up) = list.step(
            STEP_FORM,
            |input| input.parse(),
            |key| match key.symbol {
                DOWN => key.path(&mut down, "down = path::to::function", |input| input.parse()),
                WITH_ID => key.flag(&mut with_id),
                COMPATIBLE => key.flag(&mut compatible),
                _ => {}
            },
        )?;
        Some(Self { at: list.ident.clone(), from, up, down, with_id, compatible })
    }
}

impl Removed {
    fn read(list: &Key<'_>) -> Self {
        let mut removed = Self {
            at: list.ident.clone(),
            name: Slot::default(),
            since: Slot::default(),
            default: Slot::default(),
            compatible: Slot::default(),
        };
        let is_read = list.nested_as(Place::Removed, REMOVED_FORM, |key| match key.symbol {
            NAME => key.text(&mut removed.name, "name = \"age\"", text::member),
            SINCE => key.version(&mut removed.since, "since = 2"),
            DEFAULT => key.expression(&mut removed.default, "default = 0"),
            COMPATIBLE => key.flag(&mut removed.compatible),
            _ => {}
        });
        needs(list, is_read, NAME.as_str(), &removed.name, REMOVED_FORM);
        needs(list, is_read, SINCE.as_str(), &removed.since, REMOVED_FORM);
        removed
    }
}

impl Renamed {
    pub(super) fn read(list: &Key<'_>) -> Self {
        let mut renamed = Self {
            at: list.ident.clone(),
            from: Slot::default(),
            since: Slot::default(),
            compatible: Slot::default(),
        };
        let is_read = list.nested_as(Place::Renamed, RENAMED_FORM, |key| match key.symbol {
            FROM => key.text(&mut renamed.from, "from = \"name\"", text::member),
            SINCE => key.version(&mut renamed.since, "since = 2"),
            COMPATIBLE => key.flag(&mut renamed.compatible),
            _ => {}
        });
        needs(list, is_read, FROM.as_str(), &renamed.from, RENAMED_FORM);
        needs(list, is_read, SINCE.as_str(), &renamed.since, RENAMED_FORM);
        renamed
    }
}

impl Added {
    pub(super) fn read(list: &Key<'_>, slot: &mut Slot<Self>) {
        let mut added = Self { since: Slot::default(), default: Slot::default() };
        let is_read = list.nested_as(Place::Added, ADDED_FORM, |key| match key.symbol {
            SINCE => key.version(&mut added.since, "since = 2"),
            DEFAULT => key.expression(&mut added.default, "default = 0"),
            _ => {}
        });
        needs(list, is_read, SINCE.as_str(), &added.since, ADDED_FORM);
        list.once(slot, added);
    }
}

impl Added {
    /// The same with another default.
    pub(crate) fn with_default(&self, change: impl FnOnce(&TokenStream) -> TokenStream) -> Self {
        let mut added = self.clone();
        added.default.change(change);
        added
    }
}

/// That a key is there without which the list says nothing.
fn needs<T>(list: &Key<'_>, is_read: bool, name: &str, slot: &Slot<T>, form: &str) {
    if is_read && !slot.is_written() {
        list.cx.error(&list.ident, format_args!("`{}` needs `{name}`: `{form}`", list.symbol));
    }
}
