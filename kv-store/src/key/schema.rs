//! What an id field is, as constant data.

/// The constant description of one `#[kv(id)]` field.
#[derive(Clone, Copy, Debug)]
pub struct IdSchema {
    pub(super) name: &'static str,
    pub(super) kind: IdKind,
    pub(super) ordered: bool,
    pub(super) secret: bool,
    pub(super) raw: bool,
    pub(super) joined: bool,
    pub(super) shard: bool,
}

impl IdSchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, kind: IdKind) -> Self {
        Self { name, kind, ordered: false, secret: false, raw: false, joined: false, shard: false }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn joined(mut self) -> Self {
        self.joined = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn shard(mut self) -> Self {
        self.shard = true;
        self
    }

    /// The field's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What its segments look like.
    #[must_use]
    pub const fn kind(&self) -> IdKind {
        self.kind
    }

    /// Whether numbers are written with a fixed width, so that key order is number order.
    #[must_use]
    pub const fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether it is the rest of the key as it is, `:` and `%` included.
    #[must_use]
    pub const fn is_raw(&self) -> bool {
        self.raw
    }

    /// Whether it follows the prefix without a `:`, which a `shared_prefix` has itself if it has one.
    #[must_use]
    pub const fn is_joined(&self) -> bool {
        self.joined
    }

    /// Whether a store that spreads its keys places everything under this id together.
    #[must_use]
    pub const fn is_shard(&self) -> bool {
        self.shard
    }

    /// Whether errors, spans and `Debug` show a hash in its place.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
}

/// What the segments of an id type look like, as far as it takes to tell whether two entities' keys
/// can collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdKind {
    /// A decimal number of `bits` bits.
    Integer {
        /// Whether negatives exist.
        signed: bool,
        /// 8 to 128; `usize` and `isize` count as 64 everywhere, so that keys do not depend on the
        /// machine.
        bits: u32,
    },
    /// `true` or `false`.
    Bool,
    /// One character.
    Char,
    /// Any text, escaped.
    Text,
    /// A hyphenated lower-case UUID.
    Uuid,
    /// One of these texts.
    Enum(&'static [&'static str]),
}

impl IdKind {
    /// Whether `ordered` means something for it.
    #[must_use]
    pub const fn is_integer(&self) -> bool {
        matches!(self, Self::Integer { .. })
    }
}
