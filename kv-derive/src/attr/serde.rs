//! serde's attributes, as far as the derive has to know them. The rest is handed on: serde itself
//! reports what is wrong with it, at the same tokens.

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, ExprPath, LitStr, Meta, Path, Token, parenthesized};

use super::key::rest_of_value;
use crate::case::Case;
use crate::ctxt::Ctxt;
use crate::suggest::did_you_mean;
use crate::symbol::{
    ALIAS, BORROW, BOUND, CONTENT, CRATE, DEFAULT, DENY_UNKNOWN_FIELDS, DESERIALIZE, DESERIALIZE_WITH,
    EXPECTING, FLATTEN, FROM, GETTER, INTO, REMOTE, RENAME, RENAME_ALL, RENAME_ALL_FIELDS, SERDE, SERIALIZE,
    SERIALIZE_WITH, SKIP, SKIP_DESERIALIZING, SKIP_SERIALIZING, SKIP_SERIALIZING_IF, Symbol, TAG,
    TRANSPARENT, TRY_FROM, UNTAGGED, WITH,
};

/// What cannot work on an entity, and why.
const REFUSED: [(Symbol, &str); 11] = [
    (TRANSPARENT, "an entity's value has its fields by name, so it cannot be transparent"),
    (FROM, "an entity is read field by field; put `from` on the type of a field"),
    (TRY_FROM, "an entity is read field by field; put `try_from` on the type of a field"),
    (INTO, "an entity is written field by field; put `into` on the type of a field"),
    (REMOTE, "the derive reads and writes the struct itself; put `remote` on a type of its own"),
    (CRATE, "the derive takes serde from the runtime; `#[kv(crate = \"...\")]` says where that is"),
    (BOUND, "the derive writes the bounds itself; further ones belong in the struct's `where` clause"),
    (TAG, "a value has no tag: its key says what it is"),
    (CONTENT, "a value has no tag: its key says what it is"),
    (UNTAGGED, "a value has no tag: its key says what it is"),
    (RENAME_ALL_FIELDS, "this is for the variants of an enum; for the fields of a struct it is `rename_all`"),
];

/// Other keys that serde has on a struct, and on a field. A key that is not in the list is reported
/// here. serde would report it as well, for the hidden structs and with follow-up errors.
const ON_THE_STRUCT: [Symbol; 5] = [DEFAULT, DENY_UNKNOWN_FIELDS, EXPECTING, RENAME, RENAME_ALL];
const ON_A_FIELD: [Symbol; 13] = [
    ALIAS,
    BORROW,
    BOUND,
    DEFAULT,
    DESERIALIZE_WITH,
    FLATTEN,
    RENAME,
    SERIALIZE_WITH,
    SKIP,
    SKIP_DESERIALIZING,
    SKIP_SERIALIZING,
    SKIP_SERIALIZING_IF,
    WITH,
];

/// Keys on a field that have a path in quotes.
const WITH_A_PATH: [Symbol; 5] = [DEFAULT, DESERIALIZE_WITH, SERIALIZE_WITH, SKIP_SERIALIZING_IF, WITH];

/// serde's attributes on the struct.
pub(crate) struct ContainerSerde {
    /// The keys that the payloads get as they are.
    pub(crate) kept: Vec<TokenStream>,
    pub(crate) has_name: bool,
    pub(crate) has_expecting: bool,
    /// How values write the names of fields, and how they are read.
    pub(crate) rename_all: Sides<Case>,
    pub(crate) rename_all_key: Option<Path>,
    pub(crate) denies_unknown: bool,
    pub(crate) default: Option<ContainerDefault>,
}

/// `#[serde(default)]` on the struct: missing fields are those of a whole entity.
pub(crate) struct ContainerDefault {
    pub(crate) key: Path,
    /// The function that makes it; otherwise `Default` does.
    pub(crate) function: Option<ExprPath>,
}

/// serde's attributes on a field.
pub(crate) struct FieldSerde {
    /// As they are written.
    pub(crate) attrs: Vec<Attribute>,
    /// Each key with its value, for the schema lock.
    pub(crate) keys: Vec<TokenStream>,
    pub(crate) default: Option<FieldDefault>,
    /// What values call it, if that is not the field's own name, and under which name it is read.
    pub(crate) rename: Sides<String>,
    pub(crate) rename_key: Option<Path>,
    /// Under which other names it is read.
    pub(crate) aliases: Vec<(Path, String)>,
    /// The keys by which a value may be without it.
    pub(crate) left_out: Vec<Path>,
    pub(crate) is_flattened: bool,
    /// Whether values have nothing of it.
    pub(crate) is_skipped: bool,
    /// Whether the field's type need not be `Serialize` or `DeserializeOwned`.
    pub(crate) writes_itself: bool,
    pub(crate) reads_itself: bool,
    /// Whether a read takes the field from its default.
    pub(crate) is_skipped_reading: bool,
    pub(crate) borrow: Option<Path>,
    pub(crate) bound: Option<Path>,
    /// Keys that a codec without field names cannot follow.
    pub(crate) needs_names: Vec<Path>,
}

