//! A primary and its replica, which a sentinel watches. All of them reach each server through its
//! proxy.
//!
//! Writes wait for the replica, so nothing that was acknowledged is lost, whichever server is the
//! primary at the end.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::super::Test;
use super::super::load::{Load, counters};
use super::super::proxy::Proxy;
use super::super::redis_server::RedisServer;
use super::{COUNTERS, TASKS, ends_well, is_over, options, pause, seeded, waiting};

struct Watched {
    servers: [RedisServer; 2],
    /// In the order of the servers.
    proxies: [Proxy; 2],
    sentinel: RedisServer,
}

impl Watched {
    fn start() -> Self {
        let proxies = [0; 2].map(Proxy::start);
        let servers = proxies.each_ref().map(|proxy| {
            let port = proxy.port().to_string();
            let durable = ["--appendonly", "yes", "--appendfsync", "always"];
            let server =
                RedisServer::start_with(&[&["--replica-announce-port", &port], &durable[..]].concat());
            proxy.lead_to(server.port());
            server
        });
        let sentinel = RedisServer::start_sentinel(proxies[0].port());
        let watched = Self { servers, proxies, sentinel };
        watched.repair();
        watched
    }

    fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/mymaster", self.sentinel.port())
    }

    fn port(&self, place: usize) -> String {
        self.proxies[place].port().to_string()
    }

    /// The place of the primary, as the sentinel knows it.
    fn primary(&self) -> usize {
        let told = self.sentinel.cli(&["--raw", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]);
        usize::from(told.lines().nth(1) == Some(&self.port(1)))
    }

    /// Waits until the primary has the other one as its replica and the sentinel knows it. Makes a
    /// replica of a former primary that has come back, as operators do.
    fn repair(&self) {
        let begin = Instant::now();
        loop {
            let place = self.primary();
            let (primary, replica) = (&self.servers[place], &self.servers[1 - place]);
            let role = |server: &RedisServer| server.cli(&["--raw", "ROLE"]);
            let follows = role(replica);
            let knows = self.sentinel.cli(&["SENTINEL", "REPLICAS", "mymaster"]);
            let is_whole = role(primary).starts_with("master")
                && follows.contains(&self.port(place))
                && follows.contains("connected")
                && knows.contains(&self.port(1 - place))
                && !knows.contains("s_down")
                && !knows.contains("disconnected");
            if is_whole {
                return;
            }
            if role(primary).starts_with("master") && follows.starts_with("master") {
                replica.cli(&["REPLICAOF", "127.0.0.1", &self.port(place)]);
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{} and {follows}; {knows}", role(primary));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// One fault, and its repair.
    fn suffer(&mut self, kind: u8, milliseconds: u64) {
        let time = Duration::from_millis(milliseconds);
        let primary = self.primary();
        match kind {
            // It may come back before it is replaced, or after that.
            0 => {
                self.servers[primary].kill();
                std::thread::sleep(time);
                self.servers[primary].restart();
            }
            1 => {
                self.servers[primary].kill();
                let begin = Instant::now();
                while self.primary() == primary {
                    assert!(begin.elapsed() < Duration::from_secs(30), "nobody took over");
                    std::thread::sleep(Duration::from_millis(50));
                }
                let port = self.port(1 - primary);
                self.servers[primary].restart_with(&["--replicaof", "127.0.0.1", &port]);
            }
            2 => {
                let _frozen = self.servers[primary].freeze();
                std::thread::sleep(time * 2);
            }
            3 => {
                let replica = &mut self.servers[1 - primary];
                replica.kill();
                std::thread::sleep(time);
            }
            4 => {
                let _frozen = self.servers[1 - primary].freeze();
                std::thread::sleep(time);
            }
            5 => drop(self.sentinel.cli(&["SENTINEL", "FAILOVER", "mymaster"])),
            6 => {
                self.sentinel.kill();
                std::thread::sleep(time);
                self.sentinel.restart();
            }
            7 => {
                self.proxies[primary].part();
                std::thread::sleep(time * 2);
                self.proxies[primary].heal();
            }
            _ => drop(self.servers[primary].cli(&["CLIENT", "KILL", "TYPE", "normal"])),
        }
        if kind == 3 {
            let port = self.port(primary);
            self.servers[1 - primary].restart_with(&["--replicaof", "127.0.0.1", &port]);
        }
        self.repair();
    }
}

async fn suffers(mut watched: Watched, random: &mut Rng) -> Result<Watched, Box<dyn std::error::Error>> {
    let (kind, milliseconds) = (random.u8(0..9), random.u64(50..1_200));
    let suffering = tokio::task::spawn_blocking(move || {
        watched.suffer(kind, milliseconds);
        watched
    });
    Ok(suffering.await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_sentinels_primary_loses_nothing_that_a_replica_confirmed() -> Test {
    let mut random = seeded();
    let mut watched = tokio::task::spawn_blocking(Watched::start).await?;
    let connection = counters(options().connect(&watched.url()).await?);
    let load = Load::start(&waiting(&watched.url()).await?, TASKS, COUNTERS);
    let calm = load.every_task_goes_on(1).await?;
    let (begin, mut faults) = (Instant::now(), 0);
    // At least one of them.
    while faults == 0 || !is_over(begin) {
        watched = suffers(watched, &mut random).await?;
        faults += 1;
        pause(&mut random, 600).await;
    }
    println!("{faults} faults");
    ends_well(load, &connection, calm).await.map(drop)
}
