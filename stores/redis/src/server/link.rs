//! A connection that many calls share, and that is replaced when it fails.
//!
//! A call takes the connection that there is. Where there is none, or it has ended, one task
//! connects for all callers; it is a task of the runtime's, so it goes on when a caller is dropped.
//! A connection ends when its bytes stop or make no sense, when too many calls in a row had no
//! answer in time, when the server turns out to be a read-only replica, or with the runtime that it
//! was made in. Nothing is sent again here: whether that is safe is the caller's to say.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Cmd, ErrorKind, Pipeline, RedisError, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use super::dial::{Dialed, Dialer, late};
use super::peer::{Mode, Peer};
use super::target::Target;
use crate::error::{Fault, RUNTIME_ENDED, code, explain};

/// How often a connection is tried before the calls that wait for it fail.
const TRIES: u32 = 3;

/// How long is waited between two tries, at first and at most; each pause is drawn from its upper
/// half.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// When a call gives up. All of its commands share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        let now = Instant::now();
        // A time that no clock reaches is as good as none.
        Self(now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365)))
    }

    pub(crate) fn never() -> Self {
        Self::after(Duration::MAX)
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// Sleeps, and returns whether there is time left after it. Does not sleep if there is not.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "clusters are waited for"))]
    pub(crate) async fn pause(self, pause: Duration) -> bool {
        if Instant::now() + pause >= self.0 {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// A server, and the connection to it. Clones share it.
#[derive(Clone)]
pub(crate) struct Link(Arc<Shared>);

struct Shared {
    target: Target,
    dialer: Arc<Dialer>,
    slot: Mutex<Slot>,
}

struct Slot {
    state: State,
    failures: u32,
    /// When the next try may begin, if the last one failed.
    not_before: Option<Instant>,
}

enum State {
    Vacant,
    Dialing(Dialing),
    Live(Live),
}

type Outcome = Result<Live, RedisError>;

/// A connection in use.
#[derive(Clone)]
struct Live(Arc<Dialed>);

impl Link {
    pub(crate) fn new(target: Target, dialer: Arc<Dialer>) -> Self {
        let slot = Slot { state: State::Vacant, failures: 0, not_before: None };
        Self(Arc::new(Shared { target, dialer, slot: Mutex::new(slot) }))
    }

    /// Connects, if that is not done, and returns what the server says of itself.
    pub(crate) async fn peer(&self, by: Deadline) -> Result<Peer, Fault> {
        Ok(self.live(by).await?.0.peer)
    }

    /// What kind of server it is, if that can be found out. Over RESP2 it is asked; a proxy may
    /// refuse the question.
    pub(crate) async fn mode(&self, by: Deadline) -> Result<Option<Mode>, Fault> {
        if let Some(mode) = self.peer(by).await?.mode {
            return Ok(Some(mode));
        }
        let mut command = redis::cmd("INFO");
        command.arg("server");
        Ok(match self.query(&command, by).await {
            Ok(Value::BulkString(info)) => Mode::in_info(&String::from_utf8_lossy(&info)),
            _ => None,
        })
    }

    /// The answer to a command; an error that the server answers is a value.
    pub(crate) async fn query(&self, command: &Cmd, by: Deadline) -> Result<Value, Fault> {
        let live = self.live(by).await?;
        let mut connection = live.0.connection.clone();
        let answer = tokio::time::timeout_at(by.0, connection.send_packed_command(command)).await;
        let answer = self.judge(&live, answer.unwrap_or_else(|_| Err(late())))?;
        live.look_at(&answer);
        Ok(answer)
    }

    /// The answers to commands that are sent in one go. An atomic pipeline has one answer.
    pub(crate) async fn pipeline(&self, pipeline: &Pipeline, by: Deadline) -> Result<Vec<Value>, Fault> {
        let (skipped, kept) = match pipeline.is_transaction() {
            true => (pipeline.len() + 1, 1),
            false => (0, pipeline.len()),
        };
        let live = self.live(by).await?;
        let mut connection = live.0.connection.clone();
        let sending = connection.send_packed_commands(pipeline, skipped, kept);
        let answers = tokio::time::timeout_at(by.0, sending).await;
        let answers = self.judge(&live, answers.unwrap_or_else(|_| Err(late())))?;
        answers.iter().for_each(|answer| live.look_at(answer));
        Ok(answers)
    }

    /// Has the next call make another connection. Calls under way keep theirs.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "clusters leave nodes"))]
    pub(crate) fn leave(&self) {
        if let State::Live(live) = &self.0.lock().state {
            live.end();
        }
    }

    fn judge<T>(&self, live: &Live, answer: Result<T, RedisError>) -> Result<T, Fault> {
        let health = &live.0.driver.health;
        let error = match answer {
            Ok(answer) => {
                // Written only where it changes: all calls share the line of memory.
                if health.timeouts.load(Ordering::Relaxed) != 0 {
                    health.timeouts.store(0, Ordering::Relaxed);
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        let ends = match error.kind() {
            ErrorKind::Io if error.is_timeout() => {
                health.timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= self.0.dialer.timeouts
            }
            ErrorKind::Io | ErrorKind::Parse => true,
            _ => is_of_another_server(&error),
        };
        if ends {
            live.end();
        }
        Err(Fault::sent(error))
    }

    async fn live(&self, by: Deadline) -> Result<Live, Fault> {
        let outcome = match self.0.step() {
            Step::Live(live) => return Ok(live),
            Step::Begun(dialing) => outcome(dialing, by).await,
            Step::Joined(dialing) => match outcome(dialing, by).await {
                // It was begun before this call, and the server may be back since.
                Err(_) if !by.is_over() => match self.0.step() {
                    Step::Live(live) => return Ok(live),
                    Step::Begun(dialing) | Step::Joined(dialing) => outcome(dialing, by).await,
                },
                joined => joined,
            },
        };
        outcome.map_err(Fault::unsent)
    }
}

/// What a task that connects will say.
type Dialing = watch::Receiver<Option<Outcome>>;

enum Step {
    Live(Live),
    Begun(Dialing),
    /// Somebody else has begun it.
    Joined(Dialing),
}

async fn outcome(mut dialing: Dialing, by: Deadline) -> Outcome {
    match tokio::time::timeout_at(by.0, dialing.wait_for(Option::is_some)).await {
        Err(_) => Err(late()),
        Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(late())),
        Ok(Err(_)) => Err(RedisError::from((ErrorKind::InvalidClientConfig, RUNTIME_ENDED))),
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, or the task that makes one, which begins here if there is none.
    fn step(self: &Arc<Self>) -> Step {
        let mut slot = self.lock();
        match &slot.state {
            State::Live(live) if !live.is_over() => return Step::Live(live.clone()),
            // An error means that the task is gone and has said nothing.
            State::Dialing(dialing) if dialing.has_changed().is_ok() => {
                return Step::Joined(dialing.clone());
            }
            _ => {}
        }
        let (sender, dialing) = watch::channel(None);
        let shared = Arc::clone(self);
        self.dialer.runtime.spawn(async move {
            let outcome = shared.dial().await;
            shared.lock().state = match &outcome {
                Ok(live) => State::Live(live.clone()),
                Err(_) => State::Vacant,
            };
            sender.send_replace(Some(outcome));
        });
        slot.state = State::Dialing(dialing.clone());
        Step::Begun(dialing)
    }

    /// Tries to connect a few times, if a further try may help, and never faster than the pauses
    /// allow.
    async fn dial(&self) -> Outcome {
        let mut tries = 0;
        loop {
            let not_before = self.lock().not_before;
            if let Some(not_before) = not_before {
                tokio::time::sleep_until(not_before).await;
            }
            tries += 1;
            let error = match self.target.dial(&self.dialer).await {
                Ok(dialed) => {
                    let mut slot = self.lock();
                    (slot.failures, slot.not_before) = (0, None);
                    return Ok(Live(Arc::new(dialed)));
                }
                Err(error) => error,
            };
            self.lock().failed();
            // Who was silent will be so again, and callers have waited enough.
            if tries == TRIES || error.is_timeout() || !explain(&error).1 {
                return Err(error);
            }
        }
    }
}

impl Slot {
    fn failed(&mut self) {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        let pause = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.not_before = Some(Instant::now() + pause);
    }
}

impl Live {
    fn is_over(&self) -> bool {
        self.0.driver.health.ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.0.driver.health.ended.store(true, Ordering::Release);
    }

    /// Ends the connection if the server answers that it is the wrong one.
    fn look_at(&self, answer: &Value) {
        if let Value::ServerError(error) = answer
            && is_of_another_server(&error.clone().into())
        {
            self.end();
        }
    }
}

/// Whether another connection, by the same address, may lead to a server that does what this one
/// refuses: the address has moved on, or the password has.
fn is_of_another_server(error: &RedisError) -> bool {
    matches!(code(error).as_deref(), Some("READONLY" | "NOAUTH"))
}
