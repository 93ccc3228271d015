//! Many writes through a binding that takes one key a call.

use std::collections::HashMap;
use std::future::Future;

use futures_util::future::join_all;

use super::NAME;
use crate::error::{Error, Location, Result};
use crate::key::Key;

/// A Worker has so many connections at once; more calls would wait.
const AT_ONCE: usize = 6;

/// Runs the write of each item, a few at a time, and stops after those that failed. Of several under one key the last alone is
/// written: they would race, and a key takes one write a second.
pub(super) async fn run<T, F>(items: Vec<T>, key: impl Fn(&T) -> &Key, write: impl Fn(T) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let keys: Vec<Key> = items.iter().map(|item| key(item).clone()).collect();
    let last: HashMap<&str, usize> = keys.iter().map(Key::as_str).zip(0..).collect();
    let mut remaining = items
        .into_iter()
        .enumerate()
        .filter(|(place, _)| keys.get(*place).and_then(|key| last.get(key.as_str())) == Some(place));
    loop {
        let (places, writes): (Vec<usize>, Vec<F>) =
            remaining.by_ref().take(AT_ONCE).map(|(place, item)| (place, write(item))).unzip();
        if places.is_empty() {
            return Ok(());
        }
        let done = join_all(writes).await;
        let mut ended = places.into_iter().zip(done).skip_while(|(_, done)| done.is_ok());
        if let Some((failed, Err(source))) = ended.next() {
            let also = ended.filter(|(_, done)| done.is_ok()).map(|(place, _)| place).collect();
            let at = keys.get(failed).map_or_else(|| Location::store(NAME), |key| Location::of(NAME, key));
            return Err(Error::Partial { at, written: failed, also, source: Box::new(source) });
        }
    }
}
