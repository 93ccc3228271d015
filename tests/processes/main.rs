//! Programs that are killed, and programs of two versions beside each other.

mod backfill;
mod crash;
mod index_builds;
mod rolling;
