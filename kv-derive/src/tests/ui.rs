//! The mistakes of `tests/ui/`, as the macros report them: each message at its line and column.
//!
//! The compiler's own words stand in the same files, and they change with the compiler. So the test of
//! whole outputs runs only with the pinned one (`tests/ui.rs`). What the macros say does not depend on
//! it, so this test reads the expected errors out of the same files and runs everywhere.

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

/// Cases without a mistake that a macro reports: their errors come from the compiler, or from constant
/// evaluation, in code that the macros wrote.
const OF_THE_COMPILER: [&str; 39] = [
    "cache/put-of-a-reference",
    "cache/store-without-compare-and-swap",
    "call/cloudflare-has-no-compare-and-swap",
    "call/migrate-all-needs-compare-and-swap",
    "call/newtype-is-not-what-it-holds",
    "call/not-an-entity",
    "call/sessions-need-compare-and-swap",
    "call/touch-with-expires-at",
    "call/update-needs-compare-and-swap",
    "call/within-names-the-whole-id",
    "call/wrong-id-in-tuple",
    "call/wrong-id-type",
    "field/expiry-of-another-type",
    "field/not-serializable",
    "field/skipped-without-default",
    "group/without-default",
    "id/ordered-text",
    "id/wrong-type",
    "id/wrong-type-of-several",
    "kvid/missing-derives",
    "kvid/wrong-type",
    "migrate/another-form-of-id",
    "migrate/another-group",
    "migrate/another-id",
    "migrate/another-prefix",
    "migrate/gap-behind-a-predecessor",
    "migrate/no-conversion",
    "migrate/predecessor-is-no-entity",
    "migrate/predecessor-is-no-older",
    "migrate/step-before-a-predecessor",
    "migrate/write-version-of-a-chain",
    "migrate/write-version-of-one-group",
    "migrate/write-version-without-conversion",
    "migrate/wrong-types",
    "schema/id-meets-prefix",
    "schema/listed-twice",
    "schema/namesakes-view",
    "schema/not-an-entity",
    "schema/same-prefix",
];

#[test]
fn every_mistake_is_reported_at_its_token() {
    let mut without = Vec::new();
    let mut wrong = String::new();
    for case in cases() {
        let expected = expected(&case.with_extension("stderr"));
        let told = told_of_file(&case);
        if expected != told {
            wrong += &format!("{}\n  expected {expected:#?}\n  told {told:#?}\n", case.display());
        }
        if expected.is_empty() {
            without.push(name_of(&case));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    without.sort();
    assert_eq!(without, OF_THE_COMPILER, "cases without a mistake that a macro reports");
}

/// What is right is reported nowhere.
#[test]
fn what_compiles_has_no_mistakes() {
    let right = files(&ui().join("pass"));
    assert!(right.len() > 10, "{right:?}");
    for case in right {
        assert_eq!(told_of_file(&case), [], "{}", case.display());
    }
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui")
}

/// The cases that must not compile, in the order of their names.
fn cases() -> Vec<PathBuf> {
    let topics = entries(&ui()).into_iter().filter(|topic| !topic.ends_with("pass"));
    let cases: Vec<PathBuf> = topics.flat_map(|topic| files(&topic)).collect();
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

fn name_of(case: &Path) -> String {
    let name = case.strip_prefix(ui()).expect("the case is there").with_extension("");
    name.to_str().expect("the name is text").to_owned()
}

/// What a compiler's output says with our words: the compiler's errors have a code.
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
fn told_of_file(case: &Path) -> Vec<Mistake> {
    let source = fs::read_to_string(case).expect("the case can be read");
    let file = syn::parse_file(&source).expect("the case is Rust");
    let mut mistakes = Vec::new();
    told_of_items(&file.items, &mut mistakes);
    // The cases are written for all features.
    mistakes.retain(|mistake| !mistake.message.contains("the feature `postcard`"));
    mistakes.sort();
    mistakes
}

fn told_of_items(items: &[syn::Item], mistakes: &mut Vec<Mistake>) {
    for item in items {
        let attrs = match item {
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Union(item) => &item.attrs,
            syn::Item::Mod(item) => {
                let (_, inner) = item.content.as_ref().expect("a module is in its file");
                told_of_items(inner, mistakes);
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
            mistakes.extend(told(expansion));
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
fn told(expansion: proc_macro2::TokenStream) -> impl Iterator<Item = Mistake> {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
    file.items.into_iter().filter_map(|item| {
        let syn::Item::Macro(item) = item else { return None };
        let message: syn::LitStr = item.mac.parse_body().expect("a message");
        let start = item.mac.path.span().start();
        Some(Mistake { line: start.line, column: start.column + 1, message: message.value() })
    })
}
