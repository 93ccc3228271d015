//! Commands: each is sent to the node that has its key, until one takes it.

use redis::{Cmd, Pipeline, Value};

use super::nodes::Cluster;
use super::slots::slot_of;
use super::tries::{self, Tries};
use crate::error::Fault;
use crate::server::{Address, Deadline, Link};

impl Cluster {
    /// The answer of the node that has the key.
    pub(crate) async fn query(&self, key: &str, command: &Cmd, by: Deadline) -> Result<Value, Fault> {
        let mut tries = Tries::new(slot_of(key), by);
        loop {
            let (address, link, asking) = tries.node(self).await?;
            let answer = if asking {
                let mut pipeline = Pipeline::with_capacity(2);
                pipeline.add_command(redis::cmd("ASKING")).add_command(command.clone());
                let answers = link.pipeline(&pipeline, by).await;
                answers.map(|answers| answers.into_iter().next_back().unwrap_or_default())
            } else {
                link.query(command, by).await
            };
            match answer.and_then(|answer| answer.extract_error().map_err(Fault::sent)) {
                Ok(answer) => return Ok(answer),
                Err(fault) => tries.go_on(self, &address, fault).await?,
            }
        }
    }

    /// The answers of the node that has the keys of the commands, which lie on one slot. They are
    /// reads, or a transaction: what is refused in part is sent as a whole a second time.
    pub(crate) async fn pipeline(
        &self,
        key: &str,
        pipeline: &Pipeline,
        by: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        let mut tries = Tries::new(slot_of(key), by);
        loop {
            let (address, link, asking) = tries.node(self).await?;
            let answers =
                if asking { ask_all(&link, pipeline, by).await } else { link.pipeline(pipeline, by).await };
            let fault = match answers {
                Ok(answers) => match answers.iter().find_map(tries::refusal) {
                    Some(error) => Fault::sent(error),
                    None => return Ok(answers),
                },
                Err(fault) => fault,
            };
            // No node has all keys of a read: each can be read by itself, at once.
            if tries::is_split(&fault.error) && !pipeline.is_transaction() {
                return Err(fault);
            }
            tries.go_on(self, &address, fault).await?;
        }
    }

    /// The answer of one node, and of no other.
    pub(crate) async fn query_node(
        &self,
        node: &Address,
        command: &Cmd,
        by: Deadline,
    ) -> Result<Value, Fault> {
        let link = self.link(node);
        let answer = link.query(command, by).await;
        let answer = answer.and_then(|answer| answer.extract_error().map_err(Fault::sent));
        if let Err(fault) = &answer
            && fault.is_of_the_way()
        {
            self.suspect(node, &link);
        }
        answer
    }
}

/// Sends commands to the node that their slot is moving to. `ASKING` goes before each of them, or
/// before their transaction.
async fn ask_all(link: &Link, commands: &Pipeline, by: Deadline) -> Result<Vec<Value>, Fault> {
    let mut pipeline = Pipeline::with_capacity(2 * commands.len() + 2);
    if commands.is_transaction() {
        pipeline.cmd("ASKING").cmd("MULTI");
        for command in commands.cmd_iter() {
            pipeline.add_command(command.clone());
        }
        pipeline.cmd("EXEC");
        let answers = link.pipeline(&pipeline, by).await?;
        // The first error is the reason, and what `EXEC` says is its consequence.
        for answer in &answers {
            if let Value::ServerError(error) = answer {
                return Err(Fault::sent(error.clone().into()));
            }
        }
        return Ok(answers.into_iter().next_back().into_iter().collect());
    }
    for command in commands.cmd_iter() {
        pipeline.cmd("ASKING").add_command(command.clone());
    }
    let answers = link.pipeline(&pipeline, by).await?;
    Ok(answers.into_iter().skip(1).step_by(2).collect())
}
