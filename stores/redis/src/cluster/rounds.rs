//! The order in which all primaries are walked, so that no key is missed while slots move.
//!
//! A key that moves while its old node and its new one are walked may be seen on neither. So a node
//! that has got slots since its walk began is walked again, and one that is getting some is walked
//! after all others, since keys only come to it.

use std::collections::HashMap;
use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};

use super::map::SLOTS;
use super::nodes::Cluster;
use crate::error::{Fault, SLOTS_MOVED};
use crate::server::{Address, Deadline};

/// How long nodes are walked again before the call fails, after all were walked once.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long is waited before nodes are walked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Rounds<'a> {
    cluster: &'a Cluster,
    /// How long a node may take to say what it has.
    timeout: Duration,
    /// The nodes that are to be walked, from the last one to the first.
    left: Vec<Address>,
    /// What each node has had since its last walk began.
    walked: HashMap<Address, View>,
    /// Whether the walk of the node has begun that is the last of those that are left.
    is_begun: bool,
    /// What each node had when this round began.
    now: HashMap<Address, View>,
    /// Until when the nodes are walked again.
    by: Option<Deadline>,
    pause: Duration,
}

/// What a primary says of itself. What other nodes say of it may be older.
struct View {
    slots: Vec<bool>,
    is_importing: bool,
}

impl<'a> Rounds<'a> {
    pub(crate) async fn begin(cluster: &'a Cluster, timeout: Duration) -> Result<Self, Fault> {
        let now = views(cluster, timeout).await?;
        let nodes = now.keys().cloned().collect();
        let (left, walked) = (Vec::new(), HashMap::new());
        let (is_begun, by, pause) = (false, None, FIRST_PAUSE);
        let mut rounds = Self { cluster, timeout, left, walked, is_begun, now, by, pause };
        rounds.plan(nodes);
        Ok(rounds)
    }

    /// The node that is walked now, and the cluster; nothing when all keys were seen.
    pub(crate) async fn node(&mut self) -> Result<Option<(&'a Cluster, &Address)>, Fault> {
        if self.left.is_empty() && !self.next_round().await? {
            return Ok(None);
        }
        let Some(node) = self.left.last() else { return Ok(None) };
        if !self.is_begun {
            // Only who was getting slots before all walks of this round is walked behind those that
            // they come from.
            let is_importing = self.now.get(node).is_some_and(|view| view.is_importing);
            let view = view(self.cluster, node, self.timeout).await?;
            self.walked.insert(node.clone(), View { is_importing, ..view });
            self.is_begun = true;
        }
        Ok(Some((self.cluster, node)))
    }

    /// Goes on to the next node.
    pub(crate) async fn node_is_done(&mut self) -> Result<(), Fault> {
        if let Some(node) = self.left.pop() {
            self.is_begun = false;
            let now = view(self.cluster, &node, self.timeout).await?;
            if let Some(walked) = self.walked.get_mut(&node) {
                walked.lose(&now);
            }
        }
        Ok(())
    }

    /// Has nodes walked. Those that are getting slots come last.
    fn plan(&mut self, mut nodes: Vec<Address>) {
        nodes.sort_by_key(|node| self.now.get(node).is_none_or(|view| !view.is_importing));
        self.left = nodes;
    }

    /// Whether there is another round, for the nodes to which keys may have moved behind the walk.
    async fn next_round(&mut self) -> Result<bool, Fault> {
        self.now = views(self.cluster, self.timeout).await?;
        let mut again = Vec::new();
        for (node, now) in &self.now {
            match self.walked.get_mut(node) {
                Some(walked) if walked.covers(now) => walked.lose(now),
                _ => again.push(node.clone()),
            }
        }
        if again.is_empty() {
            return Ok(false);
        }
        let by = *self.by.get_or_insert_with(|| Deadline::after(PATIENCE));
        if !by.pause(self.pause).await {
            return Err(Fault::unsent(RedisError::from((ErrorKind::ClusterConnectionNotFound, SLOTS_MOVED))));
        }
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        self.plan(again);
        Ok(true)
    }
}

impl View {
    /// Forgets the slots that the node has no more. If they come back, other keys may lie there.
    fn lose(&mut self, now: &Self) {
        for (has, now) in self.slots.iter_mut().zip(&now.slots) {
            *has &= *now;
        }
    }

    /// Whether nothing has come to the node since this view that its walk may have missed.
    fn covers(&self, now: &Self) -> bool {
        let has_gained = self.slots.iter().zip(&now.slots).any(|(before, now)| *now && !before);
        !has_gained && (self.is_importing || !now.is_importing)
    }

    /// Reads the line of the node that was asked:
    /// `... myself,master ... connected 0-99 500 [77-<-...]`.
    fn parse(nodes: &Value) -> Option<Self> {
        let text = match nodes {
            Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
            Value::VerbatimString { text, .. } => text.clone(),
            _ => return None,
        };
        let line = text.lines().find(|line| line.contains("myself"))?;
        let mut view = Self { slots: vec![false; usize::from(SLOTS)], is_importing: false };
        for word in line.split_whitespace().skip(8) {
            if word.starts_with('[') {
                view.is_importing |= word.contains("-<-");
                continue;
            }
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            view.slots.get_mut(first.parse().ok()?..=last.parse().ok()?)?.fill(true);
        }
        Some(view)
    }
}

/// What every primary has now.
async fn views(cluster: &Cluster, timeout: Duration) -> Result<HashMap<Address, View>, Fault> {
    let mut views = HashMap::new();
    for node in cluster.fresh_map(timeout).await?.primaries() {
        let view = view(cluster, &node, timeout).await?;
        views.insert(node, view);
    }
    Ok(views)
}

/// What a primary has now. Of one that may not be asked, what another one has said last.
async fn view(cluster: &Cluster, node: &Address, timeout: Duration) -> Result<View, Fault> {
    let mut command = redis::cmd("CLUSTER");
    command.arg("NODES");
    let by = Deadline::after(timeout);
    let said = match cluster.query_node(node, &command, by).await {
        Ok(answer) => View::parse(&answer),
        Err(fault) if fault.is_of_the_way() => return Err(fault),
        Err(_) => None,
    };
    Ok(said.unwrap_or_else(|| View { slots: cluster.map().slots_of(node), is_importing: false }))
}
