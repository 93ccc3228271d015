//! What is said of records that other programs read and write.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{ExprPath, Ident, LitInt, LitStr, Token};

use super::key::Key;
use super::slot::{Slot, Version};
use crate::symbol::{ADAPTER, MISSING, PLAIN, VERSION_IN, VERSION_MAP};

const VERSION_IN_FORM: &str = "version_in = \"schemaVersion\"";
const VERSION_MAP_FORM: &str = "version_map(missing => 1, -1 => 1, \"2024-05\" => 2)";

/// What a group says of the form of its records.
#[derive(Default)]
pub(crate) struct Adopt {
    pub(crate) plain: Slot<()>,
    pub(crate) version_in: Slot<VersionIn>,
    pub(crate) version_map: Slot<Vec<Mapped>>,
    pub(crate) adapter: Slot<ExprPath>,
}

/// The path of a member of the value.
#[derive(Clone)]
pub(crate) struct VersionIn {
    pub(crate) path: Vec<String>,
    pub(crate) text: LitStr,
}

/// `"2024-05" => 2`: how other programs write a version.
pub(crate) struct Mapped {
    pub(crate) spelling: Spelling,
    /// Where it is written.
    pub(crate) at: Span,
    pub(crate) version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Missing,
    Number(i64),
    Text(String),
}

impl Adopt {
    /// Reads the key if it is one of these.
    pub(super) fn read(&mut self, key: &Key<'_>) {
        match key.symbol {
            PLAIN => key.flag(&mut self.plain),
            ADAPTER => {
                key.path(&mut self.adapter, "adapter = kv_runtime::adopt::Keyv", |input| input.parse())
            }
            VERSION_IN => key.text(&mut self.version_in, VERSION_IN_FORM, version_in),
            VERSION_MAP => {
                let entries = key.list(VERSION_MAP_FORM, mapped);
                let cx = key.cx;
                let all = entries.map(|entries| {
                    let version = |(spelling, at, literal)| {
                        Version::read(cx, literal, "version").map(|version| Mapped { spelling, at, version })
                    };
                    entries.into_iter().filter_map(version).collect()
                });
                key.maybe_once(&mut self.version_map, all);
            }
            _ => {}
        }
    }

    /// Every key that is written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Ident> {
        let keys = [self.plain.key(), self.version_in.key(), self.version_map.key(), self.adapter.key()];
        keys.into_iter().flatten()
    }
}

fn version_in(text: &LitStr) -> Result<VersionIn, String> {
    let path: Vec<String> = text.value().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err("a path is names of members, with `.` between them: \"_persist.version\"".to_owned());
    }
    Ok(VersionIn { path, text: text.clone() })
}

fn mapped(input: ParseStream<'_>) -> syn::Result<(Spelling, Span, LitInt)> {
    let at = input.span();
    let spelling = if input.peek(LitStr) {
        Spelling::Text(input.parse::<LitStr>()?.value())
    } else if let Some(name) = input.parse::<Option<Ident>>()? {
        if name != MISSING.as_str() {
            return Err(syn::Error::new(at, "expected `missing`, a whole number, or text in quotes"));
        }
        Spelling::Missing
    } else {
        let is_negative = input.parse::<Option<Token![-]>>()?.is_some();
        let expected = |_| syn::Error::new(at, "expected `missing`, a whole number, or text in quotes");
        let number: i64 =
            input.parse::<LitInt>().and_then(|number| number.base10_parse()).map_err(expected)?;
        Spelling::Number(if is_negative { -number } else { number })
    };
    input.parse::<Token![=>]>()?;
    Ok((spelling, at, input.parse()?))
}
