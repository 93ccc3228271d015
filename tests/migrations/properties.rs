//! What is written for old code is what old code would have written.

use kv_runtime::key::Key;
use kv_runtime::store::StoreExt;
use proptest::prelude::*;

use crate::entities::{CautiousUser, User, UserV2};
use crate::memory;

proptest! {
    #[test]
    fn the_old_struct_reads_and_would_have_written_the_same(name in ".{0,12}", role in "[a-z]{1,8}", more in proptest::collection::vec("[a-z]{1,4}", 0..3)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let (kv, _) = memory();
            let roles = std::iter::once(role.clone()).chain(more).collect::<Vec<_>>();
            let new = CautiousUser { id: 1, user_name: name.clone(), roles };
            kv.collection::<CautiousUser>().put(&new).await?;
            let old = UserV2 { id: 1, name, visits: 0, role };
            prop_assert_eq!(kv.collection::<UserV2>().get(1).await?, Some(old.clone()));
            let key = Key::from_text("user:1:profile");
            let written = kv.store().read(&key).await?.ok_or_else(|| TestCaseError::fail("was written"))?;
            kv.collection::<UserV2>().put(&old).await?;
            let by_old = kv.store().read(&key).await?.ok_or_else(|| TestCaseError::fail("was written"))?;
            let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes);
            prop_assert_eq!(json(&written.value)?, json(&by_old.value)?);
            prop_assert_eq!(written.metadata, by_old.metadata);
            Ok(())
        })?;
    }

    /// Reading version 1 as today's equals reading it as version 2, writing that, and reading the
    /// result as today's.
    #[test]
    fn one_read_equals_a_stop_on_the_way(name in ".{0,12}", visits in any::<u32>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let (kv, _) = memory();
            let v1 = crate::entities::UserV1 { id: 1, name, visits };
            kv.collection::<crate::entities::UserV1>().put(&v1).await?;
            let at_once = kv.clone().with_write_back(kv_runtime::migrate::WriteBack::Never).collection::<User>().get(1).await?;
            kv.collection::<UserV2>().update(1, |_| ()).await?;
            prop_assert_eq!(kv.collection::<User>().get(1).await?, at_once);
            Ok::<(), TestCaseError>(())
        })?;
    }
}
