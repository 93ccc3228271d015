//! A cluster: where a key's node is found, and what is done when it has moved.
//!
//! Every node has its own connection, so nodes do not wait for each other. A command is sent again
//! only after a node has refused it, which says that nothing was done, or if it was not sent at
//! all.

mod batch;
mod map;
mod nodes;
mod query;
mod rounds;
mod slots;
mod tries;

pub(super) use nodes::Cluster;
pub(super) use rounds::Rounds;
pub(super) use slots::by_slot;
