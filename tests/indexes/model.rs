//! Random operations, with failures, dropped calls, expiry, transactions and views. Again and again
//! the indexes are compared with a scan of all entities.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use fastrand::Rng;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::store::{
    EntryQuery, IndexStore, ListQuery, MemoryStore, RedbDurability, RedbStore, StoreExt,
};
use kv_runtime::{Collection, Error, Kv, KvEntity, ManualClock, Timestamp};

pub type Outcome = Result<(), Error>;

/// A user of two groups. The views of both are written, too.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user", group = "profile", view = "Profile", group(name = "stats", optional, view = "Stats"))]
#[kv(index(name = "by_city", on(country, city, id)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique(with = str::to_lowercase))]
    email: String,
    country: String,
    city: Option<String>,
    #[kv(index)]
    signed_up: Timestamp,
    #[kv(unique)]
    nickname: Option<String>,
    #[kv(group = "stats")]
    #[serde(default)]
    logins: u64,
}

impl User {
    /// What the view of the group with the indexes has of it.
    fn profile(self) -> Profile {
        let Self { id, email, country, city, signed_up, nickname, .. } = self;
        Profile { id, email, country, city, signed_up, nickname }
    }
}

const IDS: u64 = 8;
const EMAILS: [&str; 5] = ["a@x", "A@x", "b@x", "c@x", "d~!%@x"];
const CITIES: [Option<&str>; 4] = [None, Some(""), Some("York"), Some("York!")];
const NICKNAMES: [Option<&str>; 4] = [None, Some("n"), Some("m"), Some("")];

/// The longest TTL of a user, if it has one.
pub const LONGEST_TTL: u32 = 20;

/// How time passes, and what else goes wrong.
pub trait World {
    /// The unit of TTLs.
    const UNIT: Duration;

    async fn pass(&self, units: u32);

    /// Has a later request or answer be lost, if there are any.
    fn lose(&self, _is_answer: bool) {}

    /// Loses nothing any more, and returns when nothing changes by itself.
    async fn come_to_rest(&self) {}

    /// Drops a call on its way. A dropped call has made its writes or not.
    async fn drop_on_its_way(&self, call: impl Future<Output = Outcome>) -> Outcome {
        futures_util::future::poll_immediate(pin!(call)).await.unwrap_or(Ok(()))
    }
}

impl World for ManualClock {
    const UNIT: Duration = Duration::from_secs(1);

    async fn pass(&self, units: u32) {
        self.advance(Self::UNIT * units);
    }
}

/// A file. The writer's thread may still be at a write whose future was dropped.
struct File {
    clock: ManualClock,
    store: RedbStore,
}

impl World for File {
    const UNIT: Duration = <ManualClock as World>::UNIT;

    async fn pass(&self, units: u32) {
        self.clock.pass(units).await;
    }

    async fn come_to_rest(&self) {
        // The writer's thread takes it behind all earlier ones.
        self.store.delete(kv_runtime::key::Key::from_text("rest")).await.expect("the file can be written");
    }
}

pub struct Run<S, W> {
    kv: Kv<FaultStore<S>>,
    users: Collection<User, FaultStore<S>>,
    world: W,
    rng: Rng,
}

impl<S: IndexStore, W: World> Run<S, W> {
    pub fn new(store: S, world: W, seed: u64) -> Self {
        let kv = Kv::new(FaultStore::new(store));
        let users = kv.collection();
        Self { kv, users, world, rng: Rng::with_seed(seed) }
    }

    fn id(&mut self) -> u64 {
        self.rng.u64(1..=IDS)
    }

    fn email(&mut self) -> String {
        EMAILS[self.rng.usize(..EMAILS.len())].to_owned()
    }

    fn user(&mut self) -> User {
        let id = self.id();
        User {
            city: CITIES[self.rng.usize(..CITIES.len())].map(str::to_owned),
            nickname: NICKNAMES[self.rng.usize(..NICKNAMES.len())].map(str::to_owned),
            signed_up: Timestamp::from_millis(self.rng.u64(1..4)),
            country: if self.rng.bool() { "GB" } else { "G" }.to_owned(),
            id,
            email: self.email(),
            logins: 0,
        }
    }

