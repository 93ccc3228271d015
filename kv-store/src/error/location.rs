//! Where an error happened.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::key::Key;

/// Which entity, store and key an error is about.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Location {
    /// The entity's name, if one is involved.
    pub entity: Option<&'static str>,
    /// The store's name.
    pub store: Option<&'static str>,
    /// The key, or the prefix of a list. Each secret id is a hash. A long key is cut, with its
    /// length.
    pub key: Option<String>,
    /// The store's file, if the error is about it.
    pub file: Option<PathBuf>,
    /// The address of the store's server, if the error is about reaching it: host and port, or a
    /// socket. It contains no user and no password.
    pub address: Option<String>,
    /// The [namespace](https://docs.rs/kv-runtime/latest/kv_runtime/layer/struct.NamespaceStore.html) of the key, if the store has namespaces.
    pub namespace: Option<String>,
}

impl Location {
    /// Returns the location of a record.
    #[must_use]
    pub fn of(store: &'static str, key: &Key) -> Box<Self> {
        Box::new(Self { store: Some(store), key: Some(shortened(key.to_string())), ..Self::default() })
    }

    /// Returns the location of a store's file.
    #[must_use]
    pub fn file(store: &'static str, path: &Path) -> Box<Self> {
        Box::new(Self { store: Some(store), file: Some(path.to_owned()), ..Self::default() })
    }

    /// Returns the location of a store's server, by host and port.
    #[must_use]
    pub fn server(store: &'static str, address: String) -> Box<Self> {
        Box::new(Self { store: Some(store), address: Some(address), ..Self::default() })
    }

    /// Returns a location that names only the store.
    #[must_use]
    pub fn store(store: &'static str) -> Box<Self> {
        Box::new(Self { store: Some(store), ..Self::default() })
    }
}

/// The longest key that is displayed whole.
const DISPLAYED_KEY: usize = 256;

/// How much of a longer key is displayed.
const DISPLAYED_START: usize = 64;

fn shortened(key: String) -> String {
    if key.len() <= DISPLAYED_KEY {
        return key;
    }
    let start: String = key.chars().take(DISPLAYED_START).collect();
    format!("{start}... ({} bytes)", key.len())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        if let Some(entity) = self.entity {
            write!(f, "{entity}")?;
            space = " ";
        }
        if let Some(key) = &self.key {
            write!(f, "{space}`{key}`")?;
            space = " ";
        }
        if let Some(file) = &self.file {
            write!(f, "{space}{}", file.display())?;
            space = " ";
        }
        if let Some(store) = self.store {
            let preposition = if space.is_empty() { "" } else { "in " };
            write!(f, "{space}{preposition}{store}")?;
            space = " ";
        }
        if let Some(address) = &self.address {
            write!(f, "{space}at {address}")?;
            space = " ";
        }
        if let Some(namespace) = &self.namespace {
            write!(f, "{space}(namespace `{namespace}`)")?;
        }
        Ok(())
    }
}
