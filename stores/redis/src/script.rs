//! Scripts: sent by their hash, and by their text to a server that has not seen them.

use std::sync::LazyLock;

use redis::{Cmd, Script, Value};

use super::connection::Connection;
use super::error::Fault;
use super::server::Deadline;

/// Room for what most calls have, so that it is allocated once.
const ARGUMENTS: usize = 16;
const BYTES: usize = 512;

/// A script and the hash of its text, by which servers name it.
pub(super) struct Lua {
    text: &'static str,
    hash: LazyLock<String>,
}

impl Lua {
    pub(super) const fn new(text: &'static str, hash: fn() -> String) -> Self {
        Self { text, hash: LazyLock::new(hash) }
    }

    /// Whether it is not worth a round trip to find out that the server does not know it.
    const fn is_short(&self) -> bool {
        self.text.len() < 256
    }

    /// The command that runs it by its hash.
    fn by_hash(&self) -> Cmd {
        let mut command = Cmd::with_capacity(ARGUMENTS, BYTES);
        command.arg("EVALSHA").arg(&*self.hash);
        command
    }

    /// The command that runs it by its text.
    fn by_text(&self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(self.text);
        command
    }
}

/// The hash of a script's text.
pub(super) fn hash_of(text: &str) -> String {
    Script::new(text).get_hash().to_owned()
}

/// Declares a script with its hash.
macro_rules! lua {
    ($text:expr) => {
        $crate::script::Lua::new($text, || $crate::script::hash_of($text))
    };
}
pub(super) use lua;

impl Connection {
    /// The answer of a script about these keys, which lie on one slot.
    pub(super) async fn run<K: AsRef<str>>(
        &self,
        script: &Lua,
        keys: &[K],
        arguments: &[&[u8]],
        by: Deadline,
    ) -> Result<Value, Fault> {
        let first = keys.first().map(AsRef::as_ref).unwrap_or_default();
        if script.is_short() {
            return self.query_by(first, &filled(script.by_text(), keys, arguments), by).await;
        }
        self.run_filled(first, script, |command| filled(command, keys, arguments), by).await
    }

    /// The answer of a script that this function gives its keys and arguments: by its hash, or by
    /// its text on a server that has not seen it. Nothing was done there the first time.
    pub(super) async fn run_filled(
        &self,
        key: &str,
        script: &Lua,
        fill: impl Fn(Cmd) -> Cmd,
        by: Deadline,
    ) -> Result<Value, Fault> {
        match self.query_by(key, &fill(script.by_hash()), by).await {
            Err(fault) if fault.code().as_deref() == Some("NOSCRIPT") => {
                self.query_by(key, &fill(script.by_text()), by).await
            }
            answer => answer,
        }
    }
}

fn filled<K: AsRef<str>>(mut command: Cmd, keys: &[K], arguments: &[&[u8]]) -> Cmd {
    command.arg(keys.len());
    for key in keys {
        command.arg(key.as_ref());
    }
    for argument in arguments {
        command.arg(*argument);
    }
    command
}
