//! Stands for the crate that turns the features on.
