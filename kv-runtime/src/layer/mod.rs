//! Wrappers: stores that forward every call to another store and add one feature.
//!
//! Each wraps any [`Store`](crate::store::Store), and is an
//! [`AtomicStore`](crate::store::AtomicStore) if the wrapped store is one. They nest in any order.
//! The outermost wrapper sees a call first.

// A wrapper that does not forward a method with a default would use the default, not the engine's
// method.
#![deny(clippy::missing_trait_methods)]

#[cfg(feature = "faults")]
mod fault;
mod namespace;
mod observe;
mod operation;
#[cfg(feature = "retry")]
mod retry;
mod timeout;

#[cfg(feature = "faults")]
pub use fault::{Fault, FaultStore, Faults, Gate};
pub use namespace::NamespaceStore;
pub use observe::{Latencies, ObservedStore, OperationStats, StoreStats};
pub use operation::Operation;
#[cfg(feature = "retry")]
pub use retry::RetryStore;
pub use timeout::TimeoutStore;
