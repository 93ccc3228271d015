//! Expansions, formatted and compared with the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` writes them anew.
//! And mistakes, where all that is told of one type matters and not its place.

use std::path::PathBuf;

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::quote;

fn entity(input: TokenStream) -> TokenStream {
    super::derive(input, super::derive_entity)
}

fn id(input: TokenStream) -> TokenStream {
    super::derive(input, super::derive_id)
}

/// What an expansion tells, in its order.
fn told(expansion: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
    let told = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(item) => Some(item.mac.parse_body::<syn::LitStr>().expect("a message").value()),
        _ => None,
    });
    told.collect()
}

fn formatted(expansion: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(expansion).expect("the expansion is a list of items"))
}

fn compare(name: &str, expansion: TokenStream) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(format!("{name}.rs"));
    let found = formatted(expansion);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &found).expect("the snapshot can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == found,
        "{} is not what the derive writes; UPDATE_SNAPSHOTS=1 accepts this:\n{found}",
        path.display()
    );
}

fn single_group() -> TokenStream {
    quote! {
        /// A session.
        #[kv(prefix = "session", ttl = "24h")]
        pub(crate) struct Session {
            #[kv(id, secret)]
            token: String,
            #[serde(default)]
            user: u64,
            #[kv(skip)]
            hits: u32,
        }
    }
}

fn several_groups() -> TokenStream {
    quote! {
        #[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
        #[kv(group(name = "settings", version = 3, oldest = 3, ttl = "30d", optional, view = "UserPrefs", derive(Debug, Clone)))]
        #[serde(rename_all = "camelCase")]
        pub struct User {
            #[kv(id)]
            pub id: u64,
            /// Shown to others.
            pub user_name: String,
            #[kv(expires_at)]
            pub expires: Option<SystemTime>,
            #[kv(group = "settings")]
            theme: Theme,
            #[kv(group = "settings")]
            #[serde(default = "ten")]
            max_items: u32,
        }
    }
}

fn generic() -> TokenStream {
    quote! {
        #[kv(prefix = "cache", group(name = "value"), group(name = "about"))]
        struct Cached<T: Clone, const N: usize = 4> where T: Shown {
            #[kv(id)]
            key: String,
            #[kv(id, ordered)]
            number: T,
            #[kv(group = "value")]
            value: Option<T>,
            #[kv(group = "value")]
            hashes: Hashes<N>,
            #[kv(group = "about")]
            previous: Vec<Box<Self>>,
            #[kv(group = "about")]
            note: String,
        }
    }
}

fn composite_id() -> TokenStream {
    quote! {
        #[kv(prefix = "org:event", crate = "crate::renamed", codec = "json")]
        #[serde(default, deny_unknown_fields)]
        struct r#type {
            #[kv(id)]
            org: OrgId,
            #[kv(id, ordered)]
            at: i64,
            r#fn: String,
        }
    }
}

fn versions() -> TokenStream {
    quote! {
        #[kv(prefix = "user", version = 4, write_version = 2, step(2 => steps::up, down = steps::down))]
        #[kv(removed(name = "age", since = 4, default = 0, compatible), previous = UserV1)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct User {
            #[kv(id)]
            id: u64,
            #[kv(renamed(from = "name", since = 4))]
            user_name: String,
            #[kv(added(since = 4, default = 3 + 4))]
            visits: u32,
            #[kv(added(since = 4))]
            #[serde(with = "hex")]
            code: u32,
        }
    }
}

fn versions_of_groups() -> TokenStream {
    quote! {
        #[kv(prefix = "device", group(name = "state"))]
        #[kv(group(name = "config", version = 3, oldest = 2, step(2 => Self::up, compatible), previous = ConfigV2<T>))]
        #[kv(group(name = "log", version = 2, removed(name = "lines", since = 2)))]
        struct Device<T> {
            #[kv(id)]
            id: u64,
            #[kv(group = "state")]
            online: bool,
            #[kv(group = "config")]
            value: T,
            #[kv(group = "log", renamed(from = "last", since = 2, compatible))]
            newest: String,
        }
    }
}

