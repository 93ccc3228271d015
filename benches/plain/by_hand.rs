//! The calls by the `redis` crate, `format!` and serde_json.

use std::hint::black_box;

use redis::aio::ConnectionManager;
use redis::{AsyncCommands, cmd};

use crate::Calls;
use crate::support::Result;
use crate::support::profile::Profile;

/// Writes a value if the stored one is what was read, and keeps its TTL.
const SET_IF: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1";

pub struct ByHand {
    connection: ConnectionManager,
    /// The script's hash.
    set_if: String,
}

impl ByHand {
    pub async fn new(mut connection: ConnectionManager) -> Result<Self> {
        let set_if = cmd("SCRIPT").arg("LOAD").arg(SET_IF).query_async(&mut connection).await?;
        Ok(Self { connection, set_if })
    }
}

impl Calls for ByHand {
    async fn get(&self, id: u64) -> Result<()> {
        let value: Option<Vec<u8>> = self.connection.clone().get(format!("user:{id}")).await?;
        black_box(serde_json::from_slice::<Profile>(&value.ok_or("it is there")?)?);
        Ok(())
    }

    async fn update(&self, id: u64) -> Result<()> {
        let (mut connection, key) = (self.connection.clone(), format!("user:{id}"));
        loop {
            let value: Option<Vec<u8>> = connection.get(&key).await?;
            let value = value.ok_or("it is there")?;
            let mut profile: Profile = serde_json::from_slice(&value)?;
            profile.logins += 1;
            let new = serde_json::to_vec(&profile)?;
            let mut call = cmd("EVALSHA");
            call.arg(&self.set_if).arg(1).arg(&key).arg(value).arg(new);
            let done: u8 = call.query_async(&mut connection).await?;
            if done == 1 {
                black_box(profile);
                return Ok(());
            }
        }
    }
}
