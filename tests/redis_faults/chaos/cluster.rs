//! A cluster of three primaries, each with a replica. Clients and replicas reach each node through
//! a proxy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::super::Test;
use super::super::load::{Load, counters};
use super::super::proxy::Proxy;
use super::super::redis_server::{RedisCluster, RedisServer};
use super::{COUNTERS, TASKS, ends_well, is_over, options, pause, seeded, waiting};

const PATIENCE: Duration = Duration::from_secs(60);

struct Proxied {
    cluster: RedisCluster,
    /// In the order of the nodes.
    proxies: Vec<Proxy>,
}

impl Proxied {
    fn start() -> Self {
        let proxies: Vec<Proxy> = (0..6).map(|_| Proxy::start(0)).collect();
        let node = |proxy: &Proxy| {
            let port = proxy.port().to_string();
            let durable = ["--appendonly", "yes", "--appendfsync", "always"];
            let node = RedisServer::start_node(&[&["--cluster-announce-port", &port], &durable[..]].concat());
            proxy.lead_to(node.port());
            node
        };
        let nodes = proxies.iter().map(node).collect();
        let ports: Vec<u16> = proxies.iter().map(Proxy::port).collect();
        let proxied = Self { cluster: RedisCluster::of(nodes, &ports, &[]), proxies };
        proxied.repair();
        proxied
    }

    fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", self.proxies[0].port(), self.proxies[1].port())
    }

    fn node(&self, place: usize) -> &RedisServer {
        &self.cluster.nodes[place]
    }

    /// What a node says of itself: a primary how much it has written, a replica whom it follows by
    /// which port, and how much of that it has.
    fn role(&self, place: usize) -> Role {
        let told = self.node(place).cli(&["--raw", "ROLE"]);
        let lines: Vec<&str> = told.lines().collect();
        let number = |line: usize| lines.get(line).and_then(|line| line.parse::<u64>().ok()).unwrap_or(0);
        match lines.first() {
            Some(&"master") => Role::Primary { written: number(1) },
            _ => Role::Replica { of: number(2), has: number(4) },
        }
    }

    fn places(&self, is_primary: bool) -> Vec<usize> {
        let is_wanted = |place: &usize| matches!(self.role(*place), Role::Primary { .. }) == is_primary;
        (0..self.proxies.len()).filter(is_wanted).collect()
    }

    /// Waits until the cluster is whole and each replica has what its primary has now.
    fn repair(&self) {
        let begin = Instant::now();
        let wait = || {
            assert!(begin.elapsed() < PATIENCE, "{}", self.node(0).cli(&["CLUSTER", "NODES"]));
            std::thread::sleep(Duration::from_millis(50));
        };
        while !self.cluster.is_whole() {
            wait();
        }
        let mut written = HashMap::new();
        for place in self.places(true) {
            if let Role::Primary { written: amount } = self.role(place) {
                written.insert(u64::from(self.proxies[place].port()), amount);
            }
        }
        for place in self.places(false) {
            let is_behind = |role| match role {
                Role::Replica { of, has } => written.get(&of).is_some_and(|written| has < *written),
                Role::Primary { .. } => false,
            };
            while is_behind(self.role(place)) {
                wait();
            }
        }
    }

    /// One fault, and its repair. `primary` and `replica` are among those that there are.
    fn suffer(&mut self, kind: u8, [primary, replica]: [usize; 2], time: Duration) {
        let (primaries, replicas) = (self.places(true), self.places(false));
        let other = primaries[(primary + 1) % primaries.len()];
        let (primary, replica) = (primaries[primary % primaries.len()], replicas[replica % replicas.len()]);
        match kind {
            // It may come back before it is replaced, or after that.
            0 => self.is_away(primary, time * 2),
            1 => self.is_away(replica, time),
            2 => {
                let _frozen = self.node(primary).freeze();
                std::thread::sleep(time * 2);
            }
            3 => {
                let _frozen = self.node(replica).freeze();
                std::thread::sleep(time);
            }
            4 => {
                self.proxies[primary].part();
                std::thread::sleep(time);
                self.proxies[primary].heal();
            }
            5 => drop(self.node(replica).cli(&["CLUSTER", "FAILOVER"])),
            6 => self.cluster.reshard(self.node(primary), self.node(other), 40),
            _ => drop(self.node(primary).cli(&["CLIENT", "KILL", "TYPE", "normal"])),
        }
        self.repair();
    }

    fn is_away(&mut self, place: usize, time: Duration) {
        self.cluster.nodes[place].kill();
        std::thread::sleep(time);
        self.cluster.nodes[place].restart();
    }
}

enum Role {
    Primary { written: u64 },
    Replica { of: u64, has: u64 },
}

async fn suffers(mut proxied: Proxied, random: &mut Rng) -> Result<Proxied, Box<dyn std::error::Error>> {
    let (kind, places) = (random.u8(0..8), [random.usize(0..3), random.usize(0..3)]);
    let time = Duration::from_millis(random.u64(50..1_500));
    let suffering = tokio::task::spawn_blocking(move || {
        proxied.suffer(kind, places, time);
        proxied
    });
    Ok(suffering.await?)
}

/// Writes wait for the replica, so nothing that was acknowledged is lost to a failover.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_loses_nothing_that_a_replica_confirmed() -> Test {
    let mut random = seeded();
    let mut proxied = tokio::task::spawn_blocking(Proxied::start).await?;
    let connection = counters(options().connect(&proxied.url()).await?);
    let load = Load::start(&waiting(&proxied.url()).await?, TASKS, COUNTERS);
    let calm = load.every_task_goes_on(1).await?;
    let (begin, mut faults) = (Instant::now(), 0);
    while faults == 0 || !is_over(begin) {
        proxied = suffers(proxied, &mut random).await?;
        faults += 1;
        pause(&mut random, 600).await;
    }
    println!("{faults} faults");
    ends_well(load, &connection, calm).await.map(drop)
}

/// Without a failover, which may lose what the replica does not have: `failover` counts that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_loses_nothing() -> Test {
    let mut random = seeded();
    let cluster = Arc::new(RedisCluster::start());
    let connection = counters(options().connect(&cluster.url()).await?);
    let load = Load::start(std::slice::from_ref(&connection), TASKS, COUNTERS);
    let calm = load.every_task_goes_on(1).await?;
    let begin = Instant::now();
    while !is_over(begin) {
        let (one, other) = (random.usize(0..3), random.usize(1..3));
        let kind = random.u8(0..3);
        let milliseconds = random.u64(50..400);
        let cluster = Arc::clone(&cluster);
        let fault = move || {
            let primaries: Vec<&RedisServer> = cluster.primaries().collect();
            match kind {
                0 => drop(primaries[one].cli(&["CLIENT", "KILL", "TYPE", "normal"])),
                1 => {
                    let _frozen = primaries[one].freeze();
                    std::thread::sleep(Duration::from_millis(milliseconds));
                }
                _ => cluster.reshard(primaries[one], primaries[(one + other) % 3], 40),
            }
        };
        tokio::task::spawn_blocking(fault).await?;
        pause(&mut random, 600).await;
    }
    ends_well(load, &connection, calm).await.map(drop)
}
