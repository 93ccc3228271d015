//! Every call on every executor: it works, or it fails with its documented error. None panics, and
//! none hangs.

mod calls;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "other tests call the rest")]
mod redis_server;
mod servers;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, mpsc};
use std::time::Duration;

use tokio::runtime::Builder;

pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
pub type Work = Pin<Box<dyn Future<Output = Outcome>>>;

/// Longer than any of the tests takes.
const LONGEST: Duration = Duration::from_secs(60);

/// What polls a future, from first to last.
type Executor = (&'static str, fn(Work) -> Outcome);

const EXECUTORS: &[Executor] = &[
    ("block_on", |work| futures_executor::block_on(work)),
    ("smol", |work| smol::block_on(smol::LocalExecutor::new().run(work))),
    ("tokio, one thread", |work| run(Builder::new_current_thread().enable_all(), work)),
    ("tokio, one thread, time", |work| run(Builder::new_current_thread().enable_time(), work)),
    ("tokio, one thread, io", |work| run(Builder::new_current_thread().enable_io(), work)),
    ("tokio, one thread, nothing", |work| run(&mut Builder::new_current_thread(), work)),
    ("tokio, threads", |work| run(two_threads().enable_all(), work)),
    ("tokio, threads, time", |work| run(two_threads().enable_time(), work)),
    ("tokio, threads, io", |work| run(two_threads().enable_io(), work)),
    ("tokio, threads, nothing", |work| run(&mut two_threads(), work)),
];

fn two_threads() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn run(builder: &mut Builder, work: Work) -> Outcome {
    builder.build()?.block_on(work)
}

/// Runs what `make` makes on each executor, each on a separate thread.
pub fn everywhere(make: fn() -> Work) {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    static HOOK: Once = Once::new();
    // One that is caught counts, too: where panics abort it would end the program.
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(panic);
        }));
    });
    let before = PANICS.load(Ordering::SeqCst);
    for (name, executor) in EXECUTORS {
        let (ended, outcome) = mpsc::channel();
        let thread = std::thread::spawn(move || ended.send(executor(make())));
        match outcome.recv_timeout(LONGEST) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("on {name}: {error}"),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("on {name}: it hangs"),
            Err(mpsc::RecvTimeoutError::Disconnected) => panic!("on {name}: it panics"),
        }
        assert!(matches!(thread.join(), Ok(Ok(()))), "on {name}: its thread ends");
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), before, "a panic was caught");
}
