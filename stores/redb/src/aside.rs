//! Long work on the file, on a separate thread: it neither holds the executor's thread nor keeps
//! the writer waiting.

use std::sync::Arc;
use std::thread;

use kv_store::{Error, Location, Result};
use tokio::sync::oneshot;

use super::NAME;
use super::read::Reader;

/// Tells whether nobody waits for the work any more.
pub(super) struct Caller<T>(oneshot::Sender<Result<T>>);

impl<T> Caller<T> {
    pub(super) fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// Runs the work on a separate thread. If the future is dropped, the work learns of it
/// ([`Caller::is_gone`]).
pub(super) async fn run<T: Send + 'static>(
    reader: &Arc<Reader>,
    action: &'static str,
    work: impl FnOnce(&Reader, &Caller<T>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (reply, answer) = oneshot::channel();
    let (reader, caller) = (Arc::clone(reader), Caller(reply));
    thread::Builder::new()
        .name("kv-redb-aside".to_owned())
        .spawn(move || {
            let done = reader.damage.reading(|| Location::store(NAME), action, || work(&reader, &caller));
            // The file is let go before anybody hears of the end.
            drop(reader);
            drop(caller.0.send(done));
        })
        .map_err(|error| Error::store(Location::store(NAME), "start a thread", true, error))?;
    match answer.await {
        Ok(done) => done,
        // The thread answers whatever happens, but where it panics outside of redb.
        Err(ended) => Err(Error::store(Location::store(NAME), action, false, ended)),
    }
}
