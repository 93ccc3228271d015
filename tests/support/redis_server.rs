//! Servers for tests: Redis, or the program that `REDIS_SERVER` names. Each listens on a free port
//! of 127.0.0.1, has its own data directory, and ends with its handle.
//!
//! For a test that needs one: `#[path = "../support/redis_server.rs"] mod redis_server;`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// One server, and its process.
pub struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    process: Child,
}

/// How often a server is started on another port, if somebody else was faster there.
const STARTS: u32 = 5;

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

impl RedisServer {
    /// A server that keeps nothing on the disk.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A sentinel that watches the server on this port as `mymaster`, and has it replaced by itself
    /// when it was silent for half a second.
    pub fn start_sentinel(primary: u16) -> Self {
        Self::start_sentinel_with(primary, &[])
    }

    /// The same with further options.
    pub fn start_sentinel_with(primary: u16, arguments: &[&str]) -> Self {
        let lines = [
            format!("sentinel monitor mymaster 127.0.0.1 {primary} 1"),
            "sentinel down-after-milliseconds mymaster 500".to_owned(),
            "sentinel failover-timeout mymaster 2000".to_owned(),
        ];
        Self::start_as(
            Some(lines.join("\n")),
            arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        )
    }

    /// A server with further options, such as `["--maxmemory", "8mb"]`.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_as(None, arguments.iter().map(|argument| (*argument).to_owned()).collect())
    }

    fn start_as(sentinel: Option<String>, mut arguments: Vec<String>) -> Self {
        let directory = tempfile::tempdir().expect("there is room for files");
        match sentinel {
            Some(lines) => {
                let file = directory.path().join("sentinel.conf");
                std::fs::write(&file, lines + "\n").expect("there is room for files");
                arguments.splice(0..0, [file.display().to_string(), "--sentinel".to_owned()]);
            }
            None => arguments.splice(0..0, ["--save".to_owned(), String::new()]).for_each(drop),
        }
        for _ in 0..STARTS {
            let port = free_port();
            let mut process = spawn(port, directory.path(), &arguments);
            if answers(port, &mut process) {
                return Self { port, arguments, directory, process };
            }
        }
        panic!("redis-server did not start with {arguments:?}");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of one of its 16 databases.
    pub fn url(&self, database: usize) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    /// What `redis-cli` answers to a command.
    pub fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    /// Kills the server without a word, as a crash does.
    pub fn kill(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("the server can be stopped");
    }

    /// Stops the server's process until the handle is gone: it answers nothing, and its connections
    /// stay.
    pub fn freeze(&self) -> Frozen {
        let process = self.process.id();
        signal("-STOP", process);
        Frozen { process }
    }

    /// Starts it again on the same port, with what it has on its disk.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same with further options, for this time.
    pub fn restart_with(&mut self, more: &[&str]) {
        let more = more.iter().map(|argument| (*argument).to_owned());
        let arguments: Vec<String> = self.arguments.iter().cloned().chain(more).collect();
        self.process = spawn(self.port, self.directory.path(), &arguments);
        assert!(answers(self.port, &mut self.process), "redis-server did not start again");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have been killed by the test.
        drop(self.process.kill().and_then(|()| self.process.wait()));
    }
}

/// A server that answers nothing.
pub struct Frozen {
    process: u32,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", self.process);
    }
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "{process} gets no {name}");
}

