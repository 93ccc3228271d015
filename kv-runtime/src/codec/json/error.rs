//! The answer that ends a comparison.

use std::fmt::{self, Display};

pub(super) type Result<T = ()> = std::result::Result<T, Differs>;

/// The text is not known to be the value's.
#[derive(Debug)]
pub(super) struct Differs;

impl Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is another text")
    }
}

impl std::error::Error for Differs {}

impl serde::ser::Error for Differs {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}
