//! Sentinels: servers that know who the primary of a name is, and choose another one when it is
//! down.

use std::sync::atomic::{AtomicUsize, Ordering};

use redis::{Cmd, ErrorKind, RedisError, Value};

use super::Address;
use super::dial::{Dialed, Dialer, late};
use super::login::Login;
use crate::error::{NO_PRIMARY, SAYS_NO_SENTINEL, code, is_unknown_command};

pub(crate) struct Sentinels {
    /// The name of the primary that they watch.
    name: String,
    addresses: Vec<Address>,
    /// The index of the one that answered last.
    first: AtomicUsize,
}

impl Sentinels {
    pub(crate) const fn new(name: String, addresses: Vec<Address>) -> Self {
        Self { name, addresses, first: AtomicUsize::new(0) }
    }

    /// Connects to the primary that the first reachable sentinel names. After a failover a sentinel
    /// may name the old one for a moment, which then says that it is a replica.
    pub(super) async fn dial_primary(&self, dialer: &Dialer) -> Result<Dialed, RedisError> {
        let address = self.primary(dialer).await?;
        let mut dialed = dialer.open(&address, &dialer.login).await?;
        let is_primary = match dialed.peer.is_primary {
            Some(is_primary) => is_primary,
            None => has_role_of_primary(dialer, &mut dialed).await?,
        };
        if !is_primary {
            return Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, NO_PRIMARY)));
        }
        Ok(dialed)
    }

    async fn primary(&self, dialer: &Dialer) -> Result<Address, RedisError> {
        let mut failure = RedisError::from((ErrorKind::EmptySentinelList, "there is no sentinel"));
        let first = self.first.load(Ordering::Relaxed);
        for number in 0..self.addresses.len() {
            let index = (first + number) % self.addresses.len();
            let Some(sentinel) = self.addresses.get(index) else { continue };
            match self.ask(dialer, sentinel).await {
                Ok(Some(address)) => {
                    self.first.store(index, Ordering::Relaxed);
                    return Ok(address);
                }
                Ok(None) => {
                    let what = "the sentinels know no primary of this name";
                    failure = RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, what));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The address of the primary, if this sentinel knows the name.
    async fn ask(&self, dialer: &Dialer, sentinel: &Address) -> Result<Option<Address>, RedisError> {
        let login = Login { database: 0, ..dialer.login.clone() };
        let mut dialed = match dialer.open(sentinel, &login).await {
            // The user and the password are those of the primary, and this sentinel has none.
            Err(error) if is_refused_login(&error) => {
                let nobody = Login { protocol: login.protocol, ..Login::default() };
                dialer.open(sentinel, &nobody).await?
            }
            dialed => dialed?,
        };
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
        match ask(dialer, &mut dialed, &command).await?.extract_error() {
            Ok(Value::Array(parts)) => Ok(address_of(&parts)),
            Ok(_) => Ok(None),
            Err(error) if is_unknown_command(&error) => {
                Err(RedisError::from((ErrorKind::InvalidClientConfig, SAYS_NO_SENTINEL)))
            }
            Err(error) => Err(error),
        }
    }
}

/// The answer to a command on a connection that nobody else uses yet.
async fn ask(dialer: &Dialer, dialed: &mut Dialed, command: &Cmd) -> Result<Value, RedisError> {
    let asking = dialed.connection.send_packed_command(command);
    tokio::time::timeout(dialer.timeout, asking).await.unwrap_or_else(|_| Err(late()))
}

fn is_refused_login(error: &RedisError) -> bool {
    matches!(code(error).as_deref(), Some("WRONGPASS" | "ERR"))
}

fn address_of(parts: &[Value]) -> Option<Address> {
    let [Value::BulkString(host), Value::BulkString(port)] = parts else { return None };
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Some(Address::tcp(String::from_utf8_lossy(host), port))
}

/// Asks a server that did not say so in its greeting. One that refuses the question is believed.
async fn has_role_of_primary(dialer: &Dialer, dialed: &mut Dialed) -> Result<bool, RedisError> {
    Ok(match ask(dialer, dialed, &redis::cmd("ROLE")).await? {
        Value::Array(parts) => parts.first() == Some(&Value::BulkString(b"master".to_vec())),
        _ => true,
    })
}
