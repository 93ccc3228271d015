//! What is traced: failures emit events with their causes, and nothing shows a secret.
//!
//! These tests are a separate program, and one of them runs at a time. A span or an event that
//! another thread meets first, just as this thread installs its subscriber, may stay disabled.

mod cache;
mod layers;
mod sessions;
#[path = "../support/subscribe.rs"]
mod subscribe;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

use subscribe::subscribe;

/// Notes a line for each span and event up to a level.
#[derive(Clone)]
pub struct Log {
    level: Level,
    lines: Arc<Mutex<Vec<String>>>,
}

/// The log is this thread's subscriber for as long as this lives.
pub struct Logging {
    _subscriber: DefaultGuard,
    _alone: MutexGuard<'static, ()>,
}

impl Log {
    /// Starts a log once no other test has one.
    pub fn start(level: Level) -> (Self, Logging) {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let log = Self { level, lines: Arc::default() };
        let subscriber = subscribe(log.clone());
        (log, Logging { _subscriber: subscriber, _alone: alone })
    }

    /// Returns the lines since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    fn push(&self, line: Line) {
        self.lines.lock().unwrap().push(line.0);
    }
}

struct Line(String);

impl Line {
    fn of(metadata: &Metadata<'_>) -> Self {
        Self(format!("{} {} ", metadata.target(), metadata.name()))
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line::of(span.metadata());
        span.record(&mut line);
        self.push(line);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        self.push(line);
    }
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::of(event.metadata());
        event.record(&mut line);
        self.push(line);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
