//! The bounds of a generic entity: those that serde's attributes on its fields need, and no more.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::entity;

/// The bounds of `T` in the `where` clause of `impl KvEntity`, by the last segments of their paths.
fn predicates(entity: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(entity).expect("the expansion is a list of items");
    let mut items: Vec<syn::Item> = file.items;
    // The impls lie in an anonymous constant.
    while let Some(at) = items.iter().position(|item| matches!(item, syn::Item::Const(_))) {
        let syn::Item::Const(constant) = items.remove(at) else { continue };
        let syn::Expr::Block(block) = *constant.expr else { continue };
        items.extend(block.block.stmts.into_iter().filter_map(|statement| match statement {
            syn::Stmt::Item(item) => Some(item),
            _ => None,
        }));
    }
    let of_entity = items.into_iter().find_map(|item| match item {
        syn::Item::Impl(item) if item.trait_.as_ref()?.0.segments.last()?.ident == "KvEntity" => Some(item),
        _ => None,
    });
    let clause = of_entity.expect("the entity is one").generics.where_clause.expect("it is generic");
    let bounds = clause.predicates.iter().filter_map(|predicate| match predicate {
        syn::WherePredicate::Type(it) if it.bounded_ty.to_token_stream().to_string() == "T" => {
            Some(&it.bounds)
        }
        _ => None,
    });
    bounds
        .flatten()
        .filter_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => Some(bound.path.segments.last()?.ident.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn serdes_attributes_decide_what_a_parameter_needs() {
    let both = ["Serialize", "DeserializeOwned"].as_slice();
    for (attr, expected) in [
        (quote!(), both),
        (quote!(#[serde(default)]), &["Serialize", "DeserializeOwned", "Default"]),
        (quote!(#[serde(default = "f")]), both),
        (quote!(#[serde(rename = "a")]), both),
        (quote!(#[serde(with = "f")]), &[]),
        (quote!(#[serde(serialize_with = "f")]), &["DeserializeOwned"]),
        (quote!(#[serde(deserialize_with = "f")]), &["Serialize"]),
        (quote!(#[serde(serialize_with = "f", deserialize_with = "f")]), &[]),
        (quote!(#[serde(skip)]), &["Default"]),
        (quote!(#[serde(skip, default = "f")]), &[]),
        (quote!(#[serde(skip_serializing, default)]), &["DeserializeOwned", "Default"]),
        (quote!(#[serde(skip_serializing, skip_deserializing)]), &["Default"]),
        (quote!(#[kv(skip)]), &["Default"]),
        (quote!(#[kv(id)]), &["KvId"]),
        (quote!(#[kv(expires_at)]), &["ExpiresAt", "Serialize", "DeserializeOwned"]),
    ] {
        let entity = entity(quote! {
            #[kv(prefix = "a")]
            struct Entity<T> { #[kv(id)] id: u64, #attr field: T, other: u64 }
        });
        assert_eq!(predicates(entity), expected, "{attr}");
    }
}

#[test]
fn an_optional_group_needs_defaults() {
    for (attr, expected) in [
        (quote!(), ["Serialize", "DeserializeOwned", "Default"].as_slice()),
        (quote!(#[serde(default = "f")]), &["Serialize", "DeserializeOwned"]),
    ] {
        let entity = entity(quote! {
            #[kv(prefix = "a", group = "x", group(name = "y", optional))]
            struct Entity<T> { #[kv(id)] id: u64, other: u64, #[kv(group = "y")] #attr field: T }
        });
        assert_eq!(predicates(entity), expected, "{attr}");
    }
}

/// `#[serde(default)]` on the struct needs `Default` for the struct, and not for its fields.
#[test]
fn a_default_of_the_struct_spares_its_fields() {
    for (container, of_struct, attr, expected) in [
        (quote!(), false, quote!(#[serde(skip)]), ["Default"].as_slice()),
        (quote!(#[serde(default)]), true, quote!(#[serde(skip)]), &[]),
        (quote!(#[serde(default)]), true, quote!(), &["Serialize", "DeserializeOwned"]),
        (quote!(#[serde(default = "f")]), false, quote!(#[serde(skip)]), &[]),
        (quote!(#[serde(default = "f")]), false, quote!(), &["Serialize", "DeserializeOwned"]),
    ] {
        let entity = entity(quote! {
            #[kv(prefix = "a")]
            #container
            struct Entity<T> { #[kv(id)] id: u64, #attr field: T }
        });
        let is_asked = entity.to_string().contains("Entity < T > : :: core :: default :: Default");
        assert_eq!(is_asked, of_struct, "{container} {attr}");
        assert_eq!(predicates(entity), expected, "{container} {attr}");
    }
}

/// Only a type that mentions a parameter gets a bound.
#[test]
fn only_types_that_mention_a_parameter_are_asked() {
    let expansion = entity(quote! {
        #[kv(prefix = "a")]
        struct Entity<T, const N: usize> { #[kv(id)] id: u64, a: Vec<T>, b: Vec<T>, c: [u8; N], d: String }
    });
    let text = expansion.to_string();
    let count = |ty: &str, bound: &str| text.matches(&format!("{ty} : __kv :: {bound}")).count();
    assert!(count("Vec < T >", "serde :: Serialize") > 0);
    assert!(count("[u8 ; N]", "serde :: Serialize") > 0);
    assert_eq!(count("String", "serde :: Serialize"), 0);
}
