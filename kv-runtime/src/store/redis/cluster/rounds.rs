//! The order in which all primaries are walked, so that no key is missed while slots move.
//!
//! A key that moves while its old node and its new one are walked may be seen on neither. So a node that
//! has got slots since its walk began is walked again, and one that is getting some is walked after all
//! others, since keys only come to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};

use super::{Cluster, Map};
use crate::store::redis::error::Fault;
use crate::store::redis::server::{Address, Deadline};

/// How long nodes are walked again before the call fails, after all were walked once.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long is waited before nodes are walked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(in crate::store::redis) struct Rounds<'a> {
    cluster: &'a Cluster,
    /// The nodes that are to be walked, from the last one to the first.
    left: Vec<Address>,
    /// What each node had when its last walk began.
    began: HashMap<Address, Arc<Map>>,
    map: Arc<Map>,
    /// The nodes that were getting slots when this round began.
    importing: Vec<Address>,
    /// Until when the nodes are walked again.
    by: Option<Deadline>,
    pause: Duration,
}

impl<'a> Rounds<'a> {
    pub(in crate::store::redis) async fn begin(cluster: &'a Cluster) -> Result<Self, Fault> {
        let map = cluster.fresh_map().await?;
        let mut rounds = Self {
            cluster,
            left: Vec::new(),
            began: HashMap::new(),
            importing: Vec::new(),
            by: None,
            pause: FIRST_PAUSE,
            map,
        };
        rounds.importing = rounds.importing_now().await?;
        rounds.plan(rounds.map.primaries());
        Ok(rounds)
    }

    /// The node that is walked now, and the cluster; nothing when all keys were seen.
    pub(in crate::store::redis) async fn node(&mut self) -> Result<Option<(&'a Cluster, &Address)>, Fault> {
        if self.left.is_empty() && !self.next_round().await? {
            return Ok(None);
        }
        let Some(node) = self.left.last() else { return Ok(None) };
        if !self.began.contains_key(node) {
            self.began.insert(node.clone(), Arc::clone(&self.map));
        }
        Ok(Some((self.cluster, node)))
    }

    /// Goes on to the next node.
    pub(in crate::store::redis) fn node_is_done(&mut self) {
        self.left.pop();
    }

    /// Those that are getting slots come last.
    fn plan(&mut self, mut nodes: Vec<Address>) {
        nodes.sort_by_key(|node| !self.importing.contains(node));
        for node in &nodes {
            self.began.remove(node);
        }
        self.left = nodes;
    }

    /// Whether there is another round: for the nodes to which keys may have come unseen.
    async fn next_round(&mut self) -> Result<bool, Fault> {
        let now = self.cluster.fresh_map().await?;
        let before = std::mem::replace(&mut self.map, now);
        let importing = self.importing_now().await?;
        let mut again: Vec<Address> = self.map.primaries();
        again.retain(|node| {
            let began = self.began.get(node).unwrap_or(&before);
            let is_new = !self.began.contains_key(node) || self.map.gained(began, node);
            is_new || (importing.contains(node) && !self.importing.contains(node))
        });
        self.importing = importing;
        if again.is_empty() {
            return Ok(false);
        }
        let by = *self.by.get_or_insert_with(|| Deadline::after(PATIENCE));
        if !by.pause(self.pause).await {
            let what = "the slots of the cluster move all the time";
            return Err(Fault::unsent(RedisError::from((ErrorKind::ClusterConnectionNotFound, what))));
        }
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        self.plan(again);
        Ok(true)
    }

    /// The nodes that are getting slots now. A node that may not be asked is taken for one that is not.
    async fn importing_now(&self) -> Result<Vec<Address>, Fault> {
        let mut command = redis::cmd("CLUSTER");
        command.arg("NODES");
        let mut importing = Vec::new();
        for node in self.map.primaries() {
            let by = Deadline::after(self.cluster.0.dialer.timeout);
            match self.cluster.query_node(&node, &command, by).await {
                Ok(answer) if is_importing(&answer) => importing.push(node),
                Err(fault) if fault.is_of_the_way() => return Err(fault),
                _ => {}
            }
        }
        Ok(importing)
    }
}

/// Whether the line of the node that was asked lists a slot that comes to it: `[77-<-...]`.
fn is_importing(nodes: &Value) -> bool {
    let text = match nodes {
        Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
        Value::VerbatimString { text, .. } => text.clone(),
        _ => return false,
    };
    text.lines().any(|line| line.contains("myself") && line.contains("-<-"))
}
