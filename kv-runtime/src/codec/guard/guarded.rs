//! The pair that everything which is written goes through.

use serde::ser::{Serialize, Serializer};

use super::within::Within;

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
