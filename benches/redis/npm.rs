//! npm's libraries, each in a separate process that works on command.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::profile::Profile;
use crate::support::{Result, target_dir};

/// A process of Node that has users in the server and reads them.
pub struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(library: &str, port: u16, users: usize) -> Result<Self> {
        let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-bench-peers");
        if !Command::new(install).status()?.success() {
            return Err("scripts/install-bench-peers failed".into());
        }
        let mut process = Command::new("node")
            .arg(target_dir().join("bench-peers/peer.mjs"))
            .args([library, &port.to_string(), &users.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("it has an input")?;
        let output = BufReader::new(process.stdout.take().ok_or("it has an output")?);
        let mut peer = Self { process, input, output };
        match peer.ask(&serde_json::to_string(&Profile::sample(7))?)?.as_str() {
            "ready" => Ok(peer),
            told => Err(format!("{library}: {told}").into()),
        }
    }

    /// Has it read so many users, and gives how many nanoseconds each took.
    pub fn reads(&mut self, reads: usize) -> Result<f64> {
        Ok(self.ask(&reads.to_string())?.parse()?)
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.input, "{line}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have crashed already.
        drop(self.process.kill().and_then(|()| self.process.wait()));
    }
}
