//! Wrappers of stores: each passes the conformance suite, alone and around one another.

mod conformance;
