//! Expansions, formatted and compared with the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` updates
//! them.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;

use super::{entity, id_types};

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

fn indexes() -> TokenStream {
    quote! {
        #[kv(prefix = "user", group = "profile", group(name = "settings"))]
        #[kv(index(name = "by_city", on(country, city), shown), index(name = "by_theme", on(theme, r#type), unique))]
        pub(crate) struct User<T: Clone> {
            #[kv(id)]
            id: u64,
            #[kv(unique(with = lower, generation = 2), index(name = "by_domain", with = Self::domain))]
            email: String,
            country: String,
            city: Option<String>,
            #[kv(index)]
            #[serde(default = "first_rank")]
            rank: u32,
            #[kv(group = "settings", index)]
            theme: T,
            #[kv(group = "settings")]
            r#type: Kind,
        }
    }
}

#[test]
fn indexes_of_fields_and_of_the_struct() {
    compare("indexes", entity(indexes()));
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
