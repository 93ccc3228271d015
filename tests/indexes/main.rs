//! Secondary and unique indexes: every write keeps them right, and every lookup is exact.

mod user;

mod bulk;
mod census;
mod damage;
mod groups;
mod lookups;
mod meets;
mod model;
mod races;
mod state;
mod stores;
mod tenants;
mod unique;
mod versions;
