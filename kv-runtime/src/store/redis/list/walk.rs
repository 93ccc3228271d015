//! A look at every key of a server, or of every primary of a cluster, by `SCAN`.
//!
//! A key that is there all the time is shown at least once, in no order, and some are shown twice.

use redis::{Cmd, ErrorKind, RedisError, Value};

use crate::store::redis::connection::{Connection, Shape};

/// How many keys the server looks at before it serves somebody else.
const AT_ONCE: u32 = 1_000;

/// How often a cluster may be reshaped under a walk.
const ROUNDS: u32 = 8;

pub(in crate::store::redis) struct Walk<'a> {
    connection: &'a Connection,
    pattern: String,
    shape: Shape,
    /// The node that is walked now, and the cursor on it.
    node: usize,
    cursor: Vec<u8>,
    rounds: u32,
}

const START: &[u8] = b"0";

impl<'a> Walk<'a> {
    pub(in crate::store::redis) async fn begin(
        connection: &'a Connection,
        pattern: String,
    ) -> Result<Self, RedisError> {
        let shape = connection.shape().await?;
        Ok(Self { connection, pattern, shape, node: 0, cursor: START.to_vec(), rounds: 1 })
    }

    /// The next keys, perhaps none; nothing at the end.
    pub(in crate::store::redis) async fn next(&mut self) -> Result<Option<Vec<String>>, RedisError> {
        if self.node >= self.shape.nodes() {
            // If slots moved meanwhile, keys may have moved past the walk: it begins anew.
            let now = self.connection.shape().await?;
            if now == self.shape {
                return Ok(None);
            }
            if self.rounds == ROUNDS {
                let what = "the cluster is being reshaped all the time";
                return Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, what)));
            }
            (self.shape, self.node, self.rounds) = (now, 0, self.rounds + 1);
        }
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(AT_ONCE);
        let answer = self.connection.query_node(&self.shape, self.node, command).await?;
        let Some((next, keys)) = parts(answer) else {
            return Err(RedisError::from((
                ErrorKind::UnexpectedReturnType,
                "SCAN answers with a cursor and keys",
            )));
        };
        if next == START {
            self.node += 1;
        }
        self.cursor = next;
        // A key that is no text is nobody's here.
        let text = |key| if let Value::BulkString(key) = key { String::from_utf8(key).ok() } else { None };
        Ok(Some(keys.into_iter().filter_map(text).collect()))
    }
}

/// The next cursor of a `SCAN`, and the keys that it found.
fn parts(answer: Value) -> Option<(Vec<u8>, Vec<Value>)> {
    let Value::Array(parts) = answer else { return None };
    match <[Value; 2]>::try_from(parts) {
        Ok([Value::BulkString(next), Value::Array(keys)]) => Some((next, keys)),
        _ => None,
    }
}
