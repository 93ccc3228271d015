//! A subscriber that misses nothing of its thread.

use std::sync::OnceLock;

use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing::{Dispatch, Subscriber};

/// Makes this the thread's subscriber for as long as the guard lives.
///
/// While there is only one subscriber, tracing asks the thread that first comes by a span whether
/// anybody wants it. If that thread is another test's, nobody sees the span from then on. So there
/// are two.
pub fn subscribe(subscriber: impl Subscriber + Send + Sync + 'static) -> DefaultGuard {
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(NoSubscriber::default()));
    set_default(subscriber)
}
