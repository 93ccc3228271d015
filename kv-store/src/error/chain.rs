//! The causes of an error.

use std::error::Error as StdError;
use std::fmt;

use super::variants::Error;

/// Returns the chain of causes of an error, for an event beside the error: `Display` does not
/// contain them.
pub fn causes(error: &Error) -> Option<tracing::field::DisplayValue<String>> {
    let mut cause = error.source()?;
    let mut text = cause.to_string();
    while let Some(source) = cause.source() {
        text = format!("{text}: {source}");
        cause = source;
    }
    Some(tracing::field::display(text))
}

/// The error's `Display`, and a line for each of its causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = self.source();
        if cause.is_some() {
            f.write_str("\n\nCaused by:")?;
        }
        while let Some(source) = cause {
            write!(f, "\n    {source}")?;
            cause = source.source();
        }
        Ok(())
    }
}
