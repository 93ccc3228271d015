//! Transfers as an engineer would write them for Redis: `MGET`, and a script that compares the two
//! values and sets both.

use redis::aio::ConnectionManager;
use redis::{AsyncCommands, Client, Script};

use crate::account::{Balance, Failure, Transfers};

pub struct ByScript {
    connection: ConnectionManager,
    script: Script,
}

impl ByScript {
    pub async fn connect(url: &str) -> Result<Self, Failure> {
        let script = "if redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('GET', KEYS[2]) == ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[3])
  redis.call('SET', KEYS[2], ARGV[4])
  return 1
end
return 0";
        let connection = Client::open(url)?.get_connection_manager().await?;
        Ok(Self { connection, script: Script::new(script) })
    }
}

/// The value after a transfer.
fn changed(value: &[u8], cents: i64) -> Result<Vec<u8>, Failure> {
    let mut balance: Balance = serde_json::from_slice(value)?;
    balance.add(cents);
    Ok(serde_json::to_vec(&balance)?)
}

impl Transfers for ByScript {
    async fn open(&self, accounts: u64) -> Result<(), Failure> {
        let mut records = Vec::new();
        for id in 0..accounts {
            records.push((format!("account:{id}"), serde_json::to_vec(&Balance::new(id))?));
        }
        let () = self.connection.clone().mset(&records).await?;
        Ok(())
    }

    async fn transfer(&self, from: u64, to: u64) -> Result<(), Failure> {
        let mut connection = self.connection.clone();
        let keys = [format!("account:{from}"), format!("account:{to}")];
        loop {
            let values: Vec<Vec<u8>> = connection.mget(&keys).await?;
            let [payer, payee] = values.as_slice() else { return Err("no account is closed".into()) };
            let mut call = self.script.prepare_invoke();
            call.key(&keys[0]).key(&keys[1]).arg(payer.as_slice()).arg(payee.as_slice());
            call.arg(changed(payer, -1)?).arg(changed(payee, 1)?);
            let done: i64 = call.invoke_async(&mut connection).await?;
            if done == 1 {
                return Ok(());
            }
        }
    }
}
