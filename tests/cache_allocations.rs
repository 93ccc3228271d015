//! A hit asks the allocator for nothing, by number, by text and by several ids.

#[path = "../benches/handwritten/allocations.rs"]
mod allocations;

/// What the counter is written against.
mod support {
    pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
}

use kv_runtime::cache::Cache;
use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
    role: String,
}

#[test]
fn a_hit_allocates_nothing() -> support::Result<()> {
    let kv = Kv::new(MemoryStore::new());
    let (users, members) =
        (kv.collection::<User>().cached(Cache::new()), kv.collection().cached(Cache::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        users.put(User { id: 7, name: "Ada".to_owned() }).await?;
        members.put(Member { org: "acme".to_owned(), user: 7, role: "owner".to_owned() }).await?;
        let (mut context, mut hits) = (std::task::Context::from_waker(std::task::Waker::noop()), 0);
        let allocations = allocations::of(|| {
            let user = std::pin::pin!(users.get(7)).poll(&mut context);
            let member = std::pin::pin!(members.get(("acme", 7))).poll(&mut context);
            let fallback = std::pin::pin!(users.get_detailed(7)).poll(&mut context);
            hits = usize::from(user.is_ready())
                + usize::from(member.is_ready())
                + usize::from(fallback.is_ready());
            Ok(users.peek(7).map_or(0, |user| user.name.len())
                + members.peek(("acme", 7)).map_or(0, |it| it.role.len()))
        })?;
        assert_eq!((hits, allocations), (3, 0.0));
        let miss = allocations::of(|| Ok(std::pin::pin!(users.get(8)).poll(&mut context).is_ready()))?;
        assert!(miss > 0.0, "the counter counts");
        Ok(())
    })
}
