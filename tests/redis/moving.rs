//! A slot of a cluster that moves while a test looks.

use super::redis_server::{RedisCluster, RedisServer};

/// A slot that goes from one primary to another.
pub(super) struct Moving<'a> {
    slot: String,
    from: &'a RedisServer,
    to: &'a RedisServer,
    primaries: Vec<&'a RedisServer>,
}

impl<'a> Moving<'a> {
    pub(super) fn of(cluster: &'a RedisCluster, key: &str) -> Self {
        let primaries: Vec<&RedisServer> = cluster.primaries().collect();
        let slot = primaries[0].cli(&["CLUSTER", "KEYSLOT", key]).trim().to_owned();
        let has = |node: &&&RedisServer| {
            node.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).lines().any(|found| found == key)
        };
        let from = *primaries.iter().find(has).expect("one of them has the key");
        let to = *primaries.iter().find(|node| node.port() != from.port()).expect("there are three");
        Self { slot, from, to, primaries }
    }

    fn set(&self, node: &RedisServer, state: &str, other: &RedisServer) {
        let id = other.cli(&["CLUSTER", "MYID"]);
        let set = node.cli(&["CLUSTER", "SETSLOT", &self.slot, state, id.trim()]);
        assert_eq!(set.trim(), "OK");
    }

    pub(super) fn begin(&self) {
        self.set(self.to, "IMPORTING", self.from);
        self.set(self.from, "MIGRATING", self.to);
    }

    /// Moves the keys one after the other, and then gives the slot to its new node.
    pub(super) fn end(&self) {
        let port = self.to.port().to_string();
        loop {
            let keys = self.from.cli(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "100"]);
            let keys: Vec<&str> = keys.lines().filter(|key| !key.is_empty()).collect();
            for key in &keys {
                let moved = self.from.cli(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
                // It may have been deleted meanwhile.
                assert!(matches!(moved.trim(), "OK" | "NOKEY"), "{moved}");
            }
            if keys.is_empty() {
                break;
            }
        }
        // The new node first: it must not lose the slot to what the others still say.
        for node in [self.to, self.from].into_iter().chain(self.primaries.iter().copied()) {
            self.set(node, "NODE", self.to);
        }
    }
}
