//! The memory never serves one id's entity for another id, even if their hashes collide.

use std::hash::{Hash, Hasher};

use kv_runtime::{KvEntity, KvId};

use crate::{Outcome, exact, kv};

/// An id type whose hashes all collide, so that a map has to compare the ids.
#[derive(KvId, Debug, Clone, PartialEq, Eq)]
struct Alike(u64);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "thing")]
struct Thing {
    #[kv(id)]
    id: Alike,
    name: String,
}

fn thing(id: u64) -> Thing {
    Thing { id: Alike(id), name: format!("thing {id}") }
}

#[tokio::test]
async fn ids_with_the_same_hash_are_different_entries() -> Outcome {
    let (kv, _) = kv();
    let things = kv.collection::<Thing>().cached(exact());
    for id in 0..8 {
        things.put(thing(id)).await?;
    }
    for id in 0..8 {
        assert_eq!(things.get(Alike(id)).await?.as_deref(), Some(&thing(id)));
        assert_eq!(things.peek(Alike(id)).as_deref(), Some(&thing(id)));
    }
    let found = things.get_many((0..8).rev().map(Alike)).await?;
    assert!(found.iter().flatten().map(|it| it.id.0).eq((0..8).rev()), "{found:?}");
    assert_eq!((things.get(Alike(8)).await?, things.stats().entries), (None, 8));
    // A change, a delete and an invalidation concern one id.
    things.update(Alike(3), |it| it.name.clear()).await?;
    things.delete(Alike(4)).await?;
    things.invalidate(Alike(5));
    assert_eq!(things.get(Alike(2)).await?.as_deref(), Some(&thing(2)));
    assert_eq!(things.get(Alike(3)).await?.map(|it| it.name.clone()).as_deref(), Some(""));
    assert_eq!((things.get(Alike(4)).await?, things.peek(Alike(5))), (None, None));
    assert_eq!(things.get(Alike(5)).await?.as_deref(), Some(&thing(5)));
    Ok(())
}

/// Ids whose hashes collide are loaded separately, also at the same time.
#[tokio::test]
async fn ids_with_the_same_hash_have_different_loads() -> Outcome {
    let (kv, _) = kv();
    let things = kv.collection::<Thing>().cached(exact());
    let load = |id: u64| {
        things.get_or_load(Alike(id), move || async move {
            tokio::task::yield_now().await;
            Ok::<_, std::io::Error>(thing(id))
        })
    };
    let (one, two) = tokio::join!(load(1), load(2));
    assert_eq!((&*one?, &*two?), (&thing(1), &thing(2)));
    let batch = async |ids: Vec<Alike>| {
        Ok::<_, std::io::Error>(ids.into_iter().rev().map(|id| thing(id.0)).collect::<Vec<_>>())
    };
    let found = things.get_or_load_many([1, 3, 2, 4].map(Alike), batch).await?;
    assert!(found.iter().flatten().map(|it| it.id.0).eq([1, 3, 2, 4]), "{found:?}");
    Ok(())
}
