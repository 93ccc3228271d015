//! Records of other programs whose bytes are not the JSON of a value.

use std::fmt;
use std::panic::RefUnwindSafe;

use bytes::Bytes;
use kv_store::{BoxError, Timestamp};

/// Converts between what another program keeps under a key and the JSON of a group:
/// `#[kv(adapter = path)]`.
///
/// An entity with an adapter is [plain](crate::guide::adopting#plain-records): its records have no
/// envelope, and compare-and-swap compares their bytes. [`Keyv`](super::Keyv),
/// [`DoublyEncoded`](super::DoublyEncoded) and [`MessagePack`](super::MessagePack) are adapters. For
/// anything else, such as compressed JSON, implement the trait for a unit struct:
///
/// ```
/// use kv_runtime::adopt::{Adapter, Adopted};
/// use kv_runtime::store::{MemoryStore, StoreExt};
/// use kv_runtime::{BoxError, Kv, KvEntity, key::Key, record::NewRecord};
///
/// /// A line such as `v2 {"name":"Ada"}`.
/// #[derive(Debug)]
/// struct Lines;
///
/// impl Adapter for Lines {
///     fn read(&self, _: &str, stored: &[u8]) -> Result<Adopted, BoxError> {
///         let line = std::str::from_utf8(stored)?;
///         let (version, json) = line.split_once(' ').ok_or("there is no space behind the version")?;
///         let version = version.strip_prefix('v').ok_or("there is no version")?.parse()?;
///         Ok(Adopted::new(json.to_owned()).with_version(version))
///     }
///
///     fn write(&self, _: &str, value: &Adopted) -> Result<Vec<u8>, BoxError> {
///         let version = value.version.unwrap_or(1);
///         Ok([format!("v{version} ").as_bytes(), &value.json].concat())
///     }
///
///     fn has_version(&self) -> bool {
///         true
///     }
/// }
///
/// #[derive(KvEntity)]
/// #[kv(prefix = "user", version = 2, adapter = Lines)]
/// struct User {
///     #[kv(id)]
///     id: u64,
///     #[kv(renamed(from = "fullName", since = 2))]
///     name: String,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let users = Kv::new(MemoryStore::new()).collection::<User>();
/// let theirs = NewRecord::plain(r#"v1 {"fullName":"Ada","theirs":1}"#);
/// users.store().put(Key::from_text("user:7"), theirs).await?;
/// users.update(7, |user| user.name.push('!')).await?;
/// let stored = users.store().read(&users.key(7)).await?.ok_or("is there")?;
/// assert_eq!(&stored.value[..], br#"v2 {"name":"Ada!","theirs":1}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an adapter",
    label = "expected an adapter, such as `kv_runtime::adopt::Keyv`",
    note = "implement `kv_runtime::adopt::Adapter` for a unit struct"
)]
pub trait Adapter: fmt::Debug + Send + Sync + RefUnwindSafe + 'static {
    /// Reads what is stored under `key`. An error becomes
    /// [`Error::Malformed`](crate::Error::Malformed), and its text must contain no data.
    ///
    /// # Errors
    ///
    /// Whatever makes the bytes unreadable.
    fn read(&self, key: &str, stored: &[u8]) -> Result<Adopted, BoxError>;

    /// Returns what to store under `key`. `read` must return the same from it. An error becomes
    /// [`Error::Encode`](crate::Error::Encode), and nothing is written.
    ///
    /// # Errors
    ///
    /// Whatever cannot be written in this form.
    fn write(&self, key: &str, value: &Adopted) -> Result<Vec<u8>, BoxError>;

    /// Returns whether the bytes hold the version. If they do not, it is 1, or that of `version_in`.
    fn has_version(&self) -> bool {
        false
    }

    /// Returns whether the bytes hold the expiry. It is then written to them and to the store, and
    /// `touch` fails with [`Error::Unsupported`](crate::Error::Unsupported), because the store alone
    /// would forget the other.
    fn has_expiry(&self) -> bool {
        false
    }
}

/// What an adapter has read, or is to write.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// The JSON of the group: an object with its members.
    pub json: Bytes,
    /// The version, if the bytes hold one.
    pub version: Option<u32>,
    /// When the record expires, if it does and the bytes say so.
    pub expires_at: Option<Timestamp>,
}

impl Adopted {
    /// Makes a value without version and expiry.
    #[must_use]
    pub fn new(json: impl Into<Bytes>) -> Self {
        Self { json: json.into(), version: None, expires_at: None }
    }

    /// Returns it with this version.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Returns it with this expiry.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }
}

/// Shows the length of the JSON, and not the JSON: it may be a secret.
impl fmt::Debug for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopted")
            .field("json", &format_args!("{} bytes", self.json.len()))
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}
