//! Records of other programs: how a group is stored so that they can read it, where its version is
//! then, and adapters for what is not the JSON of a value. [The guide](crate::guide::adopting) says how
//! to adopt such records.

mod adapter;
mod doubly_encoded;
mod keyv;
#[cfg(feature = "msgpack")]
mod message_pack;
mod version_in;

pub use adapter::{Adapter, Adopted};
pub use doubly_encoded::DoublyEncoded;
pub use keyv::Keyv;
#[cfg(feature = "msgpack")]
pub use message_pack::MessagePack;
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
    /// What the bytes are converted by. Without one they are the JSON of the value.
    pub(crate) adapter: Option<&'static dyn Adapter>,
}
