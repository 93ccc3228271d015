//! The values of a page, as many as it has room for.
//!
//! The values of a page that was read whole could be of any size. One server gives values until the
//! room is used up. On a cluster the keys are on different nodes, so the lengths are asked
//! for first.

use redis::{Cmd, Value};

use crate::error::Fault;
use crate::error::unexpected_answer;
use crate::inner::Inner;
use crate::read::Expiries;
use crate::script::{Lua, lua};
use crate::server::Deadline;
use crate::wire;

/// The values of keys, up to the one at which keys and values have so many bytes. A number stands
/// for a value that is no string.
static VALUES_WITH_ROOM: Lua = lua!(
    "local room = tonumber(ARGV[1])
local values = {}
for index, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key)
  room = room - #key
  if type(value) == 'string' then
    room = room - #value
  elseif value then
    if not string.find(value.err, 'WRONGTYPE') then
      return value
    end
    value = 0
  end
  values[index] = value
  if room <= 0 then
    break
  end
end
return values"
);

impl Inner {
    /// The values of the first of these keys, up to the one at which keys and values have so many
    /// bytes. What is no string is an error or a number.
    pub(super) async fn values_with_room<S: AsRef<str> + Sync>(
        &self,
        keys: &[S],
        room: usize,
        by: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        if self.connection.is_cluster() {
            let keys = self.with_room(keys, room, by).await?;
            let answers = self.values(keys, Expiries::Omitted, by).await?;
            return Ok(answers.into_iter().map(|answer| answer.value).collect());
        }
        let room = room.to_string();
        match self.connection.run(&VALUES_WITH_ROOM, keys, &[room.as_bytes()], by).await? {
            Value::Array(values) if (1..=keys.len()).contains(&values.len()) => Ok(values),
            _ => Err(unexpected_answer("the script answers with values")),
        }
    }

    /// The first of these keys, up to the one at which keys and values have so many bytes.
    async fn with_room<'k, S: AsRef<str> + Sync>(
        &self,
        keys: &'k [S],
        room: usize,
        by: Deadline,
    ) -> Result<&'k [S], Fault> {
        if keys.len() < 2 {
            return Ok(keys);
        }
        let lens = self.each(keys, |key| [strlen(key)], by).await?;
        let mut bytes = 0_usize;
        for (index, (key, [len])) in keys.iter().zip(lens).enumerate() {
            let len = match wire::count(len) {
                Ok(len) => usize::try_from(len).unwrap_or(usize::MAX),
                // What is no string is shown as an error, without its value.
                Err(fault) if fault.code().as_deref() == Some("WRONGTYPE") => 0,
                Err(fault) => return Err(fault),
            };
            bytes = bytes.saturating_add(key.as_ref().len()).saturating_add(len);
            if bytes >= room {
                return Ok(keys.get(..=index).unwrap_or(keys));
            }
        }
        Ok(keys)
    }
}

fn strlen(key: &str) -> Cmd {
    let mut command = Cmd::with_capacity(2, key.len() + 6);
    command.arg("STRLEN").arg(key);
    command
}