    /// One call, which may fail, be dropped, or be refused.
    async fn call(&mut self) -> Outcome {
        let (user, other, id, email) = (self.user(), self.user(), self.id(), self.email());
        let ttl = W::UNIT * self.rng.u32(1..LONGEST_TTL);
        let users = if self.rng.u8(..3) == 0 { self.users.with_ttl(ttl) } else { self.users.clone() };
        let kv = self.kv.clone();
        let (profiles, stats) = (kv.collection::<Profile>(), kv.collection::<Stats>());
        let kind = self.rng.u8(..22);
        let call = async move {
            match kind {
                0 => users.put(&user).await,
                1 => users.insert(&user).await,
                2 => users.update(id, |it| it.email.clone_from(&email)).await.map(drop),
                3 => users.update(id, |it| it.logins += 1).await.map(drop),
                4 => users.update(id, |it| *it = User { id, ..user.clone() }).await.map(drop),
                5 => users
                    .upsert(user.id, || user.clone(), |it| it.city.clone_from(&other.city))
                    .await
                    .map(drop),
                6 => users.delete(id).await,
                7 => users.delete_many([id, user.id]).await,
                8 => users.put_many([&user, &other]).await,
                9 => users.touch(id).await.map(drop),
                10 => users.by(User::EMAIL).delete(&email).await.map(drop),
                11 => users.update_last_write_wins(id, |it| it.email.clone_from(&email)).await.map(drop),
                12 => users
                    .upsert_last_write_wins(user.id, || user.clone(), |it| it.nickname = None)
                    .await
                    .map(drop),
                13 => kv.transact(async |tx| swap(tx, id, other.id).await).await,
                14 => {
                    kv.transact(async |tx| {
                        tx.delete::<User>(id)?;
                        tx.put(&user)?;
                        tx.with_ttl(ttl)
                            .upsert(other.id, || other.clone(), |it| it.logins += 1)
                            .await
                            .map(drop)
                    })
                    .await
                }
                15 => profiles.update(id, |it| it.email.clone_from(&email)).await.map(drop),
                16 => profiles.update(id, |it| it.city.clone_from(&user.city)).await.map(drop),
                17 => profiles.put(&user.profile()).await,
                18 => profiles.by(Profile::EMAIL).delete(&email).await.map(drop),
                19 => stats.update(id, |it| it.logins += 1).await.map(drop),
                20 => {
                    kv.transact(async |tx| {
                        let by_view = tx.get::<Profile>(id).await?;
                        let whole = tx.get::<User>(other.id).await?;
                        let (Some(mut by_view), Some(mut whole)) = (by_view, whole) else { return Ok(()) };
                        if by_view.id != whole.id {
                            std::mem::swap(&mut by_view.email, &mut whole.email);
                            tx.save(&by_view)?;
                            tx.save(&whole)?;
                        }
                        Ok(())
                    })
                    .await
                }
                _ => kv.transact(async |tx| tx.insert(&user)).await,
            }
        };
        if self.rng.u8(..8) == 0 { self.world.drop_on_its_way(call).await } else { call.await }
    }

