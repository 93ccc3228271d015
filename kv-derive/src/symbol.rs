//! Every name that an attribute can have, in one place.

use std::fmt;

/// A name in an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol(&'static str);

pub(crate) const ADAPTER: Symbol = Symbol("adapter");
pub(crate) const ADDED: Symbol = Symbol("added");
pub(crate) const CODEC: Symbol = Symbol("codec");
pub(crate) const COMPATIBLE: Symbol = Symbol("compatible");
pub(crate) const CRATE: Symbol = Symbol("crate");
pub(crate) const DERIVE: Symbol = Symbol("derive");
pub(crate) const DOC: Symbol = Symbol("doc");
pub(crate) const DOWN: Symbol = Symbol("down");
pub(crate) const EXPIRES_AT: Symbol = Symbol("expires_at");
pub(crate) const GENERATION: Symbol = Symbol("generation");
pub(crate) const GROUP: Symbol = Symbol("group");
pub(crate) const ID: Symbol = Symbol("id");
pub(crate) const INDEX: Symbol = Symbol("index");
pub(crate) const KV: Symbol = Symbol("kv");
pub(crate) const MISSING: Symbol = Symbol("missing");
pub(crate) const NAME: Symbol = Symbol("name");
pub(crate) const OLDEST: Symbol = Symbol("oldest");
pub(crate) const ON: Symbol = Symbol("on");
pub(crate) const OPTIONAL: Symbol = Symbol("optional");
pub(crate) const ORDERED: Symbol = Symbol("ordered");
pub(crate) const PLAIN: Symbol = Symbol("plain");
pub(crate) const PREFIX: Symbol = Symbol("prefix");
pub(crate) const PREVIOUS: Symbol = Symbol("previous");
pub(crate) const RAW: Symbol = Symbol("raw");
pub(crate) const REMOVED: Symbol = Symbol("removed");
pub(crate) const RENAME: Symbol = Symbol("rename");
pub(crate) const RENAME_ALL: Symbol = Symbol("rename_all");
pub(crate) const RENAMED: Symbol = Symbol("renamed");
pub(crate) const SECRET: Symbol = Symbol("secret");
pub(crate) const SERDE: Symbol = Symbol("serde");
pub(crate) const SHARD: Symbol = Symbol("shard");
pub(crate) const SHARED_PREFIX: Symbol = Symbol("shared_prefix");
pub(crate) const SHOWN: Symbol = Symbol("shown");
pub(crate) const SINCE: Symbol = Symbol("since");
pub(crate) const SKIP: Symbol = Symbol("skip");
pub(crate) const STEP: Symbol = Symbol("step");
pub(crate) const TTL: Symbol = Symbol("ttl");
pub(crate) const UNIQUE: Symbol = Symbol("unique");
pub(crate) const VERSION: Symbol = Symbol("version");
pub(crate) const VERSION_IN: Symbol = Symbol("version_in");
pub(crate) const VERSION_MAP: Symbol = Symbol("version_map");
pub(crate) const VIEW: Symbol = Symbol("view");
pub(crate) const WITH_ID: Symbol = Symbol("with_id");
pub(crate) const WRITE_VERSION: Symbol = Symbol("write_version");
/// Written by the macro alone, on the views that it emits.
pub(crate) const VIEW_OF: Symbol = Symbol("__view_of");

// The compiler's.
pub(crate) const ALLOW: Symbol = Symbol("allow");
pub(crate) const DENY: Symbol = Symbol("deny");
pub(crate) const DEPRECATED: Symbol = Symbol("deprecated");
pub(crate) const EXPECT: Symbol = Symbol("expect");
pub(crate) const WARN: Symbol = Symbol("warn");

// serde's.
pub(crate) const ALIAS: Symbol = Symbol("alias");
pub(crate) const BORROW: Symbol = Symbol("borrow");
pub(crate) const BOUND: Symbol = Symbol("bound");
pub(crate) const CONTENT: Symbol = Symbol("content");
pub(crate) const DEFAULT: Symbol = Symbol("default");
pub(crate) const DENY_UNKNOWN_FIELDS: Symbol = Symbol("deny_unknown_fields");
pub(crate) const DESERIALIZE: Symbol = Symbol("deserialize");
pub(crate) const DESERIALIZE_WITH: Symbol = Symbol("deserialize_with");
pub(crate) const EXPECTING: Symbol = Symbol("expecting");
pub(crate) const FLATTEN: Symbol = Symbol("flatten");
pub(crate) const FROM: Symbol = Symbol("from");
pub(crate) const GETTER: Symbol = Symbol("getter");
pub(crate) const INTO: Symbol = Symbol("into");
pub(crate) const REMOTE: Symbol = Symbol("remote");
pub(crate) const RENAME_ALL_FIELDS: Symbol = Symbol("rename_all_fields");
pub(crate) const SERIALIZE: Symbol = Symbol("serialize");
pub(crate) const SERIALIZE_WITH: Symbol = Symbol("serialize_with");
pub(crate) const SKIP_DESERIALIZING: Symbol = Symbol("skip_deserializing");
pub(crate) const SKIP_SERIALIZING: Symbol = Symbol("skip_serializing");
pub(crate) const SKIP_SERIALIZING_IF: Symbol = Symbol("skip_serializing_if");
pub(crate) const TAG: Symbol = Symbol("tag");
pub(crate) const TRANSPARENT: Symbol = Symbol("transparent");
pub(crate) const TRY_FROM: Symbol = Symbol("try_from");
pub(crate) const UNTAGGED: Symbol = Symbol("untagged");
pub(crate) const WITH: Symbol = Symbol("with");

impl Symbol {
    pub(crate) const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether only the macro writes it, so that no message speaks of it.
    pub(crate) fn is_private(self) -> bool {
        self.0.starts_with("__")
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl PartialEq<Symbol> for syn::Path {
    fn eq(&self, symbol: &Symbol) -> bool {
        self.is_ident(symbol.0)
    }
}
