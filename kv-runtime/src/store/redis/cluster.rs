//! A cluster: where a key's node is found, what is done when it has moved, and batches that go to the nodes side by side.
//!
//! The `redis` crate finds nodes and keeps their connections. Its own repeats are turned off, because they would send a write a second time
//! whose answer was lost. Here a command is repeated only after a node has refused it, which says that nothing was done.

use std::collections::HashMap;
use std::time::Duration;

use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, Slot, SlotAddr};
use redis::{AsyncConnectionConfig, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError, Value};

use super::connection::side_by_side;
use super::error::{code, failed, may_have_happened};
use super::tls::Certificates;
use super::wire::Outgoing;
use super::write::outgoing;
use super::{Inner, NAME};
use crate::error::{Error, Location};
use crate::key::Key;
use crate::record::NewRecord;

/// How long a command that nodes refuse is tried: a key that has moved at once, the rest after pauses, in all some four seconds.
const TRIES: u32 = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Cluster(ClusterConnection);

impl Cluster {
    pub(super) async fn connect(
        nodes: Vec<ConnectionInfo>,
        (connection_timeout, response_timeout): (Duration, Duration),
        certificates: &Certificates,
    ) -> Result<Self, RedisError> {
        let client = ClusterClientBuilder::new(nodes.clone())
            .retries(0)
            .connection_timeout(connection_timeout)
            .response_timeout(response_timeout);
        let client = certificates.cluster_client(client)?;
        match client.get_async_connection().await {
            Ok(connection) => Ok(Self(connection)),
            Err(error) => {
                // The crate gives the nodes' errors as one text; a node that is asked by itself tells which it was.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(connection_timeout))
                    .set_response_timeout(Some(response_timeout));
                let Some(first) = nodes.into_iter().next() else { return Err(error) };
                let node = certificates.client(first)?;
                Err(node.get_multiplexed_async_connection_with_config(&config).await.err().unwrap_or(error))
            }
        }
    }

    /// The answer of the node that has the key.
    pub(super) async fn query(&self, key: &str, command: Cmd) -> Result<Value, RedisError> {
        let mut tries = Tries::default();
        loop {
            let answer = match tries.asking.take() {
                Some(node) => self.ask(node, &command).await,
                None => {
                    self.0.clone().route_command(command.clone(), RoutingInfo::SingleNode(node_of(key))).await
                }
            };
            match answer.and_then(|answer| answer.extract_error()) {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.go_on(error).await?,
            }
        }
    }

    /// The answers of the node that has the keys of the commands, which lie on one slot. They are reads, or a transaction: what is
    /// refused in part is sent as a whole a second time.
    pub(super) async fn pipeline(&self, key: &str, pipeline: &Pipeline) -> Result<Vec<Value>, RedisError> {
        let (skipped, kept) = match pipeline.is_transaction() {
            true => (pipeline.len() + 1, 1),
            false => (0, pipeline.len()),
        };
        let mut tries = Tries::default();
        loop {
            let answers = match tries.asking.take() {
                Some(node) => self.ask_all(node, pipeline).await,
                None => self.0.clone().route_pipeline(pipeline.clone(), skipped, kept, node_of(key)).await,
            };
            match answers {
                Ok(answers) => return Ok(answers),
                Err(error) => {
                    match code(&error).as_deref() {
                        Some("MOVED") => self.learn(key).await,
                        // No node has all keys of a read: each can be read by itself, at once.
                        Some("TRYAGAIN") if !pipeline.is_transaction() => return Err(error),
                        _ => {}
                    }
                    tries.go_on(error).await?;
                }
            }
        }
    }

    /// Has the crate ask who has which slots. From a command that has moved it does so by itself, but from a transaction that was refused
    /// because of it, it learns nothing.
    async fn learn(&self, key: &str) {
        let mut command = redis::cmd("EXISTS");
        command.arg(key);
        // The answer is of no use, and an error is the reason for asking.
        drop(self.0.clone().route_command(command, RoutingInfo::SingleNode(node_of(key))).await);
    }

    /// Sends a command to the node that a slot is moving to.
    async fn ask(&self, node: SingleNodeRoutingInfo, command: &Cmd) -> Result<Value, RedisError> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(redis::cmd("ASKING")).add_command(command.clone());
        let answers = self.0.clone().route_pipeline(pipeline, 1, 1, node).await?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }

    /// Sends commands to the node that their slot is moving to, which has to be told so before each, or before their transaction.
    async fn ask_all(
        &self,
        node: SingleNodeRoutingInfo,
        commands: &Pipeline,
    ) -> Result<Vec<Value>, RedisError> {
        let mut pipeline = Pipeline::with_capacity(2 * commands.len() + 1);
        if commands.is_transaction() {
            pipeline.cmd("ASKING").cmd("MULTI");
            for command in commands.cmd_iter() {
                pipeline.add_command(command.clone());
            }
            pipeline.cmd("EXEC");
            let len = pipeline.len();
            return self.0.clone().route_pipeline(pipeline, len - 1, 1, node).await;
        }
        for command in commands.cmd_iter() {
            pipeline.cmd("ASKING").add_command(command.clone());
        }
        let len = pipeline.len();
        let answers = self.0.clone().route_pipeline(pipeline, 0, len, node).await?;
        Ok(answers.into_iter().skip(1).step_by(2).collect())
    }

    /// The answer of the primary that has a slot.
    pub(super) async fn query_slot(&self, slot: u16, command: Cmd) -> Result<Value, RedisError> {
        let node = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
        self.0.clone().route_command(command, RoutingInfo::SingleNode(node)).await?.extract_error()
    }

    /// Who has which slots, and one slot of each primary. By that a primary is found, however its address is to be read.
    pub(super) async fn shape(&self) -> Result<(Value, Vec<u16>), RedisError> {
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
        let shape = self.0.clone().route_command(command, node).await?.extract_error()?;
        let mut primaries: Vec<(&Value, u16)> = Vec::new();
        for range in shape.as_sequence().unwrap_or_default() {
            let Some([Value::Int(first), _, primary, ..]) = range.as_sequence() else { continue };
            if !primaries.iter().any(|(known, _)| *known == primary) {
                primaries.push((primary, u16::try_from(*first).unwrap_or_default()));
            }
        }
        let slots = primaries.into_iter().map(|(_, slot)| slot).collect();
        Ok((shape, slots))
    }
}

