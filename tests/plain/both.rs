//! Random JSON of another program, which both programs change at the same time: neither loses what the
//! other wrote.

use std::collections::BTreeMap;

use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{Commit, Condition, Expect, MemoryStore, Store, StoreExt, Write};
use kv_runtime::{Kv, KvEntity};
use proptest::prelude::*;

use super::properties::{json, members, name, object};
use super::{put_theirs, text};

#[derive(KvEntity, Debug)]
#[kv(prefix = "doc", plain)]
struct Doc {
    #[kv(id)]
    id: u64,
    #[serde(default)]
    ours: Vec<u32>,
    #[serde(default)]
    label: String,
}

/// Sets members as another program does: it reads, changes and writes on the condition that the value
/// is the same, as `WATCH` or a script does.
async fn set_theirs(store: &MemoryStore, changes: Vec<(String, Option<String>)>) -> kv_runtime::Result<()> {
    let key = Key::from_text("doc:1");
    for (name, value) in changes {
        loop {
            let record = store.read(&key).await?.expect("nobody deletes it");
            let mut all = members(std::str::from_utf8(&record.value).expect("it is text"));
            // Gives the others a chance between read and write.
            tokio::task::yield_now().await;
            match &value {
                Some(value) => all.insert(name.clone(), value.clone()),
                None => all.remove(&name),
            };
            let unchanged = Condition::new(key.clone(), Expect::Revision(record.revision));
            let put = Write::Put(key.clone(), NewRecord::plain(object(&all)));
            if store.commit(vec![unchanged], put.into()).await? == Commit::Done {
                break;
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn updates_of_two_programs_at_once_are_all_kept(
        first in prop::collection::btree_map(name(), json(), 0..5),
        theirs in prop::collection::vec((name(), prop::option::of(json())), 1..8),
        labels in prop::collection::vec("\\PC{0,5}", 1..8),
        tasks in 1_u32..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let kv = Kv::new(MemoryStore::new());
            put_theirs(kv.store(), "doc:1", &object(&first)).await.expect("is written");
            let mut running = tokio::task::JoinSet::new();
            let store = kv.store().clone();
            let changes = theirs.clone();
            running.spawn(async move { set_theirs(&store, changes).await });
            for task in 0..tasks {
                let (docs, labels) = (kv.collection::<Doc>(), labels.clone());
                running.spawn(async move {
                    for (number, label) in (0_u32..).zip(labels) {
                        docs.update(1, |doc| {
                            doc.ours.push(task * 100 + number);
                            doc.label.clone_from(&label);
                        })
                        .await?;
                        tokio::task::yield_now().await;
                    }
                    Ok(())
                });
            }
            while let Some(ended) = running.join_next().await {
                ended.expect("ends").expect("no call fails");
            }

            let doc = kv.collection::<Doc>().get(1).await.expect("is read").expect("is there");
            let mut ours = doc.ours;
            ours.sort_unstable();
            let each = u32::try_from(labels.len()).expect("there are few");
            let expected: Vec<u32> = (0..tasks).flat_map(|task| (0..each).map(move |it| task * 100 + it)).collect();
            assert_eq!(ours, expected);
            let mut expected: BTreeMap<String, String> = first;
            for (name, value) in theirs {
                match value {
                    Some(value) => expected.insert(name, value),
                    None => expected.remove(&name),
                };
            }
            let mut left = members(&text(kv.store(), "doc:1").await.expect("is there"));
            left.retain(|name, _| !["ours", "label"].contains(&name.as_str()));
            assert_eq!(left, expected);
        });
    }
}
