//! From an address to a connection that the server has greeted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisConnectionInfo, RedisError, Value};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Address;
use super::greeting::greet_by_resp2;
use super::lines::TextLines;
use super::login::{Login, Protocol, begun, is_refused_hello};
use super::peer::Peer;
use super::stream::Stream;
use crate::tls::Connector;

/// How many commands may wait to be sent on one connection. Further callers wait for their turn,
/// and a turn that comes to a caller who is not polled is lost to the others meanwhile. So there is
/// room for more than are ever begun and left alone. A command that waits here takes no more memory
/// than one that waits with its caller.
const QUEUE: usize = 1 << 16;

/// What every connection is made with.
pub(crate) struct Dialer {
    pub(crate) login: Login,
    pub(crate) tls: Option<Connector>,
    /// How long the making of one connection may take.
    pub(crate) timeout: Duration,
    /// How many timeouts of calls in a row end a connection.
    pub(crate) timeouts: u32,
    /// What drives the connections.
    pub(crate) runtime: Handle,
}

/// A connection that is served.
pub(super) struct Dialed {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: Driver,
    pub(super) peer: Peer,
}

/// The task that moves the bytes of a connection. It ends with its last holder, or with its
/// runtime.
pub(super) struct Driver {
    task: AbortHandle,
    pub(super) health: Arc<Health>,
}

#[derive(Default)]
pub(super) struct Health {
    /// Nothing can be sent any more, or should be.
    pub(super) ended: AtomicBool,
    /// How many calls in a row had no answer in time.
    pub(super) timeouts: AtomicU32,
}

impl Driver {
    fn spawn(driver: impl Future<Output = ()> + Send + 'static) -> Self {
        let health = Arc::<Health>::default();
        let end = End(Arc::clone(&health));
        let task = tokio::spawn(async move {
            let _end = end;
            driver.await;
        });
        Self { task: task.abort_handle(), health }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Marks the end of the task, however it ends: a runtime drops its tasks unfinished.
struct End(Arc<Health>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

impl Dialer {
    /// Connects to an address, within the timeout.
    pub(super) async fn open(&self, address: &Address, login: &Login) -> Result<Dialed, RedisError> {
        match tokio::time::timeout(self.timeout, self.greet(address, login)).await {
            Ok(dialed) => dialed,
            Err(_) => Err(late()),
        }
    }

    async fn greet(&self, address: &Address, login: &Login) -> Result<Dialed, RedisError> {
        if login.protocol != Some(Protocol::Resp2) {
            match serve(self.stream(address).await?, &login.resp3()).await {
                Err(error) if login.protocol.is_none() && is_refused_hello(&error, login) => {}
                Err(error) => return Err(error),
                Ok((mut connection, driver)) => {
                    let said = send_all(&mut connection, &login.begin_resp3()).await?;
                    return Ok(Dialed { connection, driver, peer: begun(said)? });
                }
            }
        }
        let mut stream = self.stream(address).await?;
        greet_by_resp2(&mut stream, login).await?;
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let (connection, driver) = serve(stream, &info).await?;
        Ok(Dialed { connection, driver, peer: Peer::default() })
    }

    async fn stream(&self, address: &Address) -> Result<TextLines<Stream>, RedisError> {
        Ok(TextLines::new(Stream::open(address, self.tls.as_ref()).await?))
    }
}

/// A connection that calls share, and what drives it, after the commands that `info` asks for.
async fn serve(
    stream: TextLines<Stream>,
    info: &RedisConnectionInfo,
) -> Result<(MultiplexedConnection, Driver), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE);
    let (connection, driver) = MultiplexedConnection::new_with_config(info, stream, config).await?;
    Ok((connection, Driver::spawn(driver)))
}

async fn send_all(
    connection: &mut MultiplexedConnection,
    pipeline: &Pipeline,
) -> Result<Vec<Value>, RedisError> {
    connection.send_packed_commands(pipeline, 0, pipeline.len()).await
}

/// The error of an answer that did not come in time.
pub(super) fn late() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}
