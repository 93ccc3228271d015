//! The tokio runtime that drives the connections to servers.
//!
//! The clients of Redis and of HTTP need one, with time and IO. An application may run on another
//! executor, or on a tokio runtime that was built without them, which panics when they are used,
//! and which nothing tells apart. So connections live on a runtime of their own, on one thread for
//! all stores, unless the application names another.

use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle};

/// The runtime's handle, once there is one.
static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);

/// The runtime of all stores, whose thread `kv-network` starts when the first of them connects.
pub fn runtime() -> io::Result<Handle> {
    let mut shared = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*shared {
        return Ok(runtime.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<()>());
    std::thread::Builder::new().name("kv-network".to_owned()).spawn(run)?;
    Ok(shared.insert(handle).clone())
}

/// Drives `work` where it is awaited, on whatever executor, with this runtime's timers, connections
/// and tasks.
pub async fn within<T>(runtime: &Handle, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let _entered = runtime.enter();
        work.as_mut().poll(context)
    })
    .await
}