/// `#[serde(default)]` on a field.
pub(crate) enum FieldDefault {
    Trait,
    Function(ExprPath),
}

impl ContainerSerde {
    pub(super) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut serde = Self {
            kept: Vec::new(),
            has_name: false,
            has_expecting: false,
            rename_all: Sides::default(),
            rename_all_key: None,
            denies_unknown: false,
            default: None,
        };
        for (key, value) in keys(cx, attrs) {
            if let Some((_, complaint)) = REFUSED.iter().find(|(symbol, _)| key == *symbol) {
                cx.error(&key, complaint);
            } else if key == DEFAULT {
                let function = function(value.clone());
                if function.is_none() && !value.is_empty() {
                    cx.error(&key, "this takes a function's path in quotes: `default = \"path\"`");
                }
                serde.default = Some(ContainerDefault { key, function });
            } else if is_known(cx, &key, &ON_THE_STRUCT) {
                if key == RENAME_ALL {
                    check_case(cx, value.clone());
                    serde.rename_all = sides(value.clone()).map(|case| Case::read(&case.value()).ok());
                    serde.rename_all_key = Some(key.clone());
                }
                serde.denies_unknown |= key == DENY_UNKNOWN_FIELDS;
                serde.has_name |= key == RENAME;
                serde.has_expecting |= key == EXPECTING;
                let mut kept = key.into_token_stream();
                kept.extend(value);
                serde.kept.push(kept);
            }
        }
        serde
    }
}

impl FieldSerde {
    pub(super) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut serde = Self {
            attrs: attrs.iter().filter(|attr| *attr.path() == SERDE).cloned().collect(),
            keys: Vec::new(),
            default: None,
            rename: Sides::default(),
            rename_key: None,
            aliases: Vec::new(),
            left_out: Vec::new(),
            is_flattened: false,
            is_skipped: false,
            writes_itself: false,
            reads_itself: false,
            is_skipped_reading: false,
            borrow: None,
            bound: None,
            needs_names: Vec::new(),
        };
        let (mut unwritten, mut unread) = (None, None);
        for (key, value) in keys(cx, attrs) {
            if key == GETTER {
                cx.error(&key, "the derive reads the field itself; `getter` is for a `remote` type");
                continue;
            }
            if !is_known(cx, &key, &ON_A_FIELD) {
                continue;
            }
            let mut whole = key.to_token_stream();
            whole.extend(value.clone());
            serde.keys.push(whole);
            let is_skip = key == SKIP;
            serde.writes_itself |= is_skip || key == WITH || key == SERIALIZE_WITH || key == SKIP_SERIALIZING;
            serde.reads_itself |=
                is_skip || key == WITH || key == DESERIALIZE_WITH || key == SKIP_DESERIALIZING;
            serde.is_skipped_reading |= is_skip || key == SKIP_DESERIALIZING;
            serde.is_skipped |= is_skip || key == SKIP_SERIALIZING;
            serde.is_flattened |= key == FLATTEN;
            if key == RENAME {
                serde.rename = sides(value).map(|name| Some(name.value()));
                serde.rename_key = Some(key);
            } else if key == ALIAS {
                let alias = text.parse2(value).map(|alias| alias.value());
                serde.aliases.extend(alias.ok().map(|alias| (key, alias)));
            } else if key == DEFAULT {
                serde.default = Some(function(value).map_or(FieldDefault::Trait, FieldDefault::Function));
            } else if key == BORROW {
                serde.borrow = Some(key);
            } else if key == BOUND {
                serde.bound = Some(key);
            } else if key == SKIP_SERIALIZING {
                unwritten = Some(key);
            } else if key == SKIP_DESERIALIZING {
                unread = Some(key);
            } else if key == FLATTEN || key == SKIP_SERIALIZING_IF {
                serde.left_out.extend(Some(key.clone()).filter(|key| *key == SKIP_SERIALIZING_IF));
                serde.needs_names.push(key);
            }
        }
        // Skipped both ways there is nothing in the value at all, which any codec can follow.
        match (unwritten, unread) {
            (Some(key), None) => {
                serde.left_out.push(key.clone());
                serde.needs_names.push(key);
            }
            (None, Some(key)) => serde.needs_names.push(key),
            _ => {}
        }
        serde
    }
}

