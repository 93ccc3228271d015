//! Wrappers of stores, and the store that is chosen by a URL: each passes the conformance suite.

mod any;
mod calls;
mod conformance;