fn id_types() -> TokenStream {
    let newtype = id(quote! { struct UserId(u64); });
    let enumeration = id(quote! {
        #[kv(rename_all = "kebab-case")]
        enum Flag { NewHome, #[kv(rename = "beta.2")] Beta }
    });
    quote!(#newtype #enumeration)
}

#[test]
fn a_single_group() {
    compare("single_group", entity(single_group()));
}

#[test]
fn several_groups_with_views() {
    compare("several_groups", entity(several_groups()));
}

#[test]
fn type_and_constant_parameters() {
    compare("generic", entity(generic()));
}

#[test]
fn a_composite_id_and_defaults_from_the_struct() {
    compare("composite_id", entity(composite_id()));
}

#[test]
fn steps_and_a_predecessor() {
    compare("versions", entity(versions()));
}

#[test]
fn versions_of_several_groups() {
    compare("versions_of_groups", entity(versions_of_groups()));
}

#[test]
fn ids() {
    compare("ids", id_types());
}

#[test]
fn ten_fields_take_at_most_250_lines() {
    let fields = (0..9).map(|at| quote::format_ident!("field_{at}"));
    let input = quote! {
        #[kv(prefix = "wide", version = 2, oldest = 2, ttl = "1h")]
        struct Wide {
            #[kv(id)]
            id: u64,
            #(#[serde(default)] #fields: String,)*
        }
    };
    let lines = formatted(entity(input)).lines().count();
    assert!(lines <= 250, "{lines} lines");
}

#[cfg(not(feature = "postcard"))]
#[test]
fn a_codec_without_its_feature_is_told() {
    let expansion = entity(quote! {
        #[kv(prefix = "a", codec = "postcard")]
        struct Entity { #[kv(id)] id: u64 }
    });
    let message = "this codec needs the feature `postcard` of kv-runtime";
    assert!(expansion.to_string().contains(message), "{expansion}");
}

#[test]
fn a_field_of_an_id_type_has_no_keys() {
    let newtype = id(quote! { struct Id(#[kv(rename = "z", bogus)] u64); });
    let on_a_field = [
        "`rename` belongs on a variant; there are no keys on a field of an id type",
        "unknown key `bogus`; there are no keys on a field of an id type",
    ];
    assert_eq!(told(newtype), on_a_field);
    let variant = id(quote! { enum Id { One, Two(#[kv(rename = "z", bogus)] u64) } });
    assert_eq!(told(variant), [&on_a_field[..], &["the variants of an id type have no fields"]].concat());
}

#[test]
fn a_group_is_not_said_to_lack_the_field_that_misspells_it() {
    let expansion = entity(quote! {
        #[kv(prefix = "a", group(name = "profile"), group(name = "settings"))]
        struct Entity { #[kv(id)] id: u64, #[kv(group = "profile")] a: u8, #[kv(group = "setings")] b: u8 }
    });
    let message = "no group is named \"setings\" (did you mean `settings`?); there are `profile`, `settings`";
    assert_eq!(told(expansion), [message]);
    let expansion = entity(quote! {
        #[kv(prefix = "a", group(name = "settings"))]
        struct Entity { #[kv(id)] id: u64, a: u8, #[kv(group = 3)] b: u8 }
    });
    assert_eq!(told(expansion), ["expected text in quotes: `group = \"settings\"`"]);
}

#[test]
fn beside_mistakes_the_runtime_has_the_name_that_is_given() {
    for expansion in [
        entity(quote! { #[kv(crate = "kv", bogus)] struct Entity { id: u64 } }),
        entity(quote! { #[kv(bogus, crate = "kv")] struct Entity(u64); }),
        id(quote! { #[kv(crate = "kv", bogus)] enum Id { One } }),
        id(quote! { #[kv(crate = "kv")] struct Id; }),
    ] {
        let text = expansion.to_string();
        assert!(text.contains("kv :: __private") && !text.contains("kv_runtime"), "{text}");
    }
}

#[test]
fn mistakes_on_what_can_be_no_entity_are_told_with_that() {
    let expansion =
        entity(quote! { #[kv(prefix = "a:", ttl = "5x")] #[serde(tag = "t")] enum Entity { A(u8) } });
    let complaints = [
        "a prefix neither begins nor ends with `:`, nor has two of them in a row",
        "expected a duration such as \"30s\", \"5m\", \"24h\", \"30d\" or \"1h30m\"",
        "an entity is a struct with named fields; an enum can be the type of one of them",
    ];
    assert_eq!(told(expansion), complaints);
}

#[test]
fn what_is_no_key_does_not_hide_what_follows() {
    const ON_THE_STRUCT: &str = "the keys on the struct are `prefix`, `group`, `version`, `oldest`, `write_version`, \
                                 `step`, `removed`, `previous`, `ttl`, `codec`, `view`, `derive`, `crate`";
    const NO_DURATION: &str = "expected a duration such as \"30s\", \"5m\", \"24h\", \"30d\" or \"1h30m\"";
    let no_key = format!("expected a key; {ON_THE_STRUCT}");

    for no_key_at_all in [quote!("user"), quote!(-1), quote!(= "user"), quote!((prefix)), quote!()] {
        let expansion = entity(quote! {
            #[kv(#no_key_at_all, ttl = "5x")]
            struct Entity { #[kv(id)] id: u64 }
        });
        assert_eq!(told(expansion), [&no_key, NO_DURATION]);
    }
    let told = told(entity(quote! {
        #[kv("prefix" = "a", ttl::, group("x"), codec = "jsn")]
        struct Entity { #[kv("id", ordred)] id: u64, #[kv(added(2), renamed("a", sinc = 2))] a: u8 }
    }));
    let told: Vec<&str> = told.iter().filter_map(|told| told.split(';').next()).collect();
    let expected = [
        "expected a key (did you mean `prefix`?)",
        "expected ident",
        "expected a key",
        "unknown codec \"jsn\" (did you mean `json`?)",
        "expected a key (did you mean `id`?)",
        "unknown key `ordred` (did you mean `ordered`?)",
        "expected a key",
        "expected a key",
        "unknown key `sinc` (did you mean `since`?)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_list_that_ends_early_is_told_once() {
    for list in [quote!(derive(Debug Clone)), quote!(version = 2, step(1 => up down))] {
        let expansion = entity(quote! {
            #[kv(prefix = "a", group = "x", #list)]
            #[kv(group(name = "y"))]
            struct Entity { #[kv(id)] id: u64, a: u8, #[kv(group = "y")] b: u8 }
        });
        assert_eq!(told(expansion), ["expected `,`"], "{list}");
    }
}

#[test]
fn an_attribute_that_cannot_be_read_is_told_alone() {
    for attr in [quote!(#[kv]), quote!(#[kv = "a"])] {
        let on_the_struct = told(entity(quote! { #attr struct Entity { #[kv(id)] id: u64 } }));
        let on_the_id = told(entity(quote! { #[kv(prefix = "a")] struct Entity { #attr id: u64 } }));
        assert_eq!((on_the_struct.len(), &on_the_struct), (1, &on_the_id), "{attr}");
    }
}

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
    // No field or attribute of this entity brings a path of its own.
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

/// All paths, as far as tokens show them: words with `::` between. A word that no path follows is one, too.
fn collect_paths(tokens: TokenStream, paths: &mut Vec<String>) {
    const KEYWORDS: [&str; 4] = ["impl", "for", "as", "mut"];
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
