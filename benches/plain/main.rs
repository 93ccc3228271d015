//! What plain records cost: on Redis beside `GET`, and beside a compare-and-set in Lua by hand; on redb
//! beside the same records with an envelope. `cargo bench --bench plain` starts its own server.

#[path = "../support/mod.rs"]
mod support;

mod by_hand;
#[path = "../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use std::hint::black_box;

use kv_runtime::store::{AtomicStore, RedbDurability, RedbStore, RedisStore};
use kv_runtime::{Collection, Kv, KvEntity};
use tokio::runtime::{Builder, Runtime};

use by_hand::ByHand;
use redis_server::RedisServer;
use support::profile::{Profile, Role};
use support::{Report, Result, by_turns, nanos_each};

const USERS: u64 = 1_000;
const ROUNDS: usize = 200;
/// Calls of a round.
const ON_REDIS: usize = 200;
const ON_REDB: usize = 1_000;

/// Two entities with the same fields.
macro_rules! entity {
    ($name:ident, $($kv:tt)*) => {
        #[derive(KvEntity, Clone, Debug, PartialEq)]
        #[kv(prefix = "user", $($kv)*)]
        struct $name {
            #[kv(id)]
            id: u64,
            name: String,
            email: String,
            role: Role,
            bio: String,
            avatar_url: String,
            locale: String,
            interests: Vec<String>,
            last_seen: u64,
            logins: u32,
            is_verified: bool,
        }

        impl Sample for $name {
            fn sample(id: u64) -> Self {
                let Profile {
                    name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified,
                } = Profile::sample(id);
                Self {
                    id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified,
                }
            }

            fn count(&mut self) {
                self.logins += 1;
            }
        }
    };
}

entity!(PlainUser, plain);
entity!(User, version = 1);

trait Sample: KvEntity<Id = u64> {
    fn sample(id: u64) -> Self;
    fn count(&mut self);
}

/// The calls that are compared.
trait Calls {
    async fn get(&self, id: u64) -> Result<()>;
    async fn update(&self, id: u64) -> Result<()>;
}

impl<E: Sample, S: AtomicStore> Calls for Collection<E, S> {
    async fn get(&self, id: u64) -> Result<()> {
        black_box(Self::get(self, id).await?.ok_or("it is there")?);
        Ok(())
    }

    async fn update(&self, id: u64) -> Result<()> {
        black_box(Self::update(self, id, E::count).await?);
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut report = Report::new("plain");
    let server = RedisServer::start();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // The hand-written side, too, lives on the runtime of its caller.
    let options = RedisStore::options().runtime(runtime.handle().clone());
    let ours = Kv::new(runtime.block_on(options.connect(&server.url(0)))?).collection::<PlainUser>();
    let client = redis::Client::open(server.url(0))?;
    let theirs = runtime.block_on(async { ByHand::new(client.get_connection_manager().await?).await })?;
    runtime.block_on(ours.put_many((0..USERS).map(PlainUser::sample)))?;
    let redis = Pair { runtime: &runtime, ours: &ours, theirs: &theirs, calls: ON_REDIS };
    report.case("get", "GET by hand", "ns", 1.02, || redis.gets())?;
    report.case("update", "a Lua compare-and-set by hand", "ns", 1.05, || redis.updates())?;

    let directory = tempfile::tempdir_in(support::target_dir())?;
    let open = |name: &str| {
        RedbStore::options().durability(RedbDurability::OnFlush).open(directory.path().join(name))
    };
    let plain = Kv::new(open("plain.redb")?).collection::<PlainUser>();
    let enveloped = Kv::new(open("enveloped.redb")?).collection::<User>();
    runtime.block_on(plain.put_many((0..USERS).map(PlainUser::sample)))?;
    runtime.block_on(enveloped.put_many((0..USERS).map(User::sample)))?;
    let redb = Pair { runtime: &runtime, ours: &plain, theirs: &enveloped, calls: ON_REDB };
    report.case("redb-get", "the record with an envelope", "ns", 1.0, || redb.gets())?;
    report.case("redb-update", "the record with an envelope", "ns", 1.0, || redb.updates())?;
    report.finish()
}

struct Pair<'a, O, T> {
    runtime: &'a Runtime,
    ours: &'a O,
    theirs: &'a T,
    calls: usize,
}

impl<O: Calls, T: Calls> Pair<'_, O, T> {
    fn gets(&self) -> Result<support::Sides> {
        by_turns(
            ROUNDS,
            || self.round(async |id| self.ours.get(id).await),
            || self.round(async |id| self.theirs.get(id).await),
        )
    }

    fn updates(&self) -> Result<support::Sides> {
        by_turns(
            ROUNDS,
            || self.round(async |id| self.ours.update(id).await),
            || self.round(async |id| self.theirs.update(id).await),
        )
    }

    fn round(&self, call: impl AsyncFn(u64) -> Result<()>) -> Result<f64> {
        nanos_each(self.calls, || {
            self.runtime.block_on(async {
                for place in 0..self.calls as u64 {
                    call(place * 7 % USERS).await?;
                }
                Ok(())
            })
        })
    }
}
