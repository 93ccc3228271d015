//! One connection that many calls share, and that is made anew when it breaks.

use futures_util::stream::{self, StreamExt};
use redis::aio::ConnectionManager;
use redis::{Cmd, Pipeline, RedisError, Value};
use tokio::runtime::Handle;

#[cfg(feature = "redis-cluster")]
use super::cluster::Cluster;
use crate::network::within;

#[derive(Clone)]
/// With the runtime that drives it.
pub(super) enum Connection {
    Single(ConnectionManager, Handle),
    #[cfg(feature = "redis-cluster")]
    Cluster(Cluster, Handle),
}

/// The nodes that have the keys; of a cluster also which each has, and a slot by which each is found.
#[derive(PartialEq)]
pub(super) enum Shape {
    Single,
    #[cfg(feature = "redis-cluster")]
    Cluster {
        shape: Value,
        slots: Vec<u16>,
    },
}

impl Shape {
    pub(super) fn nodes(&self) -> usize {
        match self {
            Self::Single => 1,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster { slots, .. } => slots.len(),
        }
    }
}

impl Connection {
    pub(super) const fn is_cluster(&self) -> bool {
        match self {
            Self::Single(..) => false,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(..) => true,
        }
    }

    /// The answer to a command. `key` is one that it is about; a cluster sends it where that key lies.
    #[cfg_attr(not(feature = "redis-cluster"), expect(unused_variables, reason = "one server has all keys"))]
    pub(super) async fn query(&self, key: &str, command: Cmd) -> Result<Value, RedisError> {
        let answer = match self {
            // A clone is a handle.
            Self::Single(manager, runtime) => {
                within(runtime, manager.clone().send_packed_command(&command)).await?
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster, runtime) => within(runtime, cluster.query(key, command)).await?,
        };
        match answer {
            Value::ServerError(error) => Err(error.into()),
            answer => Ok(answer),
        }
    }

    pub(super) async fn shape(&self) -> Result<Shape, RedisError> {
        match self {
            Self::Single(..) => Ok(Shape::Single),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster, runtime) => {
                let (shape, slots) = within(runtime, cluster.shape()).await?;
                Ok(Shape::Cluster { shape, slots })
            }
        }
    }

    /// The answer of one node of those that there are.
    #[cfg_attr(not(feature = "redis-cluster"), expect(unused_variables, reason = "one server is one node"))]
    pub(super) async fn query_node(
        &self,
        shape: &Shape,
        node: usize,
        command: Cmd,
    ) -> Result<Value, RedisError> {
        #[cfg(feature = "redis-cluster")]
        if let (Self::Cluster(cluster, runtime), Shape::Cluster { slots, .. }) = (self, shape)
            && let Some(slot) = slots.get(node)
        {
            return within(runtime, cluster.query_slot(*slot, command)).await;
        }
        self.query("", command).await
    }

    /// The answers to commands that are sent in one go; each may be an error. An atomic pipeline fails as a whole.
    #[cfg_attr(not(feature = "redis-cluster"), expect(unused_variables, reason = "one server has all keys"))]
    pub(super) async fn pipeline(&self, key: &str, pipeline: Pipeline) -> Result<Vec<Value>, RedisError> {
        let answers = match self {
            Self::Single(manager, runtime) => {
                let (skipped, kept) = match pipeline.is_transaction() {
                    true => (pipeline.len() + 1, 1),
                    false => (0, pipeline.len()),
                };
                within(runtime, manager.clone().send_packed_commands(&pipeline, skipped, kept)).await?
            }
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster, runtime) => within(runtime, cluster.pipeline(key, &pipeline)).await?,
        };
        if !pipeline.is_transaction() {
            return Ok(answers);
        }
        match answers.into_iter().next_back() {
            Some(Value::Array(answers)) => Ok(answers),
            Some(Value::ServerError(error)) => Err(error.into()),
            _ => Err(RedisError::from((
                redis::ErrorKind::UnexpectedReturnType,
                "a transaction has no answers",
            ))),
        }
    }
}

/// The most commands of one call that are under way at a time: more would wait so long that they are taken for lost.
const SIDE_BY_SIDE: usize = 256;

/// The outcomes of many commands, which go to their nodes side by side, in the commands' order.
pub(super) fn side_by_side<F, I>(commands: I) -> impl Future<Output = Vec<F::Output>> + use<F, I>
where
    F: Future,
    I: IntoIterator<Item = F>,
{
    // Collected first: a future that held the iterator, and so its closures, would not be known to be `Send`.
    let commands: Vec<F> = commands.into_iter().collect();
    stream::iter(commands).buffered(SIDE_BY_SIDE).collect()
}
