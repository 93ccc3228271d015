//! How a connection begins: user and password, the version of the protocol, and the database.

use redis::{Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, Value};

use super::peer::{Mode, Peer};
use crate::error::{SAYS_CLUSTER, code};

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// RESP2, which old servers and proxies speak.
    Resp2,
    /// RESP3, begun with `HELLO`.
    Resp3,
}

/// User, password and database. It has no `Debug`, so that no error can show them.
#[derive(Clone, Default)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
    /// RESP3 if the server has it, unless the URL says otherwise.
    pub(crate) protocol: Option<Protocol>,
}

impl Login {
    /// User and password for the `redis` crate, which sends them with `HELLO`. It sends no other
    /// command: a server that refuses the first may close the connection at once, and the crate
    /// would then report that.
    pub(super) fn resp3(&self) -> RedisConnectionInfo {
        let info = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        let mut info = info.set_skip_set_lib_name();
        if let Some(user) = &self.user {
            info = info.set_username(user);
        }
        if let Some(password) = &self.password {
            info = info.set_password(password);
        }
        info
    }

    /// What follows `HELLO`: what the server says of itself, the client's name for `CLIENT LIST`,
    /// and the database.
    pub(super) fn begin_resp3(&self) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(4);
        pipeline.cmd("HELLO");
        pipeline.cmd("CLIENT").arg("SETINFO").arg("LIB-NAME").arg(env!("CARGO_PKG_NAME"));
        pipeline.cmd("CLIENT").arg("SETINFO").arg("LIB-VER").arg(env!("CARGO_PKG_VERSION"));
        if let Some(select) = self.select() {
            pipeline.add_command(select);
        }
        pipeline
    }

    /// The command that shows user and password over RESP2, if there is a password.
    pub(super) fn auth(&self) -> Option<Cmd> {
        let mut command = redis::cmd("AUTH");
        if let Some(user) = &self.user {
            command.arg(user);
        }
        command.arg(self.password.as_ref()?);
        Some(command)
    }

    /// The same for servers and proxies that know no users.
    pub(super) fn auth_without_user(&self) -> Option<Cmd> {
        let mut command = redis::cmd("AUTH");
        command.arg(self.password.as_ref()?);
        Some(command)
    }

    /// The command that selects the database, unless a connection has it from the beginning.
    pub(super) fn select(&self) -> Option<Cmd> {
        let mut command = redis::cmd("SELECT");
        command.arg(self.database);
        (self.database != 0).then_some(command)
    }
}

/// What the answers to [`Login::begin_resp3`] say. Servers may refuse all but the database. A server
/// that has none because it is of another kind than the URL says is reported as that.
pub(super) fn begun(answers: Vec<Value>) -> Result<Peer, RedisError> {
    let mut answers = answers.into_iter();
    let peer = peer(&answers.next().unwrap_or_default());
    let selected = answers.skip(2).try_for_each(|answer| answer.extract_error().map(drop));
    match (selected, peer.mode) {
        // Who connects refuses a sentinel.
        (Ok(()), _) | (Err(_), Some(Mode::Sentinel)) => Ok(peer),
        (Err(_), Some(Mode::Cluster)) => {
            Err(RedisError::from((ErrorKind::InvalidClientConfig, SAYS_CLUSTER)))
        }
        (Err(error), _) => Err(error),
    }
}

/// Whether the server does not know `HELLO`, or may not be asked by it.
pub(super) fn is_refused_hello(error: &RedisError, login: &Login) -> bool {
    match code(error).as_deref() {
        Some("NOPROTO" | "NOPERM") => true,
        // It has not looked at the password that `HELLO` brings.
        Some("NOAUTH") => login.password.is_some(),
        Some("ERR") => error.detail().is_some_and(|said| {
            let said = said.to_ascii_lowercase();
            said.contains("unknown command") || said.contains("hello") || said.contains("not supported")
        }),
        _ => error.kind() == ErrorKind::RESP3NotSupported,
    }
}

/// What a server says of itself.
fn peer(hello: &Value) -> Peer {
    let Value::Map(pairs) = hello else { return Peer::default() };
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    };
    let said = |name: &str| {
        let (_, value) = pairs.iter().find(|(said, _)| text(said).as_deref() == Some(name))?;
        text(value)
    };
    Peer {
        mode: said("mode").map(|mode| Mode::of(&mode)),
        is_primary: said("role").map(|role| role == "master"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proxies answer with simple strings.
    #[test]
    fn names_and_values_may_be_of_either_kind_of_string() {
        let simple = |text: &str| Value::SimpleString(text.to_owned());
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        for kind in [simple as fn(&str) -> Value, bulk] {
            let hello = [("mode", "sentinel"), ("role", "master")];
            let peer = peer(&Value::Map(hello.map(|(name, value)| (kind(name), kind(value))).to_vec()));
            assert!(matches!(peer, Peer { mode: Some(Mode::Sentinel), is_primary: Some(true) }));
        }
    }
}