    async fn step(&mut self) {
        match self.rng.u8(..12) {
            0 => self.world.pass(self.rng.u32(1..8)).await,
            1 => {
                let fault = if self.rng.bool() { Fault::fail() } else { Fault::fail().after() };
                let skip = self.rng.u64(..3);
                self.kv.store().faults().add(fault.on(&[Operation::Commit]).skip(skip).times(1));
            }
            2 => self.world.lose(self.rng.bool()),
            _ => {}
        }
        match self.call().await {
            Ok(())
            | Err(
                Error::NotUnique { .. }
                | Error::NotFound { .. }
                | Error::AlreadyExists { .. }
                | Error::OutcomeUnknown { .. }
                | Error::Store { .. }
                | Error::Partial { .. },
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
        self.kv.store().faults().clear();
    }

    /// Every lookup gives what a scan gives.
    async fn check(&self) -> Outcome {
        let all = self.users.list().page().await?.entities;
        let mut by_email = BTreeMap::new();
        let mut by_nickname = BTreeMap::new();
        for user in &all {
            let other = by_email.insert(user.email.to_lowercase(), user.id);
            assert_eq!(other, None, "{} has the email of another", user.id);
            if let Some(nickname) = &user.nickname {
                let other = by_nickname.insert(nickname.clone(), user.id);
                assert_eq!(other, None, "{} has the nickname of another", user.id);
            }
        }
        for email in EMAILS {
            let found = self.users.by(User::EMAIL).get(email).await?;
            let by_view = self.kv.collection::<Profile>().by(Profile::EMAIL).get(email).await?;
            assert_eq!(by_view.map(|user| user.id), found.as_ref().map(|user| user.id));
            assert_eq!(found.map(|user| user.id), by_email.get(&email.to_lowercase()).copied(), "{email}");
        }
        for nickname in NICKNAMES.into_iter().flatten() {
            let found = self.users.by(User::NICKNAME).get(nickname).await?;
            assert_eq!(found.map(|user| user.id), by_nickname.get(nickname).copied(), "{nickname}");
        }
        let key = |user: &User| (user.country.clone(), user.city.clone(), user.id);
        let found = self.users.by(User::BY_CITY).page().await?.entities;
        assert_eq!(keys(&found, key), sorted(&all, key));
        let key = |user: &User| (user.signed_up, user.id);
        let found = self.users.by(User::SIGNED_UP).page().await?.entities;
        assert_eq!(keys(&found, key), sorted(&all, key));
        Ok(())
    }

    /// After a sweep there are the entries of the entities and no others.
    async fn check_swept(&self) -> Outcome {
        let report = self.users.check_indexes().await?;
        assert_eq!((report.added, report.violations, report.unreadable), (0, 0, 0), "{report:?}");
        let all = self.users.list().page().await?.entities;
        let nicknames = all.iter().filter(|user| user.nickname.is_some()).count();
        for (index, expected) in [("by_city", all.len()), ("signed_up", all.len())] {
            let query = EntryQuery::new(kv_runtime::key::Key::from_text(format!("user!{index}!")));
            let entries = self.kv.store().entries(&query).await?;
            let keys: Vec<&str> = entries.keys().collect();
            let records = ListQuery::new(kv_runtime::key::Key::from_text("user:"));
            let records = self.kv.store().page(&records).await?;
            let records: Vec<&str> = records.keys().collect();
            assert_eq!(entries.len(), expected, "{keys:?} of {records:?}");
        }
        for (index, expected) in [("email", all.len()), ("nickname", nicknames)] {
            let query = ListQuery::new(kv_runtime::key::Key::from_text(format!("user!{index}!")));
            assert_eq!(self.kv.store().page(&query).await?.len(), expected, "{index}");
        }
        Ok(())
    }

    pub async fn run(mut self, batches: usize) -> Outcome {
        // Where others may write, an index of an empty collection is not ready by itself.
        assert!(self.users.build_indexes().no_older_writers().run().await?.is_ready);
        for batch in 0..batches {
            for _ in 0..40 {
                self.step().await;
            }
            self.world.come_to_rest().await;
            self.check().await?;
            if batch % 4 == 3 {
                self.check_swept().await?;
            }
        }
        Ok(())
    }
}

async fn swap<S: IndexStore>(tx: &kv_runtime::Tx<FaultStore<S>>, one: u64, other: u64) -> Outcome {
    let (one, other) = (tx.get::<User>(one).await?, tx.get::<User>(other).await?);
    let (Some(mut one), Some(mut other)) = (one, other) else { return Ok(()) };
    if one.id != other.id {
        std::mem::swap(&mut one.email, &mut other.email);
        std::mem::swap(&mut one.nickname, &mut other.nickname);
        tx.save(&one)?;
        tx.save(&other)?;
    }
    Ok(())
}

fn keys<K>(users: &[User], key: impl Fn(&User) -> K) -> Vec<K> {
    users.iter().map(key).collect()
}

fn sorted<K: Ord + Debug>(users: &[User], key: impl Fn(&User) -> K) -> Vec<K> {
    let mut keys = keys(users, key);
    keys.sort();
    keys
}

/// Returns how many batches of 40 operations a run has, if the environment does not say it. A million
/// operations: `KV_INDEX_BATCHES=1250 cargo test --release --all-features --test indexes in_memory`,
/// and 6250 batches for `in_redb`.
/// On Redis: `KV_INDEX_BATCHES=8500 cargo test --release --all-features --test indexes scan_on_redis -- --ignored`.
pub fn batches(default: usize) -> usize {
    std::env::var("KV_INDEX_BATCHES").ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// A failing seed is in the panic's thread name and message.
async fn in_memory(seed: u64, batches: usize) -> Outcome {
    println!("seed {seed}");
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let store = MemoryStore::with_clock((&clock).into());
    Run::new(store, clock, seed).run(batches).await
}

#[tokio::test]
async fn the_indexes_equal_a_scan_in_memory() -> Outcome {
    for seed in 0..20 {
        in_memory(seed, batches(25)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_indexes_equal_a_scan_in_redb() -> Result<(), Box<dyn std::error::Error>> {
    for seed in 0..4 {
        println!("seed {seed}");
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        let dir = tempfile::tempdir()?;
        let options = RedbStore::options().clock((&clock).into()).durability(RedbDurability::OnFlush);
        let store = options.open(dir.path().join("model.redb"))?;
        let file = File { clock, store: store.clone() };
        Run::new(store, file, seed).run(batches(25)).await?;
    }
    Ok(())
}
