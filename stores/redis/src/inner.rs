//! What the clones of a store share.

use kv_store::store::StoreInfo;

use crate::connection::Connection;
use crate::index::Index;
use crate::key_format::KeyFormat;
use crate::list::Remainders;
use crate::replicas::Replicas;

pub(crate) struct Inner {
    pub(crate) info: StoreInfo,
    pub(crate) connection: Connection,
    pub(crate) spelling: KeyFormat,
    /// Whether calls look for records that the key format hides.
    pub(crate) checks_plain_keys: bool,
    pub(crate) index: Option<Index>,
    pub(crate) replicas: Option<Replicas>,
    pub(crate) remainders: Remainders,
}
