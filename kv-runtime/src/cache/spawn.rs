//! Executors of the tasks that drive loads: the application's spawner, or the caller's tokio
//! runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(target_arch = "wasm32"))]
use tokio::runtime::{Handle, RuntimeFlavor};

use super::drive::{Drive, Poller};
use crate::kv::Spawn;

/// The spawner that the application gave, if it gave one.
#[derive(Clone)]
pub(super) struct Spawner(pub(super) Option<Arc<dyn Spawn>>);

/// An executor that takes a task now.
pub(super) enum Executor {
    Given(Arc<dyn Spawn>),
    #[cfg(not(target_arch = "wasm32"))]
    Tokio(Handle),
}

impl Spawner {
    pub(super) fn executor(&self) -> Option<Executor> {
        match &self.0 {
            Some(given) => Some(Executor::Given(Arc::clone(given))),
            #[cfg(not(target_arch = "wasm32"))]
            None => Handle::try_current().ok().map(Executor::Tokio),
            #[cfg(target_arch = "wasm32")]
            None => None,
        }
    }
}

impl Executor {
    /// Spawns a task that drives this work. No waiter depends on the task.
    pub(super) fn run(&self, drive: &Arc<Drive>) {
        match self {
            Self::Given(spawn) => {
                drive.has_task(false);
                let task = Box::pin(run(Task::new(drive, false)));
                if !spawn.try_spawn(task) {
                    tracing::warn!("the spawner of a cache panicked; the callers drive the load");
                }
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::Tokio(handle) => {
                // A runtime with threads always runs its tasks; one of a single thread only while
                // something blocks on it.
                drive.has_task(handle.runtime_flavor() == RuntimeFlavor::MultiThread);
                drop(handle.spawn(run(Task::new(drive, true))));
            }
        }
    }
}

/// Drives the work of a task to its end: the future of the task.
async fn run(task: Task) {
    let drive = task.begin();
    loop {
        drive.poll(Poller::Other);
        if drive.is_over() {
            return;
        }
        drive.task_woken().await;
    }
}

/// The handle of a task on the work that it drives.
struct Task {
    drive: Arc<Drive>,
    has_begun: AtomicBool,
    /// Whether it runs on the runtime on which the work began. Then the work's timers and sockets
    /// end with it.
    is_at_home: bool,
}

impl Task {
    fn new(drive: &Arc<Drive>, is_at_home: bool) -> Self {
        Self { drive: Arc::clone(drive), has_begun: AtomicBool::new(false), is_at_home }
    }

    fn begin(&self) -> &Arc<Drive> {
        self.has_begun.store(true, Ordering::Relaxed);
        &self.drive
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let Self { drive, has_begun, is_at_home } = self;
        if drive.is_over() {
            return;
        }
        if *is_at_home && *has_begun.get_mut() && !drive.is_polled_here() {
            // The runtime shuts down. Waiters on other runtimes begin another load.
            drive.abandon();
        } else {
            drive.lose_task();
        }
    }
}
