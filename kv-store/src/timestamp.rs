//! Moments: milliseconds since the Unix epoch.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since the Unix epoch.
///
/// At most 2⁴⁸ − 1 (the year 10889), which six bytes of an envelope and every JSON number hold
/// exactly; later moments are cut to that one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// One more than the milliseconds, so that `Option<Timestamp>`, of which every record has
    /// three, takes no more room.
    NonZeroU64,
);

const _: () = assert!(size_of::<Option<Timestamp>>() == size_of::<u64>());

impl Timestamp {
    /// The latest moment that can be represented.
    pub const MAX: Timestamp = Timestamp(NonZeroU64::MIN.saturating_add((1 << 48) - 1));

    /// Returns the moment `millis` milliseconds after the Unix epoch, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.as_millis() { Self::MAX } else { Self(NonZeroU64::MIN.saturating_add(millis)) }
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0.get() - 1
    }

    /// Returns this moment plus `duration`, rounded up to a whole millisecond, at most
    /// [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        // Not by `as_nanos`: a division of 128 bits is a KiB of a Worker's wasm.
        let part = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
        let millis = duration.as_secs().saturating_mul(1_000).saturating_add(part);
        Self::from_millis(self.as_millis().saturating_add(millis))
    }

    /// Returns the time from `earlier` to this moment, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.as_millis())
    }
}

/// Moments before the epoch become the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(timestamp.as_millis())
    }
}

/// Serialized as a number of milliseconds.
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_millis())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <u64 as serde::Deserialize>::deserialize(deserializer).map(Self::from_millis)
    }
}
