//! Why a value was not written.

use std::fmt::{self, Display};

use kv_store::codec::CodecError;

/// As many levels as serde_json reads; a variant with several fields is two.
pub(super) const LEVELS: u8 = 127;

/// Why a value was not written.
pub(in crate::codec) enum Fault<E> {
    Refused(Refused),
    /// With the fields around it, the innermost first.
    Format(E, Vec<&'static str>),
}

/// What could not be read back, and where in the value it stands.
#[derive(Debug)]
pub(in crate::codec) struct Refused {
    pub(super) reason: Reason,
    /// The fields that contain it, the innermost first. Map keys and list indexes are left out,
    /// because they are data.
    pub(super) fields: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    NotFinite,
    LeftOut(&'static str),
    Twice,
    TooDeep,
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a value that is nested without end the way in would be as long.
        if !matches!(self.reason, Reason::TooDeep) {
            f.write_str(&path(&self.fields))?;
        }
        match self.reason {
            Reason::NotFinite => f.write_str(
                "a number is NaN or infinite, which JSON cannot represent; make it an `Option`, or use `codec = \"postcard\"`",
            ),
            Reason::LeftOut(field) => write!(
                f,
                "the field `{field}` is left out (`skip_serializing_if`), and a codec without field names cannot represent that; always write it, or use `codec = \"json\"`"
            ),
            Reason::Twice => f.write_str(
                "a map within (`flatten`, `tag`) has a key that is the name of another member, so the object could not be read back",
            ),
            Reason::TooDeep => write!(f, "it is nested more than {LEVELS} levels deep, which cannot be read back"),
        }
    }
}

/// Where a fault is: ``in `a.b`: ``; nothing if it is in no field.
fn path(fields: &[&'static str]) -> String {
    let fields: Vec<_> = fields.iter().rev().copied().collect();
    if fields.is_empty() { String::new() } else { format!("in `{}`: ", fields.join(".")) }
}

impl<E> Fault<E> {
    /// The codec's error. `describe` has the words for one of the format.
    pub(in crate::codec) fn into_error(self, describe: impl FnOnce(E) -> String) -> CodecError {
        CodecError::new(match self {
            Self::Refused(refused) => refused.to_string(),
            Self::Format(error, fields) => format!("{}{}", path(&fields), describe(error)),
        })
    }
}
