//! The server or the cluster of a store, and commands to it.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use kv_store::__private::network::within;
use redis::{Cmd, Pipeline, Value};
use tokio::runtime::Handle;

#[cfg(feature = "cluster")]
use super::cluster::Cluster;
use super::error::{Fault, unexpected_answer};
use super::server::{Deadline, Link};

pub(super) struct Connection {
    pub(super) nodes: Nodes,
    /// How long a call may take.
    pub(super) timeout: Duration,
    /// What drives the connections. Callers may run on any executor.
    pub(super) runtime: Handle,
}

pub(super) enum Nodes {
    Single(Link),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
}

impl Connection {
    pub(super) const fn is_cluster(&self) -> bool {
        match self.nodes {
            Nodes::Single(_) => false,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => true,
        }
    }

    /// When a call gives up that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        let _entered = self.runtime.enter();
        Deadline::after(self.timeout)
    }

    /// The answer to a command. `key` is one that it is about; a cluster sends it where that key
    /// lies.
    pub(super) async fn query(&self, key: &str, command: Cmd) -> Result<Value, Fault> {
        self.query_by(key, &command, self.deadline()).await
    }

    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server has all keys"))]
    pub(super) async fn query_by(&self, key: &str, command: &Cmd, by: Deadline) -> Result<Value, Fault> {
        match &self.nodes {
            Nodes::Single(link) => {
                let answer = within(&self.runtime, link.query(command, by)).await?;
                answer.extract_error().map_err(Fault::sent)
            }
            #[cfg(feature = "cluster")]
            Nodes::Cluster(cluster) => within(&self.runtime, cluster.query(key, command, by)).await,
        }
    }

    /// The answers to commands that are sent in one go; each may be an error. An atomic pipeline
    /// fails as a whole.
    pub(super) async fn pipeline(&self, key: &str, pipeline: Pipeline) -> Result<Vec<Value>, Fault> {
        self.pipeline_by(key, &pipeline, self.deadline()).await
    }

    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "one server has all keys"))]
    pub(super) async fn pipeline_by(
        &self,
        key: &str,
        pipeline: &Pipeline,
        by: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        let answers = match &self.nodes {
            Nodes::Single(link) => within(&self.runtime, link.pipeline(pipeline, by)).await?,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(cluster) => within(&self.runtime, cluster.pipeline(key, pipeline, by)).await?,
        };
        if !pipeline.is_transaction() {
            return Ok(answers);
        }
        match answers.into_iter().next_back() {
            Some(Value::Array(answers)) => Ok(answers),
            Some(Value::ServerError(error)) => Err(Fault::sent(error.into())),
            _ => Err(unexpected_answer("a transaction has no answers")),
        }
    }
}

/// The most commands of one call that are under way at a time: more would wait so long that they
/// are taken for lost.
const SIDE_BY_SIDE: usize = 256;

/// The outcomes of many commands, which go to their nodes side by side, in the commands' order.
pub(super) fn side_by_side<F, I>(commands: I) -> impl Future<Output = Vec<F::Output>> + use<F, I>
where
    F: Future,
    I: IntoIterator<Item = F>,
{
    // Collected first: a future that held the iterator, and so its closures, would not be known to
    // be `Send`.
    let commands: Vec<F> = commands.into_iter().collect();
    stream::iter(commands).buffered(SIDE_BY_SIDE).collect()
}
