//! Which node has which slots.

use redis::Value;

use crate::server::{Address, Link};

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// The owner of a slot that no node serves.
const NOBODY: u16 = u16::MAX;

/// The slots of a cluster, from the answer of one of its nodes.
#[derive(Clone)]
pub(super) struct Map {
    /// By slot: the place of its primary.
    owners: Box<[u16]>,
    primaries: Vec<Node>,
    replicas: Vec<Address>,
}

#[derive(Clone)]
struct Node {
    address: Address,
    link: Link,
}

impl Map {
    pub(super) fn empty() -> Self {
        Self { owners: vec![NOBODY; usize::from(SLOTS)].into(), primaries: Vec::new(), replicas: Vec::new() }
    }

    /// Reads the answer of a node to `CLUSTER SLOTS`; nothing if it names no primary.
    pub(super) fn parse(
        answer: &Value,
        asked: &Address,
        mut link: impl FnMut(&Address) -> Link,
    ) -> Option<Self> {
        let mut map = Self::empty();
        for range in answer.as_sequence()? {
            let [Value::Int(first), Value::Int(last), primary, replicas @ ..] = range.as_sequence()? else {
                return None;
            };
            let index = map.place_of(address_of(primary, asked)?, &mut link);
            let (first, last) = (usize::try_from(*first).ok()?, usize::try_from(*last).ok()?);
            map.owners.get_mut(first..=last)?.fill(index);
            for replica in replicas.iter().filter_map(|replica| address_of(replica, asked)) {
                if !map.replicas.contains(&replica) {
                    map.replicas.push(replica);
                }
            }
        }
        (!map.primaries.is_empty()).then_some(map)
    }

    /// The same map with one slot on another node.
    pub(super) fn moved(&self, slot: u16, to: Address, mut link: impl FnMut(&Address) -> Link) -> Self {
        let mut map = self.clone();
        let index = map.place_of(to, &mut link);
        if let Some(owner) = map.owners.get_mut(usize::from(slot)) {
            *owner = index;
        }
        map
    }

    /// The primary that has a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<(&Address, &Link)> {
        let index = *self.owners.get(usize::from(slot))?;
        let node = self.primaries.get(usize::from(index))?;
        Some((&node.address, &node.link))
    }

    /// The primaries that have slots.
    pub(super) fn primaries(&self) -> Vec<Address> {
        let mut has_slots = vec![false; self.primaries.len()];
        for owner in &self.owners {
            if let Some(has) = has_slots.get_mut(usize::from(*owner)) {
                *has = true;
            }
        }
        self.primaries
            .iter()
            .zip(has_slots)
            .filter(|(_, has)| *has)
            .map(|(node, _)| node.address.clone())
            .collect()
    }

    /// Every node that is known.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Address> {
        self.primaries.iter().map(|node| &node.address).chain(&self.replicas)
    }

    /// Which slots a node has.
    pub(super) fn slots_of(&self, node: &Address) -> Vec<bool> {
        let index = self.primaries.iter().position(|known| known.address == *node);
        self.owners.iter().map(|owner| Some(usize::from(*owner)) == index).collect()
    }

    fn place_of(&mut self, address: Address, link: &mut impl FnMut(&Address) -> Link) -> u16 {
        let known = self.primaries.iter().position(|node| node.address == address);
        let index = known.unwrap_or_else(|| {
            let link = link(&address);
            self.primaries.push(Node { address, link });
            self.primaries.len() - 1
        });
        u16::try_from(index).unwrap_or(NOBODY)
    }
}

/// The address of a node. One that does not know its own host is where it was asked.
fn address_of(node: &Value, asked: &Address) -> Option<Address> {
    let [host, Value::Int(port), ..] = node.as_sequence()? else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8_lossy(host).into_owned(),
        Value::SimpleString(host) => host.clone(),
        _ => String::new(),
    };
    let host = if host.is_empty() || host == "?" { asked.host().to_owned() } else { host };
    Some(Address::tcp(host, u16::try_from(*port).ok()?))
}
