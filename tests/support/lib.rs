//! Nothing of its own: the root package exists for its examples, tests and benches.
