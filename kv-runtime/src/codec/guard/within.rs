//! What a value is within while it is written, and what is seen on the way.

use std::cell::{Cell, RefCell};

use kv_store::__private::json::fractions_are_maps;
use serde::ser::{Error, Serialize, Serializer};

use super::refusal::Reason;
use crate::codec::tags::Tags;

/// How many options and newtypes may stand around a value. JSON does not write them, but each takes
/// some of the stack.
pub(super) const WRAPS: u8 = 128;

/// What is seen while a value is written.
#[derive(Default)]
pub(in crate::codec) struct Seen {
    /// Where tags stand, if that is asked for.
    pub(in crate::codec) tags: Option<Tags>,
    /// Whether there was something that some types write and cannot read, as serde's derive reads
    /// them by way of a buffer.
    pub(in crate::codec) is_doubtful: Cell<bool>,
}

/// What a value is within.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    /// How many levels there may still be.
    pub(super) levels: u8,
    pub(super) wraps: u8,
    /// Whether it is written as text: with names, so that any field may be left out, and without
    /// words for some numbers.
    pub(super) is_text: bool,
    pub(super) notes: &'a Notes<'a>,
}

/// A value, a serializer, or one that takes elements. Each hands itself on to the next.
pub(super) struct Guarded<'a, T> {
    pub(super) inner: T,
    pub(super) within: Within<'a>,
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, &T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(Guarded { inner, within: self.within })
    }
}

/// What is taken down while a value is written.
pub(super) struct Notes<'a> {
    /// Why it failed, as the format's own error may have no place for it.
    pub(super) refused: RefCell<Option<Reason>>,
    /// The fields that a fault is within, the innermost first.
    pub(super) fields: RefCell<Vec<&'static str>>,
    pub(super) seen: &'a Seen,
}

impl Within<'_> {
    #[cold]
    pub(super) fn refuse<E: Error>(self, reason: Reason) -> E {
        *self.notes.refused.borrow_mut() = Some(reason);
        self.notes.fields.borrow_mut().clear();
        E::custom("it could not be read back")
    }

    pub(super) fn finite<E: Error>(self, is_finite: bool) -> Result<(), E> {
        if self.is_text {
            if !is_finite {
                return Err(self.refuse(Reason::NotFinite));
            }
            self.doubt(fractions_are_maps());
        }
        Ok(())
    }

    /// Notes what has to be read before it is trusted.
    pub(super) fn doubt(self, is_doubtful: bool) {
        if is_doubtful {
            self.notes.seen.is_doubtful.set(true);
        }
    }

    pub(super) fn nest<E: Error>(self, levels: u8) -> Result<Self, E> {
        match self.levels.checked_sub(levels) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.refuse(Reason::TooDeep)),
        }
    }

    pub(super) fn wrap<E: Error>(self) -> Result<Self, E> {
        match self.wraps.checked_sub(1) {
            Some(wraps) => Ok(Self { wraps, ..self }),
            None => Err(self.refuse(Reason::TooDeep)),
        }
    }

    pub(super) fn leave_out<E: Error>(self, field: &'static str) -> Result<(), E> {
        if self.is_text { Ok(()) } else { Err(self.refuse(Reason::LeftOut(field))) }
    }

    /// A member with a value of this type is written next.
    pub(super) fn meet<T: ?Sized>(self) {
        if let Some(tags) = &self.notes.seen.tags {
            tags.meet::<T>();
        }
    }

    /// Names a field in which there was a fault.
    #[cold]
    pub(super) fn named(self, field: &'static str) {
        self.notes.fields.borrow_mut().push(field);
    }
}
