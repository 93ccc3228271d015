//! An entity with two indexes, beside scripts that keep the same entries by hand.

use std::hint::black_box;

use kv_runtime::store::RedisStore;
use kv_runtime::{Collection, Kv, KvEntity};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands, Script};
use tokio::runtime::Runtime;

use crate::bench::{Bench, MANY, ROUNDS, SEQUENTIAL, USERS, id_of};
use crate::calls::BoxError;
use crate::support::profile::{Profile, Role};
use crate::support::{Report, Result, by_turns, nanos_each};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(unique)]
    email: String,
    role: Role,
    bio: String,
    avatar_url: String,
    #[kv(index)]
    locale: String,
    interests: Vec<String>,
    last_seen: u64,
    logins: u32,
    is_verified: bool,
}

fn user(id: u64) -> User {
    let Profile { name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified } =
        Profile::sample(id);
    User { id, name, email, role, bio, avatar_url, locale, interests, last_seen, logins, is_verified }
}

fn email(id: u64) -> String {
    format!("ada.lovelace.{id}@example.org")
}

const LOCALE: &str = "en-GB";

/// The calls that are compared.
trait Indexed {
    type User;

    fn sample(id: u64) -> Self::User;
    async fn insert(&self, user: &Self::User) -> Result<bool, BoxError>;
    async fn by_email(&self, email: &str) -> Result<bool, BoxError>;
    async fn of_locale(&self) -> Result<usize, BoxError>;
}

impl Indexed for Collection<User, RedisStore> {
    type User = User;

    fn sample(id: u64) -> User {
        user(id)
    }

    async fn insert(&self, user: &User) -> Result<bool, BoxError> {
        Self::insert(self, user).await?;
        Ok(true)
    }

    async fn by_email(&self, email: &str) -> Result<bool, BoxError> {
        Ok(black_box(self.by(User::EMAIL).get(email).await?).is_some())
    }

    async fn of_locale(&self) -> Result<usize, BoxError> {
        let page = self.by(User::LOCALE).equal(LOCALE).limit(MANY).page().await?;
        Ok(black_box(page).entities.len())
    }
}

struct ByHand {
    connection: ConnectionManager,
    insert: Script,
    by_email: Script,
    /// Whether a user is looked up by two commands instead of a script.
    by_two_gets: bool,
}

impl ByHand {
    fn new(connection: ConnectionManager) -> Self {
        let insert = "if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 0, ARGV[3])
return 1";
        // It reads a key that it was not given, which works on one server alone.
        let by_email = "local id = redis.call('GET', KEYS[1])
return id and redis.call('GET', 'user:' .. id)";
        let (insert, by_email) = (Script::new(insert), Script::new(by_email));
        Self { connection, insert, by_email, by_two_gets: false }
    }
}

impl Indexed for ByHand {
    type User = (u64, Profile);

    fn sample(id: u64) -> (u64, Profile) {
        (id, Profile::sample(id))
    }

    async fn insert(&self, (id, profile): &(u64, Profile)) -> Result<bool, BoxError> {
        let value = serde_json::to_vec(profile)?;
        let mut call = self.insert.key(format!("user:{id}"));
        call.key(format!("email:{}", profile.email)).key("by_locale");
        call.arg(value).arg(*id).arg(format!("{}:{id:020}", profile.locale));
        Ok(call.invoke_async::<bool>(&mut self.connection.clone()).await?)
    }

    async fn by_email(&self, email: &str) -> Result<bool, BoxError> {
        let mut connection = self.connection.clone();
        let claim = format!("email:{email}");
        let value: Option<Vec<u8>> = if self.by_two_gets {
            match connection.get::<_, Option<u64>>(claim).await? {
                Some(id) => connection.get(format!("user:{id}")).await?,
                None => None,
            }
        } else {
            self.by_email.key(claim).invoke_async(&mut connection).await?
        };
        let profile = value.map(|value| serde_json::from_slice::<Profile>(&value)).transpose()?;
        Ok(black_box(profile).is_some())
    }

    async fn of_locale(&self) -> Result<usize, BoxError> {
        let mut connection = self.connection.clone();
        let mut next = redis::cmd("ZRANGE");
        next.arg("by_locale").arg(format!("[{LOCALE}:")).arg(format!("({LOCALE};"));
        next.arg("BYLEX").arg("LIMIT").arg(0).arg(MANY);
        let members: Vec<String> = next.query_async(&mut connection).await?;
        let ids = members.iter().filter_map(|member| member.rsplit_once(':')?.1.parse::<u64>().ok());
        let keys: Vec<String> = ids.map(|id| format!("user:{id}")).collect();
        let values: Vec<Vec<u8>> = connection.mget(keys).await?;
        let profiles: Vec<Profile> =
            values.iter().map(|value| serde_json::from_slice(value)).collect::<Result<_, _>>()?;
        Ok(black_box(profiles).len())
    }
}

/// One way to make the calls, and the id of the next user.
struct Side<'a, C> {
    runtime: &'a Runtime,
    calls: C,
    next: u64,
}

impl<C: Indexed> Side<'_, C> {
    fn run<T>(&self, calls: impl Future<Output = Result<T, BoxError>>) -> Result<T> {
        self.runtime.block_on(calls).map_err(|error| -> Box<dyn std::error::Error> { error })
    }

    fn inserts(&mut self, count: usize) -> Result<f64> {
        let users: Vec<_> = (self.next..).take(count).map(C::sample).collect();
        self.next += count as u64;
        nanos_each(count, || {
            self.run(async {
                for user in &users {
                    assert!(self.calls.insert(user).await?);
                }
                Ok(())
            })
        })
    }

    fn gets(&self) -> Result<f64> {
        let emails: Vec<String> = (0..SEQUENTIAL).map(|place| email(id_of(place))).collect();
        nanos_each(SEQUENTIAL, || {
            self.run(async {
                for email in &emails {
                    assert!(self.calls.by_email(email).await?);
                }
                Ok(())
            })
        })
    }

    fn pages(&self) -> Result<f64> {
        nanos_each(MANY, || {
            assert_eq!(self.run(self.calls.of_locale())?, MANY);
            Ok(())
        })
    }
}

pub fn run(report: &mut Report, bench: &Bench<'_>) -> Result<()> {
    let ours: Collection<User, RedisStore> = Kv::new(bench.store(4, false)?).collection();
    let built = bench.runtime.block_on(ours.build_indexes().no_older_writers().run())?;
    assert!(built.is_ready);
    let mut ours = Side { runtime: bench.runtime, calls: ours, next: 0 };
    let by_hand = ByHand::new(bench.by_hand(5, false)?.connection);
    let mut theirs = Side { runtime: bench.runtime, calls: by_hand, next: 0 };
    ours.inserts(USERS)?;
    theirs.inserts(USERS)?;
    report.case("insert-2-indexes", "a script by hand", "ns", 1.1, || {
        by_turns(ROUNDS, || ours.inserts(SEQUENTIAL / 4), || theirs.inserts(SEQUENTIAL / 4))
    })?;
    report.case("get-by-unique", "a script by hand", "ns", 1.1, || {
        by_turns(ROUNDS, || ours.gets(), || theirs.gets())
    })?;
    report.case("list-by-index-100", "ZRANGE and MGET by hand", "ns/record", 1.15, || {
        by_turns(2 * ROUNDS, || ours.pages(), || theirs.pages())
    })?;
    theirs.calls.by_two_gets = true;
    report.case("get-by-unique-2-gets", "GET and GET by hand", "ns", None, || {
        by_turns(ROUNDS, || ours.gets(), || theirs.gets())
    })
}
