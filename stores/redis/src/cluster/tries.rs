//! The tries of one command: where it goes next, and when it is given up.

use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};

use super::nodes::Cluster;
use crate::error::{Fault, NEVER_THERE, code};
use crate::server::{Address, Deadline, Link};

/// How often a command that nodes refuse is sent, the first time included.
const TRIES: u32 = 16;

/// How long is waited before the next try, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Redirections are followed at once so often. A command that goes round between nodes waits then.
const AT_ONCE: u32 = 3;

pub(super) struct Tries {
    slot: u16,
    by: Deadline,
    done: u32,
    /// The node that the slot of the key is moving to.
    asking: Option<Address>,
}

impl Tries {
    pub(super) const fn new(slot: u16, by: Deadline) -> Self {
        Self { slot, by, done: 0, asking: None }
    }

    /// The node for the next try, and whether `ASKING` has to go before the command.
    pub(super) async fn node(&mut self, cluster: &Cluster) -> Result<(Address, Link, bool), Fault> {
        if let Some(node) = self.asking.take() {
            let link = cluster.link(&node);
            return Ok((node, link, true));
        }
        loop {
            if let Some((address, link)) = cluster.map().owner(self.slot) {
                return Ok((address.clone(), link.clone(), false));
            }
            cluster.look(None);
            let what = "no node of the cluster has the slot of the key";
            self.pause(Fault::unsent((ErrorKind::ClusterConnectionNotFound, what).into())).await?;
        }
    }

    /// Waits as long as the refusal asks for; an error that is none, or one too many, is the
    /// answer.
    pub(super) async fn go_on(
        &mut self,
        cluster: &Cluster,
        node: &Address,
        fault: Fault,
    ) -> Result<(), Fault> {
        if fault.is_of_the_way() {
            cluster.suspect(node, &cluster.link(node));
            // What was sent may have been done.
            return if fault.sent { Err(fault) } else { self.pause(fault).await };
        }
        match code(&fault.error).as_deref() {
            Some("MOVED") => {
                let Some(to) = redirection(&fault.error, node) else { return Err(fault) };
                cluster.moved(self.slot, &to);
                if self.done < AT_ONCE {
                    self.done += 1;
                    return Ok(());
                }
                self.pause(fault).await
            }
            Some("ASK") => {
                self.done += 1;
                if self.done >= TRIES {
                    return Err(never_there(&fault));
                }
                self.asking = redirection(&fault.error, node);
                Ok(())
            }
            Some("TRYAGAIN") => self.pause(fault).await,
            Some("CLUSTERDOWN" | "MASTERDOWN" | "LOADING" | "READONLY") => {
                cluster.look(None);
                self.pause(fault).await
            }
            _ => Err(fault),
        }
    }

    async fn pause(&mut self, fault: Fault) -> Result<(), Fault> {
        self.done += 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.done - 1).min(8)).min(LONGEST_PAUSE);
        // Tasks that were refused together do not come back together.
        let pause = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        if self.done < TRIES && self.by.pause(pause).await {
            return Ok(());
        }
        Err(match code(&fault.error).as_deref() {
            Some("MOVED" | "READONLY") => never_there(&fault),
            _ => fault,
        })
    }
}

fn never_there(fault: &Fault) -> Fault {
    Fault { error: RedisError::from((ErrorKind::ClusterConnectionNotFound, NEVER_THERE)), sent: fault.sent }
}

/// The error among the answers that sends a command elsewhere, or away for a while.
pub(super) fn refusal(answer: &Value) -> Option<RedisError> {
    let Value::ServerError(error) = answer else { return None };
    let codes = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "READONLY", "EXECABORT"];
    codes.contains(&error.code()).then(|| error.clone().into())
}

/// Whether no node has all keys of a command, since their slot is moving.
pub(super) fn is_split(error: &RedisError) -> bool {
    code(error).as_deref() == Some("TRYAGAIN")
}

/// The node that a redirection names, also one that a transaction met. A node that does not know
/// its own host leaves it out.
fn redirection(error: &RedisError, from: &Address) -> Option<Address> {
    let errors = error.clone().into_server_errors()?;
    let (_, node) = errors.first()?.1.details()?.split_once(' ')?;
    let to = Address::parse(node.trim())?;
    if to.host().is_empty() {
        let Address::Tcp { port, .. } = to else { return None };
        return Some(Address::tcp(from.host(), port));
    }
    Some(to)
}
