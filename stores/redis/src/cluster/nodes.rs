//! The nodes of a cluster, the connections to them, and who has which slots.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};
use tokio::time::Instant;

use super::map::Map;
use crate::error::{Fault, NO_SLOTS, SAYS_SENTINEL, Said, is_unknown_command};
use crate::server::{Address, Deadline, Dialer, Link, Mode, Target};

/// How long a node that is looked at behind the calls may take before the next one is asked.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The least time between two looks at the slots.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(crate) struct Cluster(Arc<Shared>);

struct Shared {
    seeds: Vec<Address>,
    dialer: Arc<Dialer>,
    state: Mutex<State>,
}

struct State {
    map: Arc<Map>,
    links: HashMap<Address, Link>,
    /// Whether a task asks for the slots.
    is_looking: bool,
    looked_at: Option<Instant>,
}

impl Cluster {
    /// Connects to one of the nodes and asks it for the slots.
    pub(crate) async fn connect(seeds: Vec<Address>, dialer: Arc<Dialer>) -> Result<Self, RedisError> {
        let map = Arc::new(Map::empty());
        let state = State { map, links: HashMap::new(), is_looking: false, looked_at: None };
        let shared = Arc::new(Shared { seeds, dialer, state: Mutex::new(state) });
        shared.learn(None, shared.dialer.timeout).await?;
        Ok(Self(shared))
    }

    /// Asks a node for the slots now, and returns the new map.
    pub(super) async fn fresh_map(&self, timeout: Duration) -> Result<Arc<Map>, Fault> {
        self.0.learn(None, timeout).await.map_err(Fault::unsent)?;
        Ok(self.map())
    }

    pub(super) fn map(&self) -> Arc<Map> {
        Arc::clone(&self.0.lock().map)
    }

    pub(super) fn link(&self, address: &Address) -> Link {
        self.0.link(&mut self.0.lock().links, address)
    }

    /// Notes what a redirection says, and has somebody ask for the rest.
    pub(super) fn moved(&self, slot: u16, to: &Address) {
        let mut state = self.0.lock();
        let State { map, links, .. } = &mut *state;
        if map.owner(slot).is_none_or(|(owner, _)| owner != to) {
            *map = Arc::new(map.moved(slot, to.clone(), |address| self.0.link(links, address)));
        }
        drop(state);
        self.look(None);
    }

    /// Leaves the connection to a node that does not answer, and has somebody ask the others for
    /// the slots.
    pub(super) fn suspect(&self, node: &Address, link: &Link) {
        link.leave();
        self.look(Some(node));
    }

    /// Has a task ask for the slots, unless one does or has done so just now.
    pub(super) fn look(&self, suspect: Option<&Address>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut state = self.0.lock();
        let just_now = state.looked_at.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS);
        if state.is_looking || just_now {
            return;
        }
        state.is_looking = true;
        drop(state);
        let looking = Looking(Arc::clone(&self.0));
        let suspect = suspect.cloned();
        runtime.spawn(async move {
            if let Err(error) = looking.0.learn(suspect.as_ref(), LONGEST_LOOK).await {
                tracing::warn!(error = %Said::of(error), "no node of the cluster returned a slot map");
            }
        });
    }
}

/// A task that asks for the slots. Its end is noted even if its runtime ends first.
struct Looking(Arc<Shared>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.lock().is_looking = false;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, links: &mut HashMap<Address, Link>, address: &Address) -> Link {
        let make = || Link::new(Target::Server(address.clone()), Arc::clone(&self.dialer));
        links.entry(address.clone()).or_insert_with(make).clone()
    }

    /// Asks one node after the other for the slots, the suspect last, until one answers.
    async fn learn(&self, suspect: Option<&Address>, timeout: Duration) -> Result<(), RedisError> {
        let mut first_failure = None;
        for node in self.to_ask(suspect) {
            let link = self.link(&mut self.lock().links, &node);
            match slots_by(&link, timeout).await {
                Ok(answer) => {
                    let mut state = self.lock();
                    let State { map, links, looked_at, .. } = &mut *state;
                    if let Some(told) = Map::parse(&answer, &node, |address| self.link(links, address)) {
                        links.retain(|address, _| {
                            self.seeds.contains(address) || told.nodes().any(|node| node == address)
                        });
                        (*map, *looked_at) = (Arc::new(told), Some(Instant::now()));
                        return Ok(());
                    }
                }
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
        self.lock().looked_at = Some(Instant::now());
        Err(first_failure
            .unwrap_or_else(|| RedisError::from((ErrorKind::ClusterConnectionNotFound, NO_SLOTS))))
    }

    /// The nodes in the order in which they are asked: those that are known, in any order, and
    /// those of the URL.
    fn to_ask(&self, suspect: Option<&Address>) -> Vec<Address> {
        let map = Arc::clone(&self.lock().map);
        let mut nodes: Vec<Address> = map.nodes().cloned().collect();
        fastrand::shuffle(&mut nodes);
        for seed in &self.seeds {
            if !nodes.contains(seed) {
                nodes.push(seed.clone());
            }
        }
        nodes.sort_by_key(|node| Some(node) == suspect);
        nodes
    }
}

async fn slots_by(link: &Link, timeout: Duration) -> Result<Value, RedisError> {
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    let by = Deadline::after(timeout);
    let answer = link.query(&command, by).await.map_err(|fault| fault.error)?.extract_error();
    match answer {
        Err(error) if is_unknown_command(&error) && is_sentinel(link, by).await => {
            Err(RedisError::from((ErrorKind::InvalidClientConfig, SAYS_SENTINEL)))
        }
        answer => answer,
    }
}

async fn is_sentinel(link: &Link, by: Deadline) -> bool {
    matches!(link.mode(by).await, Ok(Some(Mode::Sentinel)))
}
