//! Which members of JSON are the tags of enums.
//!
//! serde's derive writes an internal tag as a plain `str`. No field of a struct has that type: it
//! is a `String` or a `&str`. An adjacent tag has a private type of serde's.

use std::any::type_name;
use std::cell::{Cell, RefCell};

/// Takes down the tags while a value is written.
#[derive(Debug, Default)]
pub(super) struct Tags {
    place: Cell<usize>,
    offsets: RefCell<Vec<usize>>,
}

impl Tags {
    /// The next member begins behind so many bytes.
    pub(super) fn at(&self, place: usize) {
        self.place.set(place);
    }

    /// A member with a value of this type is written next.
    pub(super) fn meet<T: ?Sized>(&self) {
        if is_tag::<T>() {
            self.offsets.borrow_mut().push(self.place.get());
        }
    }

    /// Where tags were written, in ascending order.
    pub(super) fn into_places(self) -> Vec<usize> {
        self.offsets.into_inner()
    }
}

/// Whether a member's value of this type is a tag.
fn is_tag<T: ?Sized>() -> bool {
    let name = type_name::<T>();
    name == "str" || name.ends_with("::AdjacentlyTaggedEnumVariant")
}
