//! Transactions of several entities.

use kv_runtime::{Kv, KvEntity};

use super::{Bounds, Ended, Gate, Scene, every_schedule, now};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "purse")]
struct Purse {
    #[kv(id)]
    id: u64,
    coins: i64,
}

const COINS: i64 = 10;

fn scene<T>() -> Scene<T> {
    let scene = Scene::new();
    let purses = [1, 2].map(|id| Purse { id, coins: COINS });
    now(scene.process().collection::<Purse>().put_many(&purses)).expect("they are written");
    scene
}

fn coins<T>(ended: &Ended<T>) -> [i64; 2] {
    let purses = now(ended.kv.collection::<Purse>().get_many([1, 2])).expect("they can be read");
    [0, 1].map(|place| purses[place].as_ref().expect("nobody deletes them").coins)
}

async fn pay(kv: Kv<Gate>, from: u64, to: u64, coins: i64) {
    let paid = kv.transact(async |tx| {
        tx.update::<Purse>(from, |purse| purse.coins -= coins).await?;
        tx.update::<Purse>(to, |purse| purse.coins += coins).await?;
        Ok(())
    });
    paid.await.expect("it is paid");
}

#[test]
fn transfers_both_ways_are_whole() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            scene.add(pay(scene.process(), 1, 2, 3));
            scene.add(pay(scene.process(), 2, 1, 5));
            scene
        },
        |ended| {
            let [one, two] = coins(ended);
            assert_eq!(one + two, 2 * COINS);
            let possible =
                |returned: Option<()>, paid| if returned.is_some() { vec![paid] } else { vec![0, paid] };
            let (there, back) = (possible(ended.returned[0], 3), possible(ended.returned[1], 5));
            let is_possible = there.iter().any(|there| back.iter().any(|back| one == COINS - there + back));
            assert!(is_possible, "{one} and {two}");
        },
    );
}

/// Each takes all that both purses have beyond what must stay: together they would take too much.
#[test]
fn there_is_no_write_skew() {
    async fn take(kv: Kv<Gate>, from: u64) {
        let taken = kv.transact(async |tx| {
            let purses = tx.get_many::<Purse>([1, 2]).await?;
            let sum: i64 = purses.iter().flatten().map(|purse| purse.coins).sum();
            tx.update::<Purse>(from, |purse| purse.coins -= sum - COINS).await.map(drop)
        });
        taken.await.expect("it is taken");
    }
    every_schedule(
        Bounds::NONE,
        || {
            let mut scene = scene();
            scene.add(take(scene.process(), 1));
            scene.add(take(scene.process(), 2));
            scene
        },
        |ended| assert_eq!(coins(ended).iter().sum::<i64>(), COINS),
    );
}

#[test]
fn no_read_is_torn() {
    every_schedule(
        Bounds::FEW,
        || {
            let mut scene = scene();
            scene.add(pay(scene.process(), 1, 2, 3));
            scene.add(pay(scene.process(), 2, 1, 5));
            let kv = scene.process();
            scene.add(async move {
                let read = kv.transact(async |tx| {
                    let one = tx.get::<Purse>(1).await?;
                    let two = tx.get::<Purse>(2).await?;
                    let sum: i64 = [one, two].iter().flatten().map(|purse| purse.coins).sum();
                    // Also in an attempt that is not the last.
                    assert_eq!(sum, 2 * COINS);
                    Ok(())
                });
                read.await.expect("it is read");
            });
            scene
        },
        |ended| assert_eq!(coins(ended), [COINS + 2, COINS - 2]),
    );
}

/// A plain update between the reads and the commit of a transaction.
#[test]
fn a_transaction_and_an_update_lose_nothing() {
    every_schedule(
        Bounds::DROPPED,
        || {
            let mut scene = scene();
            scene.add(pay(scene.process(), 1, 2, 3));
            let kv = scene.process();
            scene.add(async move {
                kv.collection::<Purse>()
                    .update(1, |purse| purse.coins += 100)
                    .await
                    .map(drop)
                    .expect("it is there");
            });
            scene
        },
        |ended| {
            let [one, two] = coins(ended);
            let is_added = one >= 100;
            assert!(is_added || ended.returned[1].is_none());
            assert_eq!(one + two, 2 * COINS + if is_added { 100 } else { 0 });
            assert!(two == COINS + 3 || (ended.returned[0].is_none() && two == COINS));
        },
    );
}
