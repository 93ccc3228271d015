//! An example that serves HTTP, as a process: started on a free port, driven from outside, and stopped by Ctrl-C.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::binary;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

pub struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
    said: String,
}

impl Server {
    /// Starts the example, and waits until it says where it listens.
    pub fn start<A: AsRef<OsStr>>(example: &str, options: impl IntoIterator<Item = A>) -> Result<Self> {
        let mut process = Command::new(binary(example)?)
            .args(["--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().ok_or("there is no output")?);
        let mut said = String::new();
        loop {
            let line = said.len();
            if stdout.read_line(&mut said)? == 0 {
                return Err(format!("it does not say where it listens: {said}").into());
            }
            let Some(rest) = said[line..].strip_prefix("listening on ") else { continue };
            let url = rest.split(',').next().unwrap_or_default().to_owned();
            return Ok(Self { process, stdout, url, said });
        }
    }

    /// What it printed on its way up.
    pub fn said(&self) -> &str {
        &self.said
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Stops it as Ctrl-C does. It ends well, says so, and has complained about nothing.
    pub fn stop(self) -> Result {
        assert_eq!(self.stop_with_complaints()?, "");
        Ok(())
    }

    /// Stops it, and gives what it has complained about.
    pub fn stop_with_complaints(mut self) -> Result<String> {
        // The shell's own `kill`: the program of that name is not everywhere.
        let kill = format!("kill -INT {}", self.process.id());
        let signalled = Command::new("sh").args(["-c", &kill]).status()?;
        assert!(signalled.success());
        let (mut said, mut complaints) = (String::new(), String::new());
        self.stdout.read_to_string(&mut said)?;
        self.process.stderr.take().ok_or("there is no stderr")?.read_to_string(&mut complaints)?;
        let status = self.process.wait()?;
        assert!(status.success() && said.ends_with("stopped\n"), "{status}: {said}{complaints}");
        Ok(complaints)
    }
}

impl Drop for Server {
    /// What is left of it if a test fails before `stop`.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
