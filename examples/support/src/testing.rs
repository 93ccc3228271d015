//! Runs an example as a process, for its tests.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Returns what a program prints. It is an error if the program fails or writes to stderr.
pub fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Result<String> {
    let Output { status, stdout, stderr } = Command::new(program).args(args).output()?;
    let stderr = String::from_utf8_lossy(&stderr);
    if !status.success() || !stderr.is_empty() {
        return Err(format!("{program}: {status}\n{stderr}").into());
    }
    Ok(String::from_utf8(stdout)?)
}

/// Asserts that a program prints the block ` ```text ` in the header of its source.
pub fn prints_its_header(program: &str, source: &str) -> Result {
    is_its_header(&run(program, [""; 0])?, source);
    Ok(())
}

/// Asserts that what a program printed is the block ` ```text ` in the header of its source. There
/// `...` matches any text, also whole lines. A blank line at the beginning does not count.
#[track_caller]
pub fn is_its_header(printed: &str, source: &str) {
    let header: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let block = header.iter().skip_while(|line| **line != " ```text").skip(1);
    let block = block.take_while(|line| **line != " ```").map(|line| line.strip_prefix(' ').unwrap_or(line));
    let expected: String = block.flat_map(|line| [line, "\n"]).collect();
    assert!(!expected.is_empty(), "the header shows no output");
    let printed = printed.trim_start();
    let parts: Vec<&str> = expected.split("...").collect();
    let [first, between @ .., last] = &parts[..] else {
        assert_eq!(printed, expected);
        return;
    };
    let rest = printed.strip_prefix(first);
    let mut rest = rest.unwrap_or_else(|| panic!("{first:?} does not begin:\n{printed}"));
    for part in between {
        let at = rest.find(part).unwrap_or_else(|| panic!("there is no {part:?} in what is left:\n{rest}"));
        rest = &rest[at + part.len()..];
    }
    assert!(rest.ends_with(last), "{last:?} does not end:\n{rest}");
}

/// Asserts that each of these texts was printed.
#[track_caller]
pub fn shows(printed: &str, texts: &[&str]) {
    for text in texts {
        assert!(printed.contains(text), "there is no {text:?} in:\n{printed}");
    }
}

/// Asserts that an example runs on the stores that need no server, and refuses what it does not
/// know.
pub fn runs_on_any_store(program: &str, directory: &Path) -> Result {
    run(program, ["--store", "memory:"])?;
    run(program, ["--store", &format!("redb:{}", directory.join("with-a-scheme").display())])?;
    run(program, [directory.join("path-alone.redb")])?;
    let refused = run(program, ["--store", "nowhere:"]).unwrap_or_else(|error| error.to_string());
    shows(&refused, &["there is no store of this scheme"]);
    says_its_usage(program, "[--store URL | FILE], such as `--store memory:` or `app.redb`", "--sotre")
}

/// Asserts that `--help` prints the line of usage alone, and that an argument which is wrong is
/// answered with it on stderr.
pub fn says_its_usage(program: &str, arguments: &str, wrong: &str) -> Result {
    let name = Path::new(program).file_stem().unwrap_or_default().display();
    let line = format!("usage: cargo run -p {name} -- {arguments}\n");
    assert_eq!(run(program, ["--help"])?, line);
    let Output { status, stdout, stderr } = Command::new(program).arg(wrong).output()?;
    assert_eq!((status.code(), stdout, String::from_utf8(stderr)?), (Some(2), Vec::new(), line));
    Ok(())
}

/// An example that serves HTTP: started on a free port, and stopped by Ctrl-C.
pub struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
    said: String,
}

impl Server {
    /// Starts the program, and waits until it prints where it listens.
    pub fn start<A: AsRef<OsStr>>(program: &str, options: impl IntoIterator<Item = A>) -> Result<Self> {
        let mut process = Command::new(program)
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

    /// Returns what it printed while it started.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Returns the URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Stops it as Ctrl-C does. Asserts that it ends well and wrote nothing to stderr.
    pub fn stop(self) -> Result {
        assert_eq!(self.stop_with_complaints()?, "");
        Ok(())
    }

    /// Stops it as Ctrl-C does, and returns what it wrote to stderr. Asserts that it ends well.
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
