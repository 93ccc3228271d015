//! Wrappers: stores that hand every call on to another store, and add one thing on the way.
//!
//! Each takes any [`Store`](crate::store::Store), and is an [`AtomicStore`](crate::store::AtomicStore) where that is one. They nest in any
//! order; what is wrapped last sees a call first.

// A method with a default that a wrapper forgot would silently be that default, and not the engine's own.
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
