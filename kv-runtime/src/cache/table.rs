//! What a cache has done, for people.

use std::fmt;

use super::CacheStats;

/// A table with one line for each number. Zeros are left out, except those of the tiers.
///
/// ```
/// # use kv_runtime::{Kv, KvEntity, cache::Cache, store::MemoryStore};
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "user")]
/// # struct User { #[kv(id)] id: u64 }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let users = Kv::new(MemoryStore::new()).collection::<User>().cached(Cache::new());
/// users.put(User { id: 7 }).await?;
/// for _ in 0..3 {
///     users.get(7).await?;
/// }
/// let table = "\
/// from memory                                    3
/// from the store                                 0
/// asked of the origin                            0
/// entities in memory                             1";
/// assert_eq!(users.stats().to_string(), table);
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl fmt::Display for CacheStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By name, so that none is forgotten.
        let Self {
            memory_hits,
            negative_hits,
            store_hits,
            store_misses,
            origin_loads,
            shared_waits,
            stale_served,
            fallbacks_served,
            store_errors,
            origin_errors,
            paused,
            refreshes,
            detached,
            store_fills,
            store_fills_lost,
            store_fills_failed,
            weigh_panics,
            evictions,
            entries,
            weight,
            negatives,
        } = *self;
        let (entries, negatives) = (entries as u64, negatives as u64);
        let always = |name, number| (name, Some(number));
        let if_any = |name, number| (name, Some(number).filter(|number| *number > 0));
        let rows: [(&str, Option<u64>); 21] = [
            always("from memory", memory_hits),
            if_any("from memory, that there is none", negative_hits),
            always("from the store", store_hits),
            if_any("not in the store", store_misses),
            always("asked of the origin", origin_loads),
            if_any("waited for another's load", shared_waits),
            if_any("stale", stale_served),
            if_any("fallbacks", fallbacks_served),
            if_any("failures of the store", store_errors),
            if_any("failures of the origin", origin_errors),
            if_any("spared, since it failed just now", paused),
            if_any("loaded in the background", refreshes),
            if_any("kept nowhere, since a write came", detached),
            if_any("fills of the store", store_fills),
            if_any("fills left, since it had changed", store_fills_lost),
            if_any("fills that failed", store_fills_failed),
            if_any("weighed 1, as `weigh` panicked", weigh_panics),
            if_any("lost for lack of room", evictions),
            always("entities in memory", entries),
            ("their weight", Some(weight).filter(|weight| *weight != entries)),
            if_any("absences and failures in memory", negatives),
        ];
        let mut end_of_line = "";
        for (name, number) in rows {
            if let Some(number) = number {
                write!(f, "{end_of_line}{name:<36}{number:>12}")?;
                end_of_line = "\n";
            }
        }
        Ok(())
    }
}
