//! A token bucket for each client, shared by all processes that use the store.

use std::num::NonZeroU32;
use std::time::Duration;

use kv_runtime::store::AtomicStore;
use kv_runtime::{Clock, Collection, Error, KvEntity, Result, Timestamp};

/// How many requests a client has left. A client without a record has a full bucket.
#[derive(KvEntity, Debug)]
#[kv(prefix = "rate-limit")]
pub struct Bucket {
    #[kv(id)]
    client: String,
    tokens: u32,
    /// When the last token came in.
    filled_at: Timestamp,
}

/// Allows `burst` requests at once, and one more after each `interval`.
pub struct RateLimit<S> {
    buckets: Collection<Bucket, S>,
    clock: Clock,
    burst: NonZeroU32,
    interval: Duration,
}

/// Why a request is not allowed.
#[derive(Debug)]
pub enum Refused {
    /// There is no token. The next one comes in after this time.
    Wait(Duration),
    /// The store failed, so it is not known whether there is a token.
    Store(Error),
}

/// `try_update` needs this: the store may fail, too.
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl<S: AtomicStore> RateLimit<S> {
    pub fn new(buckets: Collection<Bucket, S>, clock: Clock, burst: NonZeroU32, interval: Duration) -> Self {
        // An update alone would keep the time that the record has left, and a busy client would get
        // a full bucket when it ends. With a TTL of the collection each request renews it.
        let until_full = interval.saturating_mul(burst.get());
        Self { buckets: buckets.with_ttl(until_full), clock, burst, interval }
    }

    /// Takes a token of this client, and returns how many are left.
    ///
    /// Two requests never get the same token: `try_update` writes by compare-and-swap, and runs the
    /// closure again if another process was faster. A request that is refused writes nothing.
    pub async fn take(&self, client: &str) -> Result<u32, Refused> {
        loop {
            let now = self.clock.now();
            match self.buckets.try_update(client, |bucket| self.take_from(bucket, now)).await {
                Ok(bucket) => return Ok(bucket.tokens),
                Err(Refused::Store(Error::NotFound { .. })) => {}
                Err(refused) => return Err(refused),
            }
            let tokens = self.burst.get() - 1;
            let bucket = Bucket { client: client.to_owned(), tokens, filled_at: now };
            match self.buckets.insert(&bucket).await {
                Ok(()) => return Ok(tokens),
                // Another request of this client came first.
                Err(Error::AlreadyExists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take_from(&self, bucket: &mut Bucket, now: Timestamp) -> Result<(), Refused> {
        while bucket.tokens < self.burst.get() && self.next_token(bucket) <= now {
            bucket.filled_at = self.next_token(bucket);
            bucket.tokens += 1;
        }
        if bucket.tokens == self.burst.get() {
            bucket.filled_at = now;
        }
        match bucket.tokens.checked_sub(1) {
            Some(left) => {
                bucket.tokens = left;
                Ok(())
            }
            None => Err(Refused::Wait(self.next_token(bucket).saturating_since(now))),
        }
    }

    fn next_token(&self, bucket: &Bucket) -> Timestamp {
        bucket.filled_at.saturating_add(self.interval)
    }
}
