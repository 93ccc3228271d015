//! Lists while others write: what is there all the time is shown once, what is not there is not
//! shown.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::Kv;

use crate::calls::{Doc, failed};
use crate::history::Ended;
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(pages_while_others_write);

const IDS: u64 = 6;

/// A put or a delete, and when it began and ended; one that has no end may come at any time.
#[derive(Clone, Debug)]
struct Write {
    id: u64,
    is_put: bool,
    began: u64,
    ended: Option<u64>,
}

#[derive(Debug)]
struct Shown {
    ids: Vec<u64>,
    began: u64,
    ended: u64,
}

fn pages_while_others_write(sim: &Sim) {
    let store = if sim.chance(500) { SimStore::any(sim) } else { SimStore::careless(sim) };
    let docs = Kv::new(store).collection::<Doc>();
    let writes = Arc::new(Mutex::new(Vec::<Write>::new()));
    let lists = Arc::new(Mutex::new(Vec::<Shown>::new()));
    let mut run = Run::new(sim, Moves { often: 0, furthest: Duration::ZERO, back: false });
    for _ in 0..4 + sim.below(8) {
        let (sim, docs, writes) = (sim.clone(), docs.clone(), Arc::clone(&writes));
        let (id, is_put) = (sim.below(IDS as usize) as u64, sim.chance(700));
        run.add(async move {
            let began = sim.step(|| format!("{id} is written: {is_put}"));
            let place = writes.lock().expect("no panic").len();
            writes.lock().expect("no panic").push(Write { id, is_put, began, ended: None });
            let written =
                if is_put { docs.put(&Doc { id, log: Vec::new() }).await } else { docs.delete(id).await };
            let ended = sim.step(|| format!("{id} was written: {}", written.is_ok()));
            match written.map_err(|error| failed::<()>(&error)) {
                Ok(()) => writes.lock().expect("no panic")[place].ended = Some(ended),
                // It is as if it had not been: a write that has taken place before anything was
                // there.
                Err(Ended::Undone) => writes.lock().expect("no panic")[place].id = IDS,
                Err(_) => {}
            }
        });
    }
    for _ in 0..1 + sim.below(3) {
        let (sim, docs, lists) = (sim.clone(), docs.clone(), Arc::clone(&lists));
        run.add(async move {
            let began = sim.step(|| "a list begins".to_owned());
            let (mut cursor, mut ids) = (None, Vec::new());
            loop {
                let Ok(page) = docs.list().limit(2).cursor(cursor).ids().page().await else { return };
                ids.extend(page.ids);
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let ended = sim.step(|| format!("a list ends: {ids:?}"));
            lists.lock().expect("no panic").push(Shown { ids, began, ended });
        });
    }
    run.finish();
    let writes = writes.lock().expect("no panic");
    for list in lists.lock().expect("no panic").iter() {
        assert!(list.ids.is_sorted_by(|one, next| one < next), "not in order, or twice: {list:?}");
        for id in 0..IDS {
            let of_id: Vec<&Write> = writes.iter().filter(|write| write.id == id).collect();
            let shown = list.ids.contains(&id);
            assert!(shown || !is_all_the_time(&of_id, list, true), "{id} is left out: {list:?}, {of_id:?}");
            assert!(!shown || !is_all_the_time(&of_id, list, false), "{id} is shown: {list:?}, {of_id:?}");
        }
    }
}

/// Whether a key was there, or was not, from the beginning of a list to its end, whatever the order
/// of the writes was.
fn is_all_the_time(writes: &[&Write], list: &Shown, there: bool) -> bool {
    let ended_before = |write: &&&Write, moment: u64| write.ended.is_some_and(|ended| ended < moment);
    let against: Vec<&&Write> =
        writes.iter().filter(|write| write.is_put != there && write.began < list.ended).collect();
    let is_last = |made: u64| against.iter().all(|write| ended_before(write, made));
    let nothing_yet = !there && against.is_empty();
    let mut decisive = writes.iter().filter(|write| write.is_put == there && ended_before(write, list.began));
    nothing_yet || decisive.any(|write| is_last(write.began))
}