/// A cluster of three primaries, each with one replica.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts it, and waits until every node knows every other.
    pub fn start() -> Self {
        let nodes: Vec<RedisServer> = (0..6).map(|_| RedisServer::start_node(&[])).collect();
        let ports: Vec<u16> = nodes.iter().map(RedisServer::port).collect();
        Self::of(nodes, &ports, &[])
    }

    /// Makes a cluster of six nodes, which listen on these ports, by `redis-cli` with these
    /// options.
    pub fn of(nodes: Vec<RedisServer>, ports: &[u16], options: &[&str]) -> Self {
        let addresses: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let mut create = options.to_vec();
        create.extend(["--cluster", "create"]);
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        let created = cli(*ports.first().expect("there are six"), &create);
        let cluster = Self { nodes };
        wait_until("the cluster is whole", || cluster.is_whole(), &created);
        cluster
    }

    /// Whether every node knows every other, and each primary has its replica.
    pub fn is_whole(&self) -> bool {
        self.nodes.iter().all(RedisServer::is_in_whole_cluster)
    }

    /// The URL of the cluster, by two of its nodes.
    pub fn url(&self) -> String {
        let [first, second, ..] = self.nodes.as_slice() else { panic!("a cluster has six nodes") };
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", first.port, second.port)
    }

    /// The nodes that are primaries now.
    pub fn primaries(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.cli(&["ROLE"]).starts_with("master"))
    }

    /// What `redis-cli` answers to a command, which is sent where its key lies.
    pub fn cli(&self, arguments: &[String]) -> String {
        let [first, ..] = self.nodes.as_slice() else { panic!("a cluster has six nodes") };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        first.cli(&[&["-c"], &arguments[..]].concat())
    }

    /// Moves so many slots with their keys from one primary to another, by `redis-cli`.
    pub fn reshard(&self, from: &RedisServer, to: &RedisServer, slots: usize) {
        let id = |node: &RedisServer| node.cli(&["CLUSTER", "MYID"]).trim().to_owned();
        let (address, slots) = (format!("127.0.0.1:{}", from.port), slots.to_string());
        let (from_id, to_id) = (id(from), id(to));
        let moved = from.cli(&[
            "--cluster",
            "reshard",
            &address,
            "--cluster-from",
            &from_id,
            "--cluster-to",
            &to_id,
            "--cluster-slots",
            &slots,
            "--cluster-yes",
        ]);
        assert!(moved.contains("Moving slot"), "{moved}");
    }

    /// Removes all data.
    pub fn flush(&self) {
        for primary in self.primaries() {
            primary.cli(&["FLUSHALL"]);
        }
    }
}

impl RedisServer {
    /// A server that waits to be a node of a cluster.
    pub fn start_node(arguments: &[&str]) -> Self {
        let bus = free_port().to_string();
        let node =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", bus.as_str()];
        Self::start_with(&[&node, arguments].concat())
    }

    fn is_in_whole_cluster(&self) -> bool {
        let info = self.cli(&["CLUSTER", "INFO"]);
        let nodes = self.cli(&["CLUSTER", "NODES"]);
        // Its replication is up, too.
        let role = self.cli(&["ROLE"]);
        let follows = role.starts_with("master") && role.lines().count() > 3 || role.contains("connected");
        info.contains("cluster_state:ok")
            && info.contains("cluster_known_nodes:6")
            && nodes.matches("slave").count() == 3
            && follows
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool, otherwise: &str) {
    let tries = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..tries {
        if holds() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("after {PATIENCE:?} it does not hold that {what}: {otherwise}");
}

/// A port that nobody listened on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
    listener.local_addr().expect("it is bound").port()
}

fn spawn(port: u16, directory: &Path, arguments: &[String]) -> Child {
    // A file of options comes first.
    Command::new(program())
        .args(arguments)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed; scripts/install-redis installs it")
}

/// The server's program: Redis, unless the environment names another one, such as Valkey.
fn program() -> String {
    std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

/// Whether the server answers before it ends.
fn answers(port: u16, process: &mut Child) -> bool {
    let tries = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..tries {
        if matches!(process.try_wait(), Ok(Some(_))) {
            return false;
        }
        let answer = cli(port, &["PING"]);
        // One that wants a password answers, too.
        if answer.starts_with("PONG") || answer.starts_with("NOAUTH") {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    false
}

fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(arguments)
        .output()
        .expect("redis-cli is installed; scripts/install-redis installs it");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
