//! Where an error happened.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::key::Key;

/// Which entity, store and key an error is about.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Location {
    /// The entity's name, where one is involved.
    pub entity: Option<&'static str>,
    /// The store's name.
    pub store: Option<&'static str>,
    /// The key, or the prefix of a list; a hash in the place of every secret id. Of a long one the beginning, and its length.
    pub key: Option<String>,
    /// The store's file, where the error is about that.
    pub file: Option<PathBuf>,
    /// Where the store's server is, host and port or a socket, where the error is about reaching it. No user, and no password.
    pub address: Option<String>,
    /// The [namespace](crate::layer::NamespaceStore) that the key is of, where the store has them.
    pub namespace: Option<String>,
}

impl Location {
    /// A record of a store.
    #[must_use]
    pub fn of(store: &'static str, key: &Key) -> Box<Self> {
        Box::new(Self { store: Some(store), key: Some(shortened(key.to_string())), ..Self::default() })
    }

    /// A store's file.
    #[must_use]
    pub fn file(store: &'static str, path: &Path) -> Box<Self> {
        Box::new(Self { store: Some(store), file: Some(path.to_owned()), ..Self::default() })
    }

    /// A store's server, by host and port.
    #[must_use]
    pub fn server(store: &'static str, address: String) -> Box<Self> {
        Box::new(Self { store: Some(store), address: Some(address), ..Self::default() })
    }

    /// A store as a whole.
    #[must_use]
    pub fn store(store: &'static str) -> Box<Self> {
        Box::new(Self { store: Some(store), ..Self::default() })
    }
}

/// A key longer than this is not shown as a whole.
const SHOWN_KEY: usize = 256;

/// So much is shown of it.
const SHOWN_START: usize = 64;

fn shortened(key: String) -> String {
    if key.len() <= SHOWN_KEY {
        return key;
    }
    let start: String = key.chars().take(SHOWN_START).collect();
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
            let place = if space.is_empty() { "" } else { "in " };
            write!(f, "{space}{place}{store}")?;
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
