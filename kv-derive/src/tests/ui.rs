//! The mistakes of `tests/ui/`, as the macros report them: each message at its line and column.
//!
//! `tests/ui.rs` compares whole outputs, which contain the compiler's words, so it needs one pinned
//! compiler. The messages of the macros do not depend on the compiler. This test reads them out of
//! the same `.stderr` files, and runs with every compiler.

use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::spanned::Spanned;

use super::{entity, id};

/// An error: what it says, and the line and column where it begins, both counted from 1.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mistake {
    line: usize,
    column: usize,
    message: String,
}

#[test]
fn every_mistake_is_reported_at_its_token() {
    let (mut compared, mut wrong) = (0, String::new());
    for case in cases() {
        let expected = expected(&case.with_extension("stderr"));
        let reported = reported_in_file(&case);
        if expected != reported {
            wrong += &format!("{}\n  expected {expected:#?}\n  reported {reported:#?}\n", case.display());
        }
        compared += usize::from(!expected.is_empty());
    }
    assert!(wrong.is_empty(), "{wrong}");
    // In the others the compiler reports the mistake.
    assert!(compared > 80, "{compared} cases");
}

/// Correct code gets no errors.
#[test]
fn what_compiles_has_no_mistakes() {
    let right = files(&ui().join("pass"));
    assert!(right.len() > 10, "{right:?}");
    for case in right {
        assert_eq!(reported_in_file(&case), [], "{}", case.display());
    }
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui")
}

/// The cases that must not compile, in the order of their names.
fn cases() -> Vec<PathBuf> {
    // What is wrong about a transaction only the compiler sees, and some of its errors have no code.
    let is_of_a_macro = |topic: &PathBuf| !topic.ends_with("pass") && !topic.ends_with("transact");
    let topics = entries(&ui()).into_iter().filter(is_of_a_macro);
    // A type that a `macro_rules!` writes is not there before the macro is expanded.
    let has_macro = |case: &PathBuf| fs::read_to_string(case).is_ok_and(|it| it.contains("macro_rules!"));
    let cases: Vec<_> = topics.flat_map(|topic| files(&topic)).filter(|case| !has_macro(case)).collect();
    assert!(cases.len() > 100, "{} cases", cases.len());
    cases
}

fn files(topic: &Path) -> Vec<PathBuf> {
    entries(topic).into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    paths.sort();
    paths
}

/// The macros' errors in a compiler's output. The compiler's own errors have a code.
fn expected(output: &Path) -> Vec<Mistake> {
    let output = fs::read_to_string(output).expect("each case has an output");
    let mut lines = output.lines();
    let mut mistakes = Vec::new();
    while let Some(line) = lines.next() {
        let Some(message) = line.strip_prefix("error: ") else { continue };
        let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> "));
        let mut place = place.expect("an error has a place").rsplit(':');
        let mut number = || place.next().and_then(|number| number.parse().ok()).expect("a number");
        let (column, line) = (number(), number());
        mistakes.push(Mistake { line, column, message: message.to_owned() });
    }
    mistakes.sort();
    mistakes
}

/// What the macros report of the types in a file.
fn reported_in_file(case: &Path) -> Vec<Mistake> {
    let source = fs::read_to_string(case).expect("the case can be read");
    let file = syn::parse_file(&source).expect("the case is Rust");
    let mut mistakes = Vec::new();
    reported_in_items(&file.items, &mut mistakes);
    // The cases are written for all features.
    mistakes.retain(|mistake| !mistake.message.contains("the feature `postcard`"));
    mistakes.sort();
    mistakes
}

fn reported_in_items(items: &[syn::Item], mistakes: &mut Vec<Mistake>) {
    for item in items {
        let attrs = match item {
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Union(item) => &item.attrs,
            syn::Item::Mod(item) => {
                let (_, inner) = item.content.as_ref().expect("a module is in its file");
                reported_in_items(inner, mistakes);
                continue;
            }
            _ => continue,
        };
        for derived in derives(attrs) {
            let tokens = item.to_token_stream();
            let expansion = match derived.as_str() {
                "KvEntity" => entity(tokens),
                "KvId" => id(tokens),
                _ => continue,
            };
            mistakes.extend(compile_errors(expansion));
        }
    }
}

/// The last segments of what is derived.
fn derives(attrs: &[syn::Attribute]) -> Vec<String> {
    let mut names = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let read = attr.parse_nested_meta(|derived| {
            names.extend(derived.path.segments.last().map(|last| last.ident.to_string()));
            Ok(())
        });
        read.expect("a derive names paths");
    }
    names
}

/// The `compile_error!`s of an expansion, with the places of their tokens.
fn compile_errors(expansion: proc_macro2::TokenStream) -> impl Iterator<Item = Mistake> {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
    file.items.into_iter().filter_map(|item| {
        let syn::Item::Macro(item) = item else { return None };
        let message: syn::LitStr = item.mac.parse_body().expect("a message");
        let start = item.mac.path.span().start();
        Some(Mistake { line: start.line, column: start.column + 1, message: message.value() })
    })
}
