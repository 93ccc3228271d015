//! Mistakes, where the messages about one type matter, and not their places.

use proc_macro2::TokenStream;
use quote::quote;

use super::{entity, id};

const NO_DURATION: &str = "expected a duration: whole numbers with the units `s`, `m`, `h` or `d`, such as \"30s\", \"24h\" \
                           or \"1h30m\"";

/// What an expansion tells, in its order.
fn told(expansion: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is a list of items");
    let told = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(item) => Some(item.mac.parse_body::<syn::LitStr>().expect("a message").value()),
        _ => None,
    });
    told.collect()
}

#[cfg(not(feature = "postcard"))]
#[test]
fn a_codec_without_its_feature_is_told_with_what_it_cannot_follow() {
    let expansion = entity(quote! {
        #[kv(prefix = "a", codec = "postcard", version = 2)]
        struct Entity {
            #[kv(id)]
            id: u64,
            #[serde(flatten)]
            more: More,
            #[kv(added(since = 2))]
            new: u8,
        }
    });
    let complaints = [
        "this codec needs the feature `postcard` of kv-runtime",
        "the codec \"postcard\" tells fields by their order, so a value needs all of them",
        "values of the codec \"postcard\" have no names, so `added` cannot change them: keep the old struct, with a `From` of \
         it, and write `previous = ...`",
    ];
    assert_eq!(told(expansion), complaints);
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
fn an_unknown_group_is_told_with_the_group_or_the_groups() {
    let one = entity(quote! {
        #[kv(prefix = "a", group = "profile")]
        struct Entity { #[kv(id)] id: u64, #[kv(group = "x")] a: u8 }
    });
    assert_eq!(told(one), ["no group is named \"x\"; the group is `profile`"]);
    let two = entity(quote! {
        #[kv(prefix = "a", group = "profile", group(name = "settings"))]
        struct Entity { #[kv(id)] id: u64, a: u8, #[kv(group = "settings")] b: u8, #[kv(group = "x")] c: u8 }
    });
    assert_eq!(told(two), ["no group is named \"x\"; the groups are `profile`, `settings`"]);
}

#[test]
fn a_group_is_not_said_to_lack_the_field_that_misspells_it() {
    let expansion = entity(quote! {
        #[kv(prefix = "a", group(name = "profile"), group(name = "settings"))]
        struct Entity { #[kv(id)] id: u64, #[kv(group = "profile")] a: u8, #[kv(group = "setings")] b: u8 }
    });
    let message =
        "no group is named \"setings\" (did you mean `settings`?); the groups are `profile`, `settings`";
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
    let expansion = entity(quote! {
        #[kv(prefix = "a:", ttl = "5x")]
        #[serde(tag = "t")]
        enum Entity { A(#[kv(group = 3)] u8) }
    });
    let complaints = [
        "a prefix neither begins nor ends with `:`, nor has two of them in a row",
        NO_DURATION,
        "an entity is a struct with named fields; an enum can be the type of one of them",
        "expected text in quotes: `group = \"settings\"`",
    ];
    assert_eq!(told(expansion), complaints);
    // Where the shape is right for something else, serde's attributes may be, too.
    let expansion =
        entity(quote! { union Entity { #[kv(id)] a: u8, #[kv(skip = 3)] #[serde(other)] b: u8 } });
    let complaints = ["an entity is a struct with named fields, not a union", "`skip` takes no value"];
    assert_eq!(told(expansion), complaints);
}

#[test]
fn what_is_no_key_does_not_hide_what_follows() {
    const ON_THE_STRUCT: &str = "the keys on the struct are `prefix`, `shared_prefix`, `group`, `version`, `oldest`, `write_version`, \
                                 `step`, `removed`, `previous`, `ttl`, `codec`, `plain`, `version_in`, `version_map`, `adapter`, `view`, `derive`, `index`, `crate`";
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
        "expected a key (did you mean `name = \"x\"`?)",
        "unknown codec \"jsn\" (did you mean `json`?)",
        "expected a key (did you mean `id`?)",
        "unknown key `ordred` (did you mean `ordered`?)",
        "expected a key (did you mean `since = 2`?)",
        "expected a key (did you mean `from = \"a\"`?)",
        "unknown key `sinc` (did you mean `since`?)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_key_that_is_guessed_is_not_said_to_need_a_value() {
    let quoted = ["prefix", "version", "step", "removed", "group"];
    let quoted = quoted.map(|key| (quote!(#key), format!("expected a key (did you mean `{key}`?)")));
    let misspelt = (quote!(prefx), "unknown key `prefx` (did you mean `prefix`?)".to_owned());
    for (key, expected) in quoted.into_iter().chain([misspelt]) {
        let told = told(entity(quote! { #[kv(prefix = "a", #key)] struct Entity { #[kv(id)] id: u64 } }));
        let told: Vec<&str> = told.iter().filter_map(|told| told.split(';').next()).collect();
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_name_without_its_key_is_told_once() {
    for (list, expected) in [
        (quote!(removed("age", since = 2)), "expected a key (did you mean `name = \"age\"`?)"),
        (quote!(removed("name", since = 2)), "expected a key (did you mean `name = \"name\"`?)"),
        (quote!(removed("name" = "age", since = 2)), "expected a key (did you mean `name`?)"),
        (quote!(removed(name = "age", 2)), "expected a key (did you mean `since = 2`?)"),
        (quote!(removed(age, since = 2)), "unknown key `age` (did you mean `name = \"age\"`?)"),
        (
            quote!(removed(name = "age", since = 2, "compatible")),
            "expected a key (did you mean `compatible`?)",
        ),
        (
            quote!(removed(name = "age", since = 2, compatibel)),
            "unknown key `compatibel` (did you mean `compatible`?)",
        ),
        (quote!(removed(field = "age", name = "age", since = 2)), "unknown key `field`"),
    ] {
        let told = told(entity(quote! {
            #[kv(prefix = "a", version = 2, #list)]
            struct Entity { #[kv(id)] id: u64, a: u8 }
        }));
        let told: Vec<&str> = told.iter().filter_map(|told| told.split(';').next()).collect();
        assert_eq!(told, [expected], "{list}");
    }
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

#[test]
fn an_oldest_version_above_the_current_one_is_told_alone() {
    for keys in
        [quote!(version = 2, write_version = 1), quote!(version = 2, step(1 => up)), quote!(previous = Old)]
    {
        let expansion = entity(quote! {
            #[kv(prefix = "a", oldest = 5, #keys)]
            struct Entity { #[kv(id)] id: u64 }
        });
        let told = told(expansion);
        assert!(matches!(&told[..], [only] if only.starts_with("`oldest` is above `version`")), "{told:?}");
    }
    let expansion = entity(quote! {
        #[kv(prefix = "a", version = 2, oldest = 5)]
        struct Entity { #[kv(id)] id: u64, #[kv(added(since = 2))] a: u8, #[kv(added(since = 3))] b: u8 }
    });
    let complaints = [
        "`oldest` is above `version`, which is 2: write `version = 5`, or an earlier `oldest`",
        "`since` is above `version`, which is 2: write `version = 3`, or an earlier `since`",
    ];
    assert_eq!(told(expansion), complaints);
}

#[test]
fn a_step_on_what_is_in_no_value_is_told_alone() {
    for (field, expected) in [
        (
            quote!(#[kv(id, renamed(from = "x", since = 2))] id: u64),
            "an id is in the key and in no value, so it cannot be `renamed`",
        ),
        (
            quote!(#[kv(id)] id: u64, #[kv(skip, added(since = 2))] a: u8),
            "a skipped field is not stored, so it cannot be `added`",
        ),
    ] {
        let expansion = entity(quote! { #[kv(prefix = "a", version = 2)] struct Entity { #field } });
        assert_eq!(told(expansion), [expected]);
    }
}

#[test]
fn a_list_with_quotes_is_told_once_and_how_it_is_spelled() {
    for (list, spelled) in [
        (quote!(derive("Debug")), "derive(Debug)"),
        (quote!(derive("Debug, Clone")), "derive(Debug, Clone)"),
        (quote!(derive(Debug, "serde::Serialize", "Clone")), "derive(Debug, serde::Serialize, Clone)"),
    ] {
        let expansion = entity(quote! {
            #[kv(prefix = "a", group(name = "x", #list))]
            struct Entity { #[kv(id)] id: u64, #[kv(group = "x")] a: u8 }
        });
        assert_eq!(told(expansion), [format!("expected a path without quotes: `{spelled}`")]);
    }
}

#[test]
fn a_borrow_that_a_macro_was_given_is_told() {
    let ty = proc_macro2::Group::new(proc_macro2::Delimiter::None, quote!(&'static str));
    let expansion = entity(quote! {
        #[kv(prefix = "a")]
        struct Entity { #[kv(id)] id: u64, borrowed: #ty, within: Option<#ty> }
    });
    let complaint = "an entity owns its data: use `String` or `Cow<'static, str>` instead of a borrow";
    assert_eq!(told(expansion), [complaint, complaint]);
}
