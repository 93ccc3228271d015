//! Calls of one entity.

use kv_runtime::{Error, KvEntity};

use super::{Bounds, Ended, Scene, every_schedule, now};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "tally", group = "count", group(name = "seen"))]
struct Tally {
    #[kv(id)]
    id: u64,
    count: Vec<char>,
    #[kv(group = "seen")]
    seen: u64,
}

fn tally() -> Tally {
    Tally { id: 1, count: Vec::new(), seen: 0 }
}

fn stored<T>(ended: &Ended<T>) -> Option<Tally> {
    now(ended.kv.collection::<Tally>().get(1)).expect("it can be read")
}

/// Adds to both groups, so that an update is torn if one of them is lost.
async fn add(kv: kv_runtime::Kv<super::Gate>, name: char) -> bool {
    let tallies = kv.collection::<Tally>();
    let added = tallies.update(1, |tally| {
        tally.count.push(name);
        tally.seen += 1;
    });
    match added.await {
        Ok(_) => true,
        Err(Error::NotFound { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn three_updates_lose_nothing() {
    let runs = every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = Scene::new();
            now(scene.process().collection::<Tally>().put(&tally())).expect("it is written");
            for name in ['a', 'b', 'c'] {
                scene.add(add(scene.process(), name));
            }
            scene
        },
        |ended| {
            let tally = stored(ended).expect("nobody deletes it");
            assert_eq!(tally.count.len() as u64, tally.seen, "{tally:?}");
            for (name, returned) in ['a', 'b', 'c'].into_iter().zip(&ended.returned) {
                let times = tally.count.iter().filter(|it| **it == name).count();
                assert!(
                    times == 1 || (returned.is_none() && times == 0),
                    "{name} is {times} times in {tally:?}"
                );
            }
        },
    );
    assert!(runs > 1_000, "{runs}");
}

#[test]
fn one_of_two_inserts_succeeds() {
    every_schedule(
        Bounds::NONE,
        || {
            let mut scene = Scene::new();
            for name in ['a', 'b'] {
                let kv = scene.process();
                scene.add(async move {
                    kv.collection::<Tally>().insert(&Tally { count: vec![name], ..tally() }).await.is_ok()
                });
            }
            scene
        },
        |ended| {
            let stored = stored(ended).expect("one has inserted it").count;
            let owner = ended.returned.iter().position(|it| *it == Some(true)).expect("one succeeds");
            assert_eq!(ended.returned[1 - owner], Some(false));
            assert_eq!(stored, [['a', 'b'][owner]]);
        },
    );
}

#[test]
fn a_delete_leaves_all_groups_or_none() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = Scene::new();
            now(scene.process().collection::<Tally>().put(&tally())).expect("it is written");
            scene.add(add(scene.process(), 'a'));
            let kv = scene.process();
            scene.add(async move { kv.collection::<Tally>().delete(1).await.is_ok() });
            let kv = scene.process();
            scene.add(async move { kv.collection::<Tally>().touch(1).await.expect("it is touched") });
            scene
        },
        |ended| {
            let is_deleted = ended.returned[1].is_some();
            let stored = stored(ended);
            assert!(!is_deleted || stored.is_none(), "{stored:?}");
            let torn = now(ended.kv.collection::<TallySeen>().get(1)).expect("it can be read");
            assert_eq!(torn.is_some(), stored.is_some());
        },
    );
}
