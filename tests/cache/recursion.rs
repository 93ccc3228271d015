//! Loaders that ask the cache for what they are to load get an error, at once.

use std::sync::Arc;

use kv_runtime::cache::Cached;
use kv_runtime::{Error, Kv, KvEntity, store::MemoryStore};

use crate::{Outcome, SECOND, Store, User, block_on, ends, exact, kv};

type Users = Cached<User, Store>;
type Loaded = Result<Arc<User>, Error>;

async fn plain(id: u64) -> Result<User, Error> {
    Ok(User::new(id, "plain"))
}

/// Whether the chain of causes names the loader's mistake.
fn is_recursion(error: &Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("or for one whose load waits for this load") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Loads 1 with a loader that calls `ask`.
async fn load_by<Fut>(users: &Users, ask: impl FnOnce(Users) -> Fut + Send + 'static) -> Loaded
where
    Fut: Future<Output = Loaded> + Send + 'static,
{
    let inner = users.clone();
    users.get_or_load(1, move || async move { ask(inner).await }).await
}

async fn every_way(users: &Users) -> Outcome {
    let direct = load_by(users, |users| async move { users.get_or_load(1, || plain(1)).await }).await;
    let with_ttl =
        load_by(users, |users| async move { users.with_ttl(SECOND).get_or_load(1, || plain(1)).await }).await;
    let anew = load_by(users, |users| async move { users.refresh_from(1, || plain(1)).await }).await;
    let many = load_by(users, |users| async move {
        let load = |ids: Vec<u64>| async move {
            Ok::<_, Error>(ids.into_iter().map(|id| User::new(id, "x")).collect::<Vec<_>>())
        };
        let found = users.get_or_load_many([2, 1], load).await?;
        Ok(found[1].clone().expect("it is there"))
    })
    .await;
    for failed in [direct, with_ttl, anew, many] {
        let error = failed.expect_err("it asked for itself");
        assert!(matches!(&error, Error::Load { .. }) && is_recursion(&error), "{error:?}");
    }
    // A loader of many that asks for one of them.
    let inner = users.clone();
    let load = move |_: Vec<u64>| {
        let inner = inner.clone();
        async move { Ok::<_, Error>(vec![inner.get_or_load(3, || plain(3)).await?]) }
    };
    let error = users.get_or_load_many([4, 3], load).await.expect_err("it asked for itself");
    assert!(is_recursion(&error), "{error:?}");
    // Reading the store and loading another id is allowed, and a loader may handle the error.
    let user = load_by(users, |users| async move {
        assert_eq!(users.get(1).await?, None);
        assert!(users.get_or_load(1, || plain(1)).await.is_err());
        users.get_or_load(5, || plain(5)).await?;
        Ok(Arc::new(User::new(1, "mended")))
    })
    .await?;
    assert_eq!(user.name, "mended");
    Ok(())
}

fn users() -> Users {
    kv().0.collection::<User>().cached(exact().pause(std::time::Duration::ZERO))
}

#[tokio::test]
async fn a_loader_that_asks_for_its_own_id_gets_an_error() -> Outcome {
    ends(every_way(&users())).await
}

#[test]
fn it_does_without_a_runtime() -> Outcome {
    block_on(every_way(&users()))
}

/// Loads `id`, by way of `others` one after the other.
fn chain(
    users: &Users,
    id: u64,
    mut others: Vec<u64>,
) -> std::pin::Pin<Box<dyn Future<Output = Loaded> + Send>> {
    let users = users.clone();
    Box::pin(async move {
        let inner = users.clone();
        let load = move || async move {
            tokio::task::yield_now().await;
            match others.pop() {
                Some(next) => Ok::<_, Error>(User::new(id, &chain(&inner, next, others).await?.name)),
                None => Ok(User::new(id, "last")),
            }
        };
        users.get_or_load(id, load).await
    })
}

async fn in_circles(users: &Users) -> Outcome {
    let error = chain(users, 1, vec![1, 3, 2]).await.expect_err("a circle of three");
    assert!(is_recursion(&error), "{error:?}");
    let (one, two) = tokio::join!(chain(users, 1, vec![2]), chain(users, 2, vec![1]));
    assert!(one.is_ok() || is_recursion(&one.expect_err("an error")));
    assert!(two.is_ok() || is_recursion(&two.expect_err("an error")));
    assert_eq!(chain(users, 6, vec![9, 8, 7]).await?.name, "last");
    Ok(())
}

#[tokio::test]
async fn loaders_that_ask_for_each_others_ids_get_an_error() -> Outcome {
    for _ in 0..20 {
        ends(in_circles(&users())).await?;
    }
    Ok(())
}

#[test]
fn they_do_without_a_runtime() -> Outcome {
    block_on(in_circles(&users()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_do_on_threads() -> Outcome {
    for _ in 0..200 {
        let users = users();
        let [one, two] = [(1, 2), (2, 1)].map(|(id, other)| tokio::spawn(chain(&users, id, vec![other])));
        let (one, two) = ends(async { tokio::join!(one, two) }).await;
        for loaded in [one?, two?] {
            assert!(loaded.is_ok() || is_recursion(&loaded.expect_err("an error")));
        }
    }
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "team")]
struct Team {
    #[kv(id)]
    id: u64,
}

#[tokio::test]
async fn it_is_noticed_by_way_of_another_cache() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let (users, teams) = (kv.collection::<User>().cached(exact()), kv.collection::<Team>().cached(exact()));
    let (inner_users, inner_teams) = (users.clone(), teams.clone());
    let load = move || async move {
        let load = move || async move {
            tokio::task::yield_now().await;
            inner_users.get_or_load(1, || plain(1)).await?;
            Ok::<_, Error>(Team { id: 1 })
        };
        inner_teams.get_or_load(1, load).await?;
        plain(1).await
    };
    let error = ends(users.get_or_load(1, load)).await.expect_err("the team asks for its user");
    assert!(is_recursion(&error), "{error:?}");
    Ok(())
}
