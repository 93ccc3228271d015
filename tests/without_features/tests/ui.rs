//! What the compiler says of calls and types whose feature is off.

#[test]
#[ignore = "compares the words of a pinned compiler: Rust 1.95"]
fn an_error_names_the_feature() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
