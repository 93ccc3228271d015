//! The order in which all primaries are walked, so that no key is missed while slots move.
//!
//! A key that moves while its old node and its new one are walked may be seen on neither. So a node is
//! walked again if it has slots of which not all keys have been seen. One that is getting some is walked
//! after all others, since keys only come to it.

use std::collections::HashMap;
use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};

use super::coverage::{Coverage, View};
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
    /// What the node had before its walk that is the last of those that are left.
    begun: Option<View>,
    coverage: Coverage,
    /// Until when the nodes are walked again.
    by: Option<Deadline>,
    pause: Duration,
}

impl<'a> Rounds<'a> {
    pub(crate) async fn begin(cluster: &'a Cluster, timeout: Duration) -> Result<Self, Fault> {
        let left = in_order(views(cluster, timeout).await?.into_iter().collect());
        let coverage = Coverage::of(usize::from(SLOTS));
        Ok(Self { cluster, timeout, left, begun: None, coverage, by: None, pause: FIRST_PAUSE })
    }

    /// The node that is walked now, and the cluster; nothing when all keys were seen.
    pub(crate) async fn node(&mut self) -> Result<Option<(&'a Cluster, &Address)>, Fault> {
        while self.left.is_empty() {
            if !self.next_round().await? {
                return Ok(None);
            }
        }
        let Some(node) = self.left.last() else { return Ok(None) };
        if self.begun.is_none() {
            self.begun = Some(view(self.cluster, node, self.timeout).await?);
        }
        Ok(Some((self.cluster, node)))
    }

    /// Goes on to the next node.
    pub(crate) async fn node_is_done(&mut self) -> Result<(), Fault> {
        if let (Some(node), Some(before)) = (self.left.pop(), self.begun.take()) {
            let after = view(self.cluster, &node, self.timeout).await?;
            self.coverage.walked(&node, &before, &after);
        }
        Ok(())
    }

    /// Whether there is another round, for the nodes to which keys may have moved behind the walk.
    async fn next_round(&mut self) -> Result<bool, Fault> {
        let mut now = views(self.cluster, self.timeout).await?;
        let map = self.cluster.map();
        let is_assigned = |slot: usize| u16::try_from(slot).is_ok_and(|slot| map.owner(slot).is_some());
        let Some(again) = self.coverage.missing(&now, is_assigned) else { return Ok(false) };
        let by = *self.by.get_or_insert_with(|| Deadline::after(PATIENCE));
        if !by.pause(self.pause).await {
            return Err(Fault::unsent(RedisError::from((ErrorKind::ClusterConnectionNotFound, SLOTS_MOVED))));
        }
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        now.retain(|node, _| again.contains(node));
        self.left = in_order(now.into_iter().collect());
        Ok(true)
    }
}

/// The nodes to be walked, from the last one to the first. Those that are getting slots come last.
fn in_order(mut nodes: Vec<(Address, View)>) -> Vec<Address> {
    nodes.sort_by_key(|(_, view)| view.importing.is_empty());
    nodes.into_iter().map(|(node, _)| node).collect()
}

impl View {
    /// Reads the line of the node that was asked:
    /// `... myself,master ... connected 0-99 500 [77-<-...] [78->-...]`.
    fn parse(nodes: &Value) -> Option<Self> {
        let text = match nodes {
            Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
            Value::VerbatimString { text, .. } => text.clone(),
            _ => return None,
        };
        let line = text.lines().find(|line| line.contains("myself"))?;
        let mut view = Self { owned: vec![false; usize::from(SLOTS)], ..Self::default() };
        for word in line.split_whitespace().skip(8) {
            if let Some(moving) = word.strip_prefix('[') {
                if let Some((slot, _)) = moving.split_once("-<-") {
                    view.importing.insert(slot.parse().ok()?);
                } else if let Some((slot, _)) = moving.split_once("->-") {
                    view.migrating.insert(slot.parse().ok()?);
                }
                continue;
            }
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            view.owned.get_mut(first.parse().ok()?..=last.parse().ok()?)?.fill(true);
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
    Ok(match said {
        Some(view) => view,
        None => View { owned: cluster.fresh_map(timeout).await?.slots_of(node), ..View::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_what_it_has_and_what_moves() {
        let nodes = "07c3 127.0.0.1:1@2 master - 0 1 2 connected 5461-10922\n\
                     a1b2 127.0.0.1:3@4 myself,master - 0 1 1 connected 0-2 7 [2->-07c3] [9-<-07c3]\n";
        let view = View::parse(&Value::BulkString(nodes.into())).expect("it is an answer");
        let owned: Vec<usize> = (0..usize::from(SLOTS)).filter(|slot| view.owned[*slot]).collect();
        assert_eq!(owned, [0, 1, 2, 7]);
        assert_eq!((view.migrating.contains(&2), view.importing.contains(&9)), (true, true));
        assert_eq!((view.migrating.len(), view.importing.len()), (1, 1));
        assert_eq!(View::parse(&Value::Nil), None);
    }
}
