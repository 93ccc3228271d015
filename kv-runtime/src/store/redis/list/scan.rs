//! The next keys of a list by a look at every key of the server.
//!
//! `SCAN` shows a key that is there all the time at least once, in no order, and some twice. So one pass keeps the least keys behind the
//! cursor, as many as memory is allowed, and drops what it meets again: the list is in key order, and shows each key once.

use std::collections::BTreeSet;

use redis::{Cmd, ErrorKind, RedisError, Value};

use super::Candidates;
use crate::store::ListQuery;
use crate::store::redis::Inner;
use crate::store::redis::connection::Connection;
use crate::store::redis::spelling::Found;

/// The most keys that a pass keeps, and their bytes.
const MOST_KEPT: usize = 65_536;
const MOST_KEPT_BYTES: usize = 8 << 20;

/// How many keys the server looks at before it serves somebody else.
const AT_ONCE: u32 = 1_000;

impl Inner {
    /// The next keys of a list, by one pass over all keys.
    pub(super) async fn scan(
        &self,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Candidates, RedisError> {
        let mut least = Least::default();
        let pattern = self.spelling.pattern(query.prefix().as_str(), query.suffix());
        let mut take = |stored: &str| {
            let found = self.spelling.read(stored);
            let next =
                |found: &Found| query.matches(&found.text) && after.is_none_or(|after| *found.text > *after);
            if let Some(found) = found.filter(next) {
                least.insert(found);
            }
        };
        match &self.connection {
            Connection::Single(_) => {
                let send = |command| self.connection.query("", command);
                pass(&pattern, send, &mut take).await?;
            }
            #[cfg(feature = "redis-cluster")]
            Connection::Cluster(cluster) => cluster.scan(&pattern, &mut take).await?,
        }
        let more = least.more;
        Ok(Candidates { keys: least.keys.into_iter().collect(), more, remainder: fastrand::u64(1..) })
    }
}

/// One pass over the keys of one server that match a pattern.
pub(in crate::store::redis) async fn pass<F>(
    pattern: &str,
    send: impl Fn(Cmd) -> F,
    take: &mut (dyn FnMut(&str) + Send),
) -> Result<(), RedisError>
where
    F: Future<Output = Result<Value, RedisError>>,
{
    let mut cursor = b"0".to_vec();
    loop {
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(AT_ONCE);
        let (next, keys) = answer(send(command).await?)?;
        for key in &keys {
            // A key that is no text is nobody's here.
            if let Value::BulkString(bytes) = key
                && let Ok(key) = std::str::from_utf8(bytes)
            {
                take(key);
            }
        }
        if next == b"0" {
            return Ok(());
        }
        cursor = next;
    }
}

/// The next cursor of a `SCAN`, and the keys that it found.
fn answer(answer: Value) -> Result<(Vec<u8>, Vec<Value>), RedisError> {
    if let Value::Array(parts) = answer
        && let Ok([Value::BulkString(next), Value::Array(keys)]) = <[Value; 2]>::try_from(parts)
    {
        return Ok((next, keys));
    }
    Err(RedisError::from((ErrorKind::UnexpectedReturnType, "SCAN answers with a cursor and keys")))
}

/// The least of many keys, each once.
#[derive(Default)]
struct Least {
    keys: BTreeSet<Found>,
    bytes: usize,
    /// Whether greater ones were left out.
    more: bool,
}

impl Least {
    fn insert(&mut self, found: Found) {
        if self.more && self.keys.last().is_some_and(|last| found > *last) {
            return;
        }
        let len = found.text.len();
        if self.keys.insert(found) {
            self.bytes += len;
        }
        while self.keys.len() > MOST_KEPT || (self.bytes > MOST_KEPT_BYTES && self.keys.len() > 1) {
            if let Some(greatest) = self.keys.pop_last() {
                self.bytes -= greatest.text.len();
                self.more = true;
            }
        }
    }
}
