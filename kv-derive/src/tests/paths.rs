//! Generated code names everything by absolute paths, or by the alias of one, so that nothing in
//! scope can change what it means.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::quote;

use super::{entity, id_types};

/// Names of the prelude, which `#![no_implicit_prelude]` takes away.
const PRELUDE: [&str; 24] = [
    "Box",
    "Clone",
    "Copy",
    "Default",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "Into",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "PartialEq",
    "Result",
    "Send",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "Vec",
];

/// What an absolute path may begin with.
const ROOTS: [&str; 3] = ["core", "std", "kv_runtime"];

#[test]
fn only_absolute_paths_occur() {
    // No field or attribute of this entity contains a path.
    let expansion = entity(quote! {
        #[kv(prefix = "a", group = "x", ttl = "1h", group(name = "y", optional, ttl = "1d", view = "YView"))]
        #[serde(default)]
        struct Entity {
            #[kv(id, ordered)]
            id: u64,
            #[kv(id, secret)]
            token: u32,
            first: u64,
            #[kv(group = "y")]
            second: u64,
            #[kv(skip)]
            third: u64,
        }
    });
    let generic = entity(quote! {
        #[kv(prefix = "b")]
        struct Entity<T> { #[kv(id)] id: u64, #[kv(expires_at)] first: T, #[serde(default)] second: T }
    });
    let versions = entity(quote! {
        #[kv(prefix = "c", version = 4, write_version = 1, previous = EntityV1, removed(name = "a", since = 4, default = 0))]
        struct Entity {
            #[kv(id)]
            id: u64,
            #[kv(added(since = 4))]
            first: u64,
            #[kv(added(since = 3, default = 1))]
            #[serde(with = "hex")]
            second: u64,
        }
    });
    for expansion in [expansion, generic, versions, id_types()] {
        let mut paths = Vec::new();
        collect_paths(expansion, &mut paths);
        assert!(paths.len() > 30, "too few paths were found: {paths:?}");
        for path in paths {
            let is_absolute =
                path.starts_with("::") && ROOTS.contains(&path[2..].split("::").next().unwrap_or(""));
            // The associated items of what is declared here, and the name of a lint.
            let is_own =
                ["Self", "__", "clippy::"].iter().any(|own| path.starts_with(own)) && path.contains("::");
            let is_plain = !path.contains("::") && !PRELUDE.contains(&path.as_str());
            assert!(is_absolute || is_own || is_plain, "`{path}` is not absolute");
        }
    }
}

/// All paths, as far as tokens show them: words with `::` between. A word that no path follows is
/// one, too.
fn collect_paths(tokens: TokenStream, paths: &mut Vec<String>) {
    const KEYWORDS: [&str; 6] = ["impl", "for", "as", "mut", "return", "use"];
    let mut path = String::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if path.ends_with("::") => path.push_str(&word.to_string()),
            TokenTree::Ident(word) => {
                paths.push(std::mem::replace(&mut path, word.to_string()));
            }
            TokenTree::Punct(first) if first.as_char() == ':' => {
                let is_path = first.spacing() == Spacing::Joint && tokens.next().is_some();
                if !is_path || KEYWORDS.contains(&path.as_str()) {
                    paths.push(std::mem::take(&mut path));
                }
                path.push_str(if is_path { "::" } else { "" });
            }
            TokenTree::Group(group) => {
                paths.push(std::mem::take(&mut path));
                collect_paths(group.stream(), paths);
            }
            // `<u64 as Trait>::NAME`: what follows is said of a type, as after `Self`.
            TokenTree::Punct(angle) if angle.as_char() == '>' => {
                paths.push(std::mem::replace(&mut path, "Self".to_owned()))
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => paths.push(std::mem::take(&mut path)),
        }
    }
    paths.push(path);
    paths.retain(|path| !path.is_empty());
}
