//! A cluster: where a key's node is found, and what is done when it has moved.
//!
//! Every node has its own connection, so nodes do not wait for each other. A command is sent again
//! only after a node has refused it, which says that nothing was done, or if it was not sent at
//! all.

mod batch;
mod map;
mod rounds;
mod tries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Cmd, ErrorKind, Pipeline, RedisError, Value};
use tokio::time::Instant;

use super::error::{Fault, Said};
use super::server::{Address, Deadline, Dialer, Link, Target};
use tries::Tries;

use map::Map;
pub(super) use rounds::Rounds;

/// How long a node that is looked at behind the calls may take before the next one is asked.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The least time between two looks at the slots.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Cluster(Arc<Shared>);

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
    pub(super) async fn connect(seeds: Vec<Address>, dialer: Arc<Dialer>) -> Result<Self, RedisError> {
        let map = Arc::new(Map::empty());
        let state = State { map, links: HashMap::new(), is_looking: false, looked_at: None };
        let shared = Arc::new(Shared { seeds, dialer, state: Mutex::new(state) });
        shared.learn(None, shared.dialer.timeout).await?;
        Ok(Self(shared))
    }

    /// The answer of the node that has the key.
    pub(super) async fn query(&self, key: &str, command: &Cmd, by: Deadline) -> Result<Value, Fault> {
        let mut tries = Tries::new(slot_of(key), by);
        loop {
            let (address, link, asking) = tries.node(self).await?;
            let answer = if asking {
                let mut pipeline = Pipeline::with_capacity(2);
                pipeline.add_command(redis::cmd("ASKING")).add_command(command.clone());
                let answers = link.pipeline(&pipeline, by).await;
                answers.map(|answers| answers.into_iter().next_back().unwrap_or_default())
            } else {
                link.query(command, by).await
            };
            match answer.and_then(|answer| answer.extract_error().map_err(Fault::sent)) {
                Ok(answer) => return Ok(answer),
                Err(fault) => tries.go_on(self, &address, fault).await?,
            }
        }
    }

    /// The answers of the node that has the keys of the commands, which lie on one slot. They are
    /// reads, or a transaction: what is refused in part is sent as a whole a second time.
    pub(super) async fn pipeline(
        &self,
        key: &str,
        pipeline: &Pipeline,
        by: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        let mut tries = Tries::new(slot_of(key), by);
        loop {
            let (address, link, asking) = tries.node(self).await?;
            let answers =
                if asking { ask_all(&link, pipeline, by).await } else { link.pipeline(pipeline, by).await };
            let fault = match answers {
                Ok(answers) => match answers.iter().find_map(tries::refusal) {
                    Some(error) => Fault::sent(error),
                    None => return Ok(answers),
                },
                Err(fault) => fault,
            };
            // No node has all keys of a read: each can be read by itself, at once.
            if tries::is_split(&fault.error) && !pipeline.is_transaction() {
                return Err(fault);
            }
            tries.go_on(self, &address, fault).await?;
        }
    }

    /// The answer of one node, and of no other.
    pub(super) async fn query_node(
        &self,
        node: &Address,
        command: &Cmd,
        by: Deadline,
    ) -> Result<Value, Fault> {
        let link = self.link(node);
        let answer = link.query(command, by).await;
        let answer = answer.and_then(|answer| answer.extract_error().map_err(Fault::sent));
        if let Err(fault) = &answer
            && fault.is_of_the_way()
        {
            self.suspect(node, &link);
        }
        answer
    }

    /// Asks a node for the slots now, and returns the new map.
    async fn fresh_map(&self, timeout: Duration) -> Result<Arc<Map>, Fault> {
        self.0.learn(None, timeout).await.map_err(Fault::unsent)?;
        Ok(self.map())
    }

    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.0.lock().map)
    }

    fn link(&self, address: &Address) -> Link {
        self.0.link(&mut self.0.lock().links, address)
    }

    /// Notes what a redirection says, and has somebody ask for the rest.
    fn moved(&self, slot: u16, to: &Address) {
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
    fn suspect(&self, node: &Address, link: &Link) {
        link.leave();
        self.look(Some(node));
    }

    /// Has a task ask for the slots, unless one does or has done so just now.
    fn look(&self, suspect: Option<&Address>) {
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
                tracing::warn!(error = %Said::of(error), "no node of the cluster tells who has which slots");
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
        Err(first_failure.unwrap_or_else(|| {
            RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node of the cluster has slots"))
        }))
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
    link.query(&command, by).await.map_err(|fault| fault.error)?.extract_error()
}

/// Sends commands to the node that their slot is moving to. `ASKING` goes before each of them, or
/// before their transaction.
async fn ask_all(link: &Link, commands: &Pipeline, by: Deadline) -> Result<Vec<Value>, Fault> {
    let mut pipeline = Pipeline::with_capacity(2 * commands.len() + 2);
    if commands.is_transaction() {
        pipeline.cmd("ASKING").cmd("MULTI");
        for command in commands.cmd_iter() {
            pipeline.add_command(command.clone());
        }
        pipeline.cmd("EXEC");
        let answers = link.pipeline(&pipeline, by).await?;
        // The first error is the reason, and what `EXEC` says is its consequence.
        for answer in &answers {
            if let Value::ServerError(error) = answer {
                return Err(Fault::sent(error.clone().into()));
            }
        }
        return Ok(answers.into_iter().next_back().into_iter().collect());
    }
    for command in commands.cmd_iter() {
        pipeline.cmd("ASKING").add_command(command.clone());
    }
    let answers = link.pipeline(&pipeline, by).await?;
    Ok(answers.into_iter().skip(1).step_by(2).collect())
}

/// The slot of a key: that of its hash tag, if it has one.
fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % map::SLOTS
}

/// The places of keys by the slots that they lie on, each in the keys' order.
pub(super) fn by_slot<S: AsRef<str>>(keys: &[S]) -> Vec<Vec<usize>> {
    let mut slots: HashMap<u16, Vec<usize>> = HashMap::new();
    for (place, key) in keys.iter().enumerate() {
        slots.entry(slot_of(key.as_ref())).or_default().push(place);
    }
    slots.into_values().collect()
}
