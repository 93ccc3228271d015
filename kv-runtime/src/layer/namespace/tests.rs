//! That nothing leads out of a namespace.

use std::time::Duration;

use kv_store::record::Metadata;
use kv_store::store::{Content, MemoryStore, Sharing, StoreExt};
use proptest::prelude::*;

use super::*;
use kv_store::record::NewRecord;
use kv_store::store::Limits;

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

fn key(text: &str) -> Key {
    Key::from_text(text)
}

async fn keys<S: Store>(store: &S, query: &ListQuery) -> Result<Vec<String>> {
    Ok(store.page(query).await?.keys().map(str::to_owned).collect())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[tokio::test]
async fn keys_begin_with_an_escaped_segment() -> Result<()> {
    let store = MemoryStore::new();
    let user = Key::from_text("user:7").with_group(Some("profile"));
    NamespaceStore::new(store.clone(), "a:b%").put(user.clone(), record("1")).await?;
    assert_eq!(keys(&store, &ListQuery::new(key(""))).await?, ["a%3Ab%25:user:7:profile"]);
    // A cluster's hash tag covers the tenant and the entity, not the group.
    let inside = user.within("a%3Ab%25:");
    assert_eq!((inside.entity_part(), inside.group()), ("a%3Ab%25:user:7", Some("profile")));
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_another_namespace_is_refused() -> Result<()> {
    let store = MemoryStore::new();
    let [ours, theirs] = ["a", "b"].map(|name| NamespaceStore::new(store.clone(), name));
    for number in 0..5 {
        ours.put(key(&format!("user:{number}")), record("1")).await?;
        theirs.put(key(&format!("user:{number}")), record("1")).await?;
    }
    let query = ListQuery::new(key("user:")).with_limit(2).with_content(Content::Keys);
    let cursor = ours.page(&query).await?.cursor;
    assert_eq!(keys(&ours, &query.clone().with_cursor(cursor.clone())).await?, ["user:2", "user:3"]);
    let refused = theirs.page(&query.clone().with_cursor(cursor.clone())).await;
    assert!(matches!(&refused, Err(Error::InvalidCursor { at }) if at.key.as_deref() == Some("user:")));
    assert!(matches!(store.page(&query.with_cursor(cursor)).await, Err(Error::InvalidCursor { .. })));
    Ok(())
}

#[tokio::test]
async fn namespaces_nest_and_errors_tell_of_both() {
    let tenants = NamespaceStore::new(MemoryStore::new(), "tenant");
    let acme = NamespaceStore::new(tenants, "acme");
    let query = ListQuery::new(key("user:")).with_cursor(Some(kv_store::store::Cursor::from_text("x")));
    let error = acme.page(&query).await.expect_err("no cursor of this list");
    let text = error.to_string();
    assert!(text.starts_with("`user:` in memory (namespace `tenant:acme`): the cursor"), "{text}");
}

#[derive(crate::KvEntity, Debug)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: String,
}

#[tokio::test]
async fn errors_that_no_store_makes_tell_of_the_namespace_too() -> Result<()> {
    let tenants = NamespaceStore::new(MemoryStore::new(), "tenant");
    // What lies around it passes it on.
    let acme = crate::layer::TimeoutStore::new(NamespaceStore::new(tenants, "acme"), Duration::from_secs(60));
    let kv = crate::Kv::new(acme);
    let users = kv.collection::<User>();
    let error = users.update("acme:7", |_| ()).await.expect_err("there is none");
    let text = error.to_string();
    assert!(text.starts_with("User `user:acme%3A7` in memory (namespace `tenant:acme`): there is"), "{text}");
    kv.store().put(key("user:1"), record("[")).await?;
    let page = users.list().page().await?;
    let text = page.failed.first().map(ToString::to_string).unwrap_or_default();
    assert!(
        text.starts_with("User `user:1` in memory (namespace `tenant:acme`): the value cannot"),
        "{text}"
    );
    Ok(())
}

#[test]
fn limits_leave_room_for_the_prefix() {
    let limits = |limits: Limits| NamespaceStore::new(MemoryStore::new(), "acme").namespace.limits(limits);
    let usual = limits(Limits::new());
    assert_eq!((usual.key, usual.batch_write), (1_024 - 5, 10_000));
    assert_eq!(usual.batch_write_bytes, (8 << 20) - 50_000);
    let small = limits(Limits::new().key(3).batches(7, 1_000).batch_write_bytes(100));
    assert_eq!((small.key, small.batch_read, small.batch_write), (0, 7, 10));
    assert_eq!(small.batch_write_bytes, 50);
    assert_eq!((usual.commit, usual.commit_bytes), (10_000, (64 << 20) - 50_000));
    let small = limits(Limits::new().commits(1_000, 100));
    assert_eq!((small.commit, small.commit_bytes), (10, 50));
}

#[test]
fn capabilities_are_otherwise_the_engines() {
    let store = NamespaceStore::new(MemoryStore::new(), "acme");
    let capabilities = store.capabilities();
    assert_eq!(capabilities.sharing, Sharing::Exclusive);
    assert!(capabilities.compare_and_swap && capabilities.ordered && capabilities.atomic_batches);
}

proptest! {
    /// Whatever tenants and keys are called, each tenant sees its own keys and no others.
    #[test]
    fn tenants_never_meet(
        names in proptest::collection::btree_set("[a%:b]{0,3}", 2..4),
        texts in proptest::collection::btree_set("[a%:b]{0,4}", 1..6),
    ) {
        block_on(async {
            let store = MemoryStore::new();
            let tenants: Vec<_> =
                names.iter().map(|name| NamespaceStore::new(store.clone(), name)).collect();
            for tenant in &tenants {
                for text in &texts {
                    tenant.put(key(text), record(tenant.namespace())).await?;
                }
            }
            for tenant in &tenants {
                let all = keys(tenant, &ListQuery::new(key(""))).await?;
                assert_eq!(all, texts.iter().cloned().collect::<Vec<_>>());
                for text in &texts {
                    let found = tenant.read(&key(text)).await?.map(|record| record.value.to_vec());
                    assert_eq!(found.as_deref(), Some(tenant.namespace().as_bytes()));
                }
            }
            // What one deletes only it misses.
            tenants[0].delete_many(texts.iter().map(|text| key(text)).collect()).await?;
            assert!(keys(&tenants[0], &ListQuery::new(key(""))).await?.is_empty());
            assert_eq!(keys(&tenants[1], &ListQuery::new(key(""))).await?.len(), texts.len());
            Ok::<(), Error>(())
        }).expect("a store in memory does not fail");
    }
}
