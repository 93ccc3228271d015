//! Empty: the root package exists for its tests and benches.
