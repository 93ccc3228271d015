//! A look at every key of a server, or of every primary of a cluster, by `SCAN`.
//!
//! A key that is there all the time is shown at least once, in no order, and some are shown twice.

use kv_store::__private::network::within;
use redis::{Cmd, ErrorKind, RedisError, Value};

#[cfg(feature = "cluster")]
use crate::cluster::Rounds;
use crate::connection::{Connection, Nodes};
use crate::error::unexpected_answer;
use crate::error::{Fault, SAYS_CLUSTER};
use crate::server::{Link, Mode};

/// How many keys the server looks at before it serves somebody else.
const AT_ONCE: u32 = 1_000;

pub(crate) struct Walk<'a> {
    connection: &'a Connection,
    pattern: String,
    way: Way<'a>,
    /// The cursor on the node that is walked now.
    cursor: Vec<u8>,
}

enum Way<'a> {
    Single {
        is_done: bool,
    },
    #[cfg(feature = "cluster")]
    Cluster(Rounds<'a>),
    #[cfg(not(feature = "cluster"))]
    #[expect(dead_code, reason = "the lifetime is that of a cluster")]
    Nowhere(&'a std::convert::Infallible),
}

const START: &[u8] = b"0";

impl<'a> Walk<'a> {
    pub(crate) async fn begin(connection: &'a Connection, pattern: String) -> Result<Self, Fault> {
        within(&connection.runtime, Self::begin_within(connection, pattern)).await
    }

    async fn begin_within(connection: &'a Connection, pattern: String) -> Result<Self, Fault> {
        let way = match &connection.nodes {
            Nodes::Single(link) => {
                refuse_node_of_cluster(connection, link).await?;
                Way::Single { is_done: false }
            }
            #[cfg(feature = "cluster")]
            Nodes::Cluster(cluster) => Way::Cluster(Rounds::begin(cluster, connection.timeout).await?),
        };
        Ok(Self { connection, pattern, way, cursor: START.to_vec() })
    }

    /// The next keys, perhaps none; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<String>>, Fault> {
        let runtime = &self.connection.runtime;
        within(runtime, self.next_within()).await
    }

    async fn next_within(&mut self) -> Result<Option<Vec<String>>, Fault> {
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(AT_ONCE);
        let answer = match &mut self.way {
            Way::Single { is_done: true } => return Ok(None),
            Way::Single { .. } => self.connection.query("", command).await?,
            #[cfg(feature = "cluster")]
            Way::Cluster(rounds) => {
                let Some((cluster, node)) = rounds.node().await? else { return Ok(None) };
                cluster.query_node(node, &command, self.connection.deadline()).await?
            }
            #[cfg(not(feature = "cluster"))]
            Way::Nowhere(_) => return Ok(None),
        };
        let Some((next, keys)) = parts(answer) else {
            return Err(unexpected_answer("SCAN answers with a cursor and keys"));
        };
        if next == START {
            self.way.node_is_done().await?;
        }
        self.cursor = next;
        // A key that is not UTF-8 belongs to no entity.
        let text = |key| if let Value::BulkString(key) = key { String::from_utf8(key).ok() } else { None };
        Ok(Some(keys.into_iter().filter_map(text).collect()))
    }
}

impl Way<'_> {
    #[cfg_attr(not(feature = "cluster"), expect(clippy::unused_async, reason = "nodes are asked"))]
    async fn node_is_done(&mut self) -> Result<(), Fault> {
        match self {
            Self::Single { is_done } => *is_done = true,
            #[cfg(feature = "cluster")]
            Self::Cluster(rounds) => rounds.node_is_done().await?,
            #[cfg(not(feature = "cluster"))]
            Self::Nowhere(_) => {}
        }
        Ok(())
    }
}

/// A node of a cluster has a part of the keys, and nothing in its answers says so.
async fn refuse_node_of_cluster(connection: &Connection, link: &Link) -> Result<(), Fault> {
    if link.mode(connection.deadline()).await? == Some(Mode::Cluster) {
        return Err(Fault::unsent(RedisError::from((ErrorKind::InvalidClientConfig, SAYS_CLUSTER))));
    }
    Ok(())
}

/// The next cursor of a `SCAN`, and the keys that it found.
fn parts(answer: Value) -> Option<(Vec<u8>, Vec<Value>)> {
    let Value::Array(parts) = answer else { return None };
    match <[Value; 2]>::try_from(parts) {
        Ok([Value::BulkString(next), Value::Array(keys)]) => Some((next, keys)),
        _ => None,
    }
}