/// The tries of one command.
#[derive(Default)]
struct Tries {
    done: u32,
    /// The node that the slot of the key is moving to.
    asking: Option<SingleNodeRoutingInfo>,
}

impl Tries {
    /// Waits as long as the refusal asks for; an error that is none, or one too many, is the answer.
    async fn go_on(&mut self, error: RedisError) -> Result<(), RedisError> {
        self.done += 1;
        let code = code(&error);
        let refused = matches!(
            code.as_deref(),
            Some("MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "MASTERDOWN" | "LOADING" | "READONLY")
        ) || error.kind() == ErrorKind::ClusterConnectionNotFound;
        if may_have_happened(&error) || !refused {
            return Err(error);
        }
        if self.done >= TRIES {
            return Err(match code.as_deref() {
                Some("MOVED" | "ASK" | "READONLY") => RedisError::from((
                    ErrorKind::ClusterConnectionNotFound,
                    "the key is never where it is said to be",
                    error.to_string(),
                )),
                _ => error,
            });
        }
        if code.as_deref() == Some("ASK") {
            self.asking = redirection(&error);
        }
        // The crate is learning meanwhile who has which slots.
        if self.asking.is_none() {
            let pause = FIRST_PAUSE.saturating_mul(1 << (self.done - 1).min(8));
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
        Ok(())
    }
}

/// The node that an `ASK` names, also one that a transaction met.
fn redirection(error: &RedisError) -> Option<SingleNodeRoutingInfo> {
    let errors = error.clone().into_server_errors()?;
    let (_, node) = errors.first()?.1.details()?.split_once(' ')?;
    let (host, port) = node.trim().rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

/// The primary that has the key's slot.
fn node_of(key: &str) -> SingleNodeRoutingInfo {
    SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master))
}

/// The places of keys by the slots that they lie on, each in the keys' order.
pub(super) fn by_slot<S: AsRef<str>>(keys: &[S]) -> Vec<Vec<usize>> {
    let mut slots: HashMap<Slot, Vec<usize>> = HashMap::new();
    for (place, key) in keys.iter().enumerate() {
        slots.entry(Slot::for_key(key.as_ref())).or_default().push(place);
    }
    slots.into_values().collect()
}

impl Inner {
    /// Records of many entities: those of one slot in a transaction, the slots side by side.
    pub(super) async fn put_each(&self, records: Vec<(Key, NewRecord)>) -> Result<(), Error> {
        let len = records.len();
        let nothing_written = |error| all_of(len, &[Vec::new()], vec![Err(error)]);
        let records = match outgoing(records) {
            Ok(records) => records,
            Err(error) => return nothing_written(error),
        };
        let additions = self.additions(records.iter().map(|(key, _)| key));
        if let Err(error) = self.add(additions).await {
            return nothing_written(failed(Location::store(NAME), "write", error));
        }
        let slots = self.slots_of(records.iter().map(|(key, _)| key));
        let mut records: Vec<Option<(Key, Outgoing)>> = records.into_iter().map(Some).collect();
        let parts = slots.iter().map(|places| {
            places.iter().filter_map(|place| records.get_mut(*place)?.take()).collect::<Vec<_>>()
        });
        let parts = parts.map(async |part| self.put_together(Pipeline::new(), &part).await);
        let outcomes = side_by_side(parts).await;
        all_of(len, &slots, outcomes)
    }

    /// Keys of many entities: those of one slot with one command, the slots side by side.
    pub(super) async fn delete_each(&self, keys: &[Key]) -> Result<(), Error> {
        let slots = self.slots_of(keys.iter());
        let parts = slots.iter().map(async |places| {
            let part: Vec<Key> = places.iter().filter_map(|place| keys.get(*place)).cloned().collect();
            self.delete_all(&part).await
        });
        all_of(keys.len(), &slots, side_by_side(parts).await)
    }

    fn slots_of<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Vec<Vec<usize>> {
        by_slot(&keys.map(|key| self.spelling.spell(key)).collect::<Vec<_>>())
    }
}

/// The outcome of a write of so many records from those of its slots: which were written, if not all.
fn all_of(len: usize, slots: &[Vec<usize>], outcomes: Vec<Result<(), Error>>) -> Result<(), Error> {
    let mut done = vec![false; len];
    let mut first_failure = None;
    for (places, outcome) in slots.iter().zip(outcomes) {
        match outcome {
            Ok(()) => places.iter().for_each(|place| done[*place] = true),
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    let Some(error) = first_failure else { return Ok(()) };
    let at = error.location().cloned().map_or_else(|| Location::store(NAME), Box::new);
    let written = done.iter().take_while(|done| **done).count();
    let also =
        done.iter().enumerate().skip(written).filter(|(_, done)| **done).map(|(place, _)| place).collect();
    Err(Error::Partial { at, written, also, source: Box::new(error) })
}
