//! What was read of a key that can be written once.

use syn::{Ident, LitInt};

use crate::ctxt::Ctxt;

/// A key that can be written once, and its value, if that is a good one.
#[derive(Clone)]
pub(crate) struct Slot<T> {
    key: Option<Ident>,
    value: Option<T>,
    /// Whether another key was written where probably this one was meant.
    is_guess: bool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { key: None, value: None, is_guess: false }
    }
}

impl<T> Slot<T> {
    /// Where the key was written, with a good value or a bad one.
    pub(crate) fn key(&self) -> Option<&Ident> {
        self.key.as_ref()
    }

    /// The value, if there is a good one.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Puts another value in the place of a good one.
    pub(crate) fn change(&mut self, change: impl FnOnce(&T) -> T) {
        self.value = self.value.as_ref().map(change);
    }

    pub(crate) fn is_written(&self) -> bool {
        self.key.is_some()
    }

    /// Whether only something like the key was written.
    pub(crate) fn is_guess(&self) -> bool {
        self.is_guess
    }

    /// Takes what was read at a key, and returns true. Keeps what it has of the same key, and
    /// returns false.
    pub(super) fn set(&mut self, key: &Ident, is_guess: bool, value: Option<T>) -> bool {
        let is_free = !self.is_written() || self.is_guess;
        if is_free {
            *self = Self { key: Some(key.clone()), value, is_guess };
        }
        is_free
    }
}

/// A version, and where it is written.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) literal: LitInt,
}

impl Version {
    /// Reads a whole number from 1 on, which counts `what`. Another one is recorded as an error.
    pub(super) fn read(cx: &Ctxt, literal: LitInt, what: &str) -> Option<Self> {
        match literal.base10_parse::<i128>() {
            Ok(..1) => {
                cx.error(&literal, format_args!("{what}s count from 1"));
                None
            }
            found => {
                let number = found.ok().and_then(|number| u32::try_from(number).ok());
                if number.is_none() {
                    cx.error(&literal, format_args!("a {what} is at most {}", u32::MAX));
                }
                number.map(|number| Self { number, literal })
            }
        }
    }
}
