//! What kv-runtime and the engines of this project share. Not a part of the public interface: it
//! changes without notice.

pub use crate::catch_unwind::catch_unwind;
pub use crate::clock::Stopwatch;
pub use crate::error::causes;
pub use crate::key::{
    LEAST_KEPT_OF_PART, beginning_of_part, escape_into, is_foreign, learn, parse_entry, parse_key, taken,
};
pub use crate::record::{json_len, read_time};
pub use crate::store::{
    Fences, HeardWrite, HeardWrites, Listener, Listening, Origin, PageCopy, Place, Turn, WriteKind,
    WriteOutcome, is_empty_range,
};
#[cfg(not(target_arch = "wasm32"))]
pub use crate::system_time::instant;
#[cfg(all(feature = "__tls", not(target_arch = "wasm32")))]
pub use crate::tls::choose_cryptography;

pub mod coop {
    pub use crate::coop::{Hold, yield_now};
}

pub mod json {
    pub use crate::json::*;
}

#[cfg(feature = "__network")]
pub mod network {
    pub use crate::network::{runtime, within};
}

pub mod random {
    pub use crate::random::{seed, token};
}
