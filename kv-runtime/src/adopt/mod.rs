//! Records of other programs: how a group is stored so that they can read it, and where its version
//! is then.

mod version_in;

pub use version_in::{Spelling, VersionIn};

/// How the records of a group are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// With metadata: in an envelope, or beside the value where the store has a place for it.
    Enveloped,
    /// As the value alone.
    Plain(Plain),
}

/// What is special to the plain records of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    /// The member of the value that holds its version. Without one every record is version 1.
    pub(crate) version_in: Option<&'static VersionIn>,
}
