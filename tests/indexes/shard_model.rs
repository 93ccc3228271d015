//! The model of entities in shards: random operations within shards and over several of them. Again
//! and again the indexes of each shard are compared with a scan of it.

use std::collections::BTreeMap;

use fastrand::Rng;
use kv_runtime::layer::{Fault, FaultStore, Operation};
use kv_runtime::store::{CommitScope, IndexStore, MemoryStore, StoreExt};
use kv_runtime::{Collection, Error, Kv, ManualClock, Timestamp};

use crate::member::{Member, MemberStats, MemberWho};
use crate::model::{LONGEST_TTL, Outcome, World, batches};

const ORGS: [&str; 3] = ["acme", "", "{7}"];
const IDS: u64 = 5;
const EMAILS: [&str; 4] = ["a@x", "b@x", "c!~%@x", ""];
const CITIES: [Option<&str>; 4] = [None, Some(""), Some("York"), Some("York!")];

pub struct Run<S, W> {
    kv: Kv<FaultStore<S>>,
    members: Collection<Member, FaultStore<S>>,
    world: W,
    rng: Rng,
}

impl<S: IndexStore, W: World> Run<S, W> {
    pub fn new(store: S, world: W, seed: u64) -> Self {
        let kv = Kv::new(FaultStore::new(store));
        let members = kv.collection();
        Self { kv, members, world, rng: Rng::with_seed(seed) }
    }

    fn member(&mut self) -> Member {
        let (org, id) = (ORGS[self.rng.usize(..ORGS.len())], self.rng.u64(1..=IDS));
        let (email, city) = (self.rng.usize(..EMAILS.len()), self.rng.usize(..CITIES.len()));
        Member::new(org, id, EMAILS[email], CITIES[city])
    }

    /// One call, which may fail, be dropped, or be refused.
    async fn call(&mut self) -> Outcome {
        let (member, other) = (self.member(), self.member());
        let ttl = W::UNIT * self.rng.u32(1..LONGEST_TTL);
        let members = if self.rng.u8(..3) == 0 { self.members.with_ttl(ttl) } else { self.members.clone() };
        let kv = self.kv.clone();
        let (who, stats) = (kv.collection::<MemberWho>(), kv.collection::<MemberStats>());
        let kind = self.rng.u8(..19);
        let call = async move {
            let id = (member.org.as_str(), member.id);
            let email = other.email.as_str();
            match kind {
                0 => members.put(&member).await,
                1 => members.insert(&member).await,
                2 => members.update(id, |it| it.email.clone_from(&other.email)).await.map(drop),
                3 => members.update(id, |it| it.logins += 1).await.map(drop),
                4 => members.update(id, |it| it.city.clone_from(&other.city)).await.map(drop),
                5 => members
                    .upsert(id, || member.clone(), |it| it.city.clone_from(&other.city))
                    .await
                    .map(drop),
                6 => members.delete(id).await,
                7 => members.delete_many([id, (other.org.as_str(), other.id)]).await,
                8 | 9 => members.put_many([&member, &other]).await,
                10 => members.touch(id).await.map(drop),
                11 => members.by(Member::EMAIL).delete((id.0, email)).await.map(drop),
                12 | 13 => kv.transact(async |tx| swap(tx, id, (id.0, other.id)).await).await,
                // Over two shards, which some stores refuse.
                14 => kv.transact(async |tx| swap(tx, id, (other.org.as_str(), other.id)).await).await,
                15 => who.update(id, |it| it.email.clone_from(&other.email)).await.map(drop),
                16 => who.put(&member.who()).await,
                17 => stats.update(id, |it| it.logins += 1).await.map(drop),
                _ => kv.transact(async |tx| tx.with_ttl(ttl).put(&member)).await,
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
                | Error::NotTogether { .. }
                | Error::OutcomeUnknown { .. }
                | Error::Store { .. }
                | Error::Partial { .. },
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
        self.kv.store().faults().clear();
    }

    /// Every lookup gives what a scan of the shard gives.
    async fn check(&self) -> Outcome {
        for org in ORGS {
            let mut all = self.members.list().within(org).page().await?.entities;
            let mut by_email = BTreeMap::new();
            for member in &all {
                let other = by_email.insert(member.email.clone(), member.id);
                assert_eq!(other, None, "{org}: {} has the email of another", member.id);
            }
            for email in EMAILS {
                let found = self.members.by(Member::EMAIL).get((org, email)).await?;
                let by_view =
                    self.kv.collection::<MemberWho>().by(MemberWho::EMAIL).get((org, email)).await?;
                assert_eq!(by_view.map(|it| it.id), found.as_ref().map(|it| it.id));
                assert_eq!(found.map(|it| it.id), by_email.get(email).copied(), "{org}: {email}");
            }
            all.sort_by(|a, b| (&a.city, a.id).cmp(&(&b.city, b.id)));
            let found = self.members.by(Member::BY_CITY).within(org).page().await?.entities;
            assert_eq!(found, all, "{org}");
        }
        Ok(())
    }

    /// After a sweep there are the entries of the entities and no others.
    async fn check_swept(&self) -> Outcome {
        let report = self.members.check_indexes().await?;
        assert_eq!((report.added, report.violations, report.unreadable), (0, 0, 0), "{report:?}");
        for one in self.members.census_indexes().await? {
            assert_eq!((one.entries, one.garbage), (report.entities, 0), "{}", one.name);
        }
        Ok(())
    }

    pub async fn run(mut self, batches: usize) -> Outcome {
        assert!(self.members.build_indexes().no_older_writers().run().await?.is_ready);
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

async fn swap<S: IndexStore>(
    tx: &kv_runtime::Tx<FaultStore<S>>,
    one: (&str, u64),
    other: (&str, u64),
) -> Outcome {
    let (one, other) = (tx.get::<Member>(one).await?, tx.get::<Member>(other).await?);
    let (Some(mut one), Some(mut other)) = (one, other) else { return Ok(()) };
    if one.id != other.id || one.org != other.org {
        std::mem::swap(&mut one.email, &mut other.email);
        tx.save(&one)?;
        tx.save(&other)?;
    }
    Ok(())
}

/// On a store that commits one shard at a time, and on one that commits any keys.
#[tokio::test]
async fn the_indexes_of_each_shard_equal_a_scan_of_it_in_memory() -> Outcome {
    for seed in 0..10 {
        println!("seed {seed}");
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
        let store = MemoryStore::with_clock((&clock).into());
        let mut capabilities = *store.capabilities();
        if seed % 2 == 0 {
            capabilities.limits = capabilities.limits.commit_scope(CommitScope::OneShard);
            capabilities.snapshot_reads = false;
        }
        Run::new(FaultStore::new(store).pretending(capabilities), clock, seed).run(batches(25)).await?;
    }
    Ok(())
}
