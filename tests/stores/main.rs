//! `RedbStore`, the store of a URL, and wrappers of stores.

mod layers;
mod redb;
