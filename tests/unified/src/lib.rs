//! Plays the crate that turns the features on.