impl FieldSerde {
    /// Changes the paths that attributes have in quotes.
    pub(crate) fn change_paths(&mut self, change: impl Fn(&ExprPath) -> ExprPath) {
        if let Some(FieldDefault::Function(path)) = &mut self.default {
            *path = change(path);
        }
        for attr in &mut self.attrs {
            if let Meta::List(list) = &mut attr.meta {
                list.tokens = with_paths(std::mem::take(&mut list.tokens), &change);
            }
        }
    }
}

/// The tokens of an attribute with other paths in quotes.
fn with_paths(tokens: TokenStream, change: &impl Fn(&ExprPath) -> ExprPath) -> TokenStream {
    let mut is_path = false;
    let token = |token: TokenTree| match token {
        TokenTree::Ident(key) => {
            is_path = WITH_A_PATH.iter().any(|symbol| key == symbol.as_str());
            key.into()
        }
        TokenTree::Literal(literal) if is_path => changed_path(&literal, change).unwrap_or(literal).into(),
        token => token,
    };
    tokens.into_iter().map(token).collect()
}

/// The path in quotes, if it changes.
fn changed_path(literal: &Literal, change: impl Fn(&ExprPath) -> ExprPath) -> Option<Literal> {
    let text: LitStr = syn::parse2(TokenTree::from(literal.clone()).into()).ok()?;
    let path: ExprPath = text.parse().ok()?;
    let (was, is) = (path.to_token_stream().to_string(), change(&path).to_token_stream().to_string());
    (was != is).then(|| LitStr::new(&is, text.span()).token())
}

/// Every key of `#[serde(...)]` with what follows it, up to the comma.
fn keys(cx: &Ctxt, attrs: &[Attribute]) -> Vec<(Path, TokenStream)> {
    let mut keys = Vec::new();
    for attr in attrs.iter().filter(|attr| *attr.path() == SERDE) {
        let parsed = attr.parse_nested_meta(|meta| {
            keys.push((meta.path.clone(), rest_of_value(meta.input)?));
            Ok(())
        });
        if let Err(error) = parsed {
            cx.push(error);
        }
    }
    keys
}

fn is_known(cx: &Ctxt, key: &Path, known: &[Symbol]) -> bool {
    let is_known = known.iter().any(|symbol| *key == *symbol);
    if !is_known {
        let spelled = key.to_token_stream().to_string().replace(' ', "");
        let meant = did_you_mean(&spelled, known.iter().map(|symbol| symbol.as_str()));
        cx.error(key, format_args!("serde has no `{spelled}` here{meant}"));
    }
    is_known
}

/// That `rename_all = "..."` names a case; its other form is left to serde.
fn check_case(cx: &Ctxt, value: TokenStream) {
    if let Ok(text) = text.parse2(value)
        && let Err(complaint) = Case::read(&text.value())
    {
        cx.error(text, complaint);
    }
}

/// What is said for writing and for reading.
#[derive(Clone)]
pub(crate) struct Sides<T> {
    pub(crate) write: Option<T>,
    pub(crate) read: Option<T>,
}

impl<T> Default for Sides<T> {
    fn default() -> Self {
        Self { write: None, read: None }
    }
}

impl<T> Sides<T> {
    fn map<U>(self, map: impl Fn(T) -> Option<U>) -> Sides<U> {
        Sides { write: self.write.and_then(&map), read: self.read.and_then(&map) }
    }
}

/// The text of `= "text"`, which is for both, or those of
/// `(serialize = "text", deserialize = "text")`.
fn sides(value: TokenStream) -> Sides<LitStr> {
    if let Ok(text) = text.parse2(value.clone()) {
        return Sides { write: Some(text.clone()), read: Some(text) };
    }
    let mut found = Sides::default();
    let list = |input: ParseStream<'_>| {
        let content;
        parenthesized!(content in input);
        content.parse::<TokenStream>()
    };
    let keys = syn::meta::parser(|meta| {
        let value = rest_of_value(meta.input)?;
        if meta.path == SERIALIZE {
            found.write = text.parse2(value).ok();
        } else if meta.path == DESERIALIZE {
            found.read = text.parse2(value).ok();
        }
        Ok(())
    });
    // serde says what is wrong with a list that is none.
    let _ = list.parse2(value).and_then(|list| keys.parse2(list));
    found
}

fn text(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// The path in `= "path"`.
fn function(value: TokenStream) -> Option<ExprPath> {
    text.parse2(value).ok()?.parse().ok()
}
