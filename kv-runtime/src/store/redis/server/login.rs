//! What a server is told first: who the client is, which protocol it speaks, and its database.

use redis::{Cmd, ErrorKind, Pipeline, RedisError, Value};

use super::dial::{Mode, Peer};
use crate::store::redis::error::code;

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Protocol {
    /// RESP2, which old servers and proxies speak.
    Resp2,
    /// RESP3, begun with `HELLO`.
    Resp3,
}

/// User, password and database. It has no `Debug`, so that no error can show them.
#[derive(Clone, Default)]
pub(in crate::store::redis) struct Login {
    pub(in crate::store::redis) user: Option<String>,
    pub(in crate::store::redis) password: Option<String>,
    pub(in crate::store::redis) database: u32,
    /// RESP3 if the server has it, unless the URL says otherwise.
    pub(in crate::store::redis) protocol: Option<Protocol>,
}

impl Login {
    /// `HELLO`, and the client's name for `CLIENT LIST`.
    pub(super) fn hello(&self) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(3);
        let mut hello = Cmd::new();
        hello.arg("HELLO").arg(3);
        if let Some(password) = &self.password {
            hello.arg("AUTH").arg(self.user.as_deref().unwrap_or("default")).arg(password);
        }
        pipeline.add_command(hello);
        pipeline.cmd("CLIENT").arg("SETINFO").arg("LIB-NAME").arg(env!("CARGO_PKG_NAME"));
        pipeline.cmd("CLIENT").arg("SETINFO").arg("LIB-VER").arg(env!("CARGO_PKG_VERSION"));
        self.select(&mut pipeline);
        pipeline
    }

    /// The same in RESP2. `PING` finds out whether the server serves this client.
    pub(super) fn auth(&self) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(3);
        if let Some(password) = &self.password {
            let mut auth = Cmd::new();
            auth.arg("AUTH");
            if let Some(user) = &self.user {
                auth.arg(user);
            }
            auth.arg(password);
            pipeline.add_command(auth);
        }
        pipeline.cmd("PING");
        self.select(&mut pipeline);
        pipeline
    }

    fn select(&self, pipeline: &mut Pipeline) {
        if self.database != 0 {
            pipeline.cmd("SELECT").arg(self.database);
        }
    }
}

/// What the answers to [`Login::hello`] say.
pub(super) enum Greeting {
    Welcome(Peer),
    /// The server does not know `HELLO`, or may not be asked by it.
    SpeaksResp2,
}

pub(super) fn greeting(answers: Vec<Value>) -> Result<Greeting, RedisError> {
    let mut answers = answers.into_iter();
    let hello = answers.next().unwrap_or_default();
    if let Value::ServerError(error) = hello {
        let error = RedisError::from(error);
        return if is_refused_hello(&error) { Ok(Greeting::SpeaksResp2) } else { Err(error) };
    }
    // `CLIENT SETINFO` is newer than what is needed.
    for answer in answers.skip(2) {
        answer.extract_error()?;
    }
    Ok(Greeting::Welcome(peer(&hello)))
}

fn is_refused_hello(error: &RedisError) -> bool {
    match code(error).as_deref() {
        Some("NOPROTO" | "NOPERM") => true,
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
