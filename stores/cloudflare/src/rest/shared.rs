//! What the clones of a store share.

use kv_store::store::StoreInfo;

use super::client::Client;

pub(super) struct Shared {
    pub(super) info: StoreInfo,
    pub(super) client: Client,
    pub(super) namespace: String,
}
