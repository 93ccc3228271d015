//! What the compiler says of mistakes, and what compiles.
//!
//! The failing cases compare whole error messages, so they belong to one compiler version.
//! `TRYBUILD=overwrite` updates them.

#[test]
#[ignore = "compares the words of a pinned compiler: Rust 1.95"]
fn mistakes_are_reported_where_they_are() {
    let cases = trybuild::TestCases::new();
    for topic in [
        "struct", "group", "field", "id", "serde", "view", "kvid", "schema", "call", "migrate", "cache",
        "transact", "index", "adopt",
    ] {
        cases.compile_fail(format!("tests/ui/{topic}/*.rs"));
    }
}

#[test]
fn what_is_right_compiles() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
