//! What two indexes cost, against native_db with two secondary keys: 100,000 profiles with a unique
//! email and a team, both sides with postcard, in one redb file each.
//!
//! `update-unindexed-field` is against the same entity without indexes, and `disk-per-entry` against
//! the same entries that are written to redb by hand. `memory-per-entry` is `MemoryStore` against a
//! map and a set.

#[path = "../native_db/frame.rs"]
mod frame;
#[path = "../../support/mod.rs"]
mod support;

mod memory;
mod ours;
mod raw;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use frame::{Bench, IDS, PEER, by_turns_over, found, shuffled_ids};
use memory::{Counting, held_by};
use ours::{Ours, Plain, User};
use support::profile::Profile;
use support::{Report, Result, Sides, by_turns, nanos_each};
use theirs::Theirs;

/// How many are in each of the small teams, and in each of the three large ones.
const SMALL: u64 = 1_000;
const LARGE: u64 = 33_000;
/// The number of the first large team.
const FIRST_LARGE: u32 = 1_000_000;

/// How many lookups or updates a round makes.
const LOOKUPS: usize = 1_000;
const UPDATES: usize = 20;

const PLAIN: &str = "the entity without indexes";
const MAPS: &str = "a map and a set by hand";
const RAW: &str = "the entries by hand in redb";

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<()> {
    let mut report = Report::new("indexes");
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let models = theirs::models()?;
    let bench = Bench { directory: directory.path(), models: &models };

    let (in_order, shuffled) = (IDS.collect::<Vec<_>>(), shuffled_ids());
    report.case("insert-100k-2-indexes", PEER, "ns/record", 0.6, || bench.load(&in_order))?;
    report.case("insert-100k-2-indexes-shuffled", PEER, "ns/record", 0.9, || bench.load(&shuffled))?;
    report.case("disk-per-entry", RAW, "bytes/entry", 1.1, || bench.size(&in_order))?;

    report.case("memory-per-entry", MAPS, "bytes/entry", 1.1, || memory(&in_order))?;

    let (ours, theirs) = bench.filled(&in_order, small_team)?;
    report.case("get-by-unique", PEER, "ns", 0.9, || get(&ours, &theirs, &shuffled))?;
    report.case("list-by-index-1000", PEER, "ns/record", 0.8, || {
        list(&ours, &theirs, 100..200, SMALL as usize, 200)
    })?;
    report.case("update-unindexed-field", PLAIN, "ns", 1.05, || bench.update(&ours, &shuffled))?;
    drop((ours, theirs));

    let (ours, theirs) = bench.filled(&in_order[..3 * LARGE as usize], large_team)?;
    report.case("first-page-20-of-33000", PEER, "ns/record", 0.05, || {
        list(&ours, &theirs, FIRST_LARGE..FIRST_LARGE + 3, 20, 30)
    })?;
    report.finish()
}

impl<'a> Bench<'a> {
    /// Both sides with the users of these ids.
    fn filled(&self, ids: &[u64], team: fn(u64) -> u32) -> Result<(Ours<User>, Theirs<'a>)> {
        let (ours, theirs) = (Ours::open(&self.new_path("ours")?)?, self.create_theirs()?);
        ours.put(our_users(ids, team))?;
        theirs.insert(their_users(ids, team))?;
        Ok((ours, theirs))
    }

    fn create_theirs(&self) -> Result<Theirs<'a>> {
        Theirs::create(self.models, &self.new_path("theirs")?)
    }

    /// Ours in several batches of bounded size, theirs in one.
    fn load(&self, ids: &[u64]) -> Result<Sides> {
        by_turns(
            5,
            || {
                let (side, users) = (Ours::open(&self.new_path("ours")?)?, our_users(ids, small_team));
                nanos_each(ids.len(), || side.put(users))
            },
            || {
                let (side, users) = (self.create_theirs()?, their_users(ids, small_team));
                nanos_each(ids.len(), || side.insert(users))
            },
        )
    }

    /// How much room of a file each entry takes: ours beside the same file without indexes. The
    /// length of a file says little, because redb doubles it when it is full.
    fn size(&self, ids: &[u64]) -> Result<Sides> {
        let ours = Ours::open(&self.new_path("ours")?)?;
        ours.put(our_users(ids, small_team))?;
        let plain = Ours::open(&self.new_path("plain")?)?;
        plain.put(plain_users(ids))?;
        let ours = ours.used_bytes()? - plain.used_bytes()?;
        let entries: Vec<_> = ids.iter().map(|&id| (email(id), small_team(id), id)).collect();
        let theirs = raw::write_entries(&self.new_path("raw")?, &entries)?;
        let entries = 2.0 * ids.len() as f64;
        Ok(Sides { ours: ours / entries, theirs: theirs / entries })
    }

    /// Updates of a field that no index has, one durable commit each.
    fn update(&self, ours: &Ours<User>, ids: &[u64]) -> Result<Sides> {
        let plain = Ours::<Plain>::open(&self.new_path("plain")?)?;
        plain.put(plain_users(ids))?;
        let rounds = ids.chunks(UPDATES).cycle();
        let count = |ids: &[u64]| ours.update(ids, |user| user.profile.logins += 1);
        let count_plain = |ids: &[u64]| plain.update(ids, |user| user.profile.logins += 1);
        by_turns_over(100, UPDATES, rounds, count, count_plain)
    }
}

/// What a store in memory holds more for the same entities with indexes.
fn memory(ids: &[u64]) -> Result<Sides> {
    let (with, ours) = held_by(|| ours::in_memory(our_users(ids, small_team)));
    let (without, plain) = held_by(|| ours::in_memory(plain_users(ids)));
    drop((ours?, plain?));
    let (raw, entries) = held_by(|| {
        let by_email =
            ids.iter().map(|&id| (email(id).into_boxed_str(), format!("user:{id}").into_boxed_str()));
        let by_team = ids.iter().map(|&id| format!("{:010}:user:{id}", small_team(id)).into_boxed_str());
        (by_email.collect::<BTreeMap<_, _>>(), by_team.collect::<BTreeSet<_>>())
    });
    let count = (entries.0.len() + entries.1.len()) as f64;
    Ok(Sides { ours: (with - without) / count, theirs: raw / count })
}

fn get(ours: &Ours<User>, theirs: &Theirs<'_>, ids: &[u64]) -> Result<Sides> {
    let emails: Vec<String> = ids.iter().map(|&id| email(id)).collect();
    let rounds = emails.chunks(LOOKUPS).cycle();
    let (ours, theirs) = (
        |emails: &[String]| found(ours.get_all(emails)?, LOOKUPS),
        |emails: &[String]| found(theirs.get_all(emails)?, LOOKUPS),
    );
    by_turns_over(200, LOOKUPS, rounds, ours, theirs)
}

/// The first users of each of these teams in turn.
fn list(
    ours: &Ours<User>,
    theirs: &Theirs<'_>,
    teams: Range<u32>,
    users: usize,
    rounds: usize,
) -> Result<Sides> {
    let (ours, theirs) =
        (|team| found(ours.of_team(team, users)?, users), |team| found(theirs.of_team(team, users)?, users));
    by_turns_over(rounds, users, teams.cycle(), ours, theirs)
}

fn small_team(id: u64) -> u32 {
    (id / SMALL) as u32
}

fn large_team(id: u64) -> u32 {
    FIRST_LARGE + ((id - IDS.start) / LARGE) as u32
}

fn email(id: u64) -> String {
    format!("ada.lovelace.{id}@example.org")
}

fn our_users(ids: &[u64], team: fn(u64) -> u32) -> Vec<User> {
    let user = |&id| User { id, email: email(id), team: team(id), profile: Profile::sample(id) };
    ids.iter().map(user).collect()
}

fn plain_users(ids: &[u64]) -> Vec<Plain> {
    let user = |&id| Plain { id, email: email(id), team: small_team(id), profile: Profile::sample(id) };
    ids.iter().map(user).collect()
}

fn their_users(ids: &[u64], team: fn(u64) -> u32) -> Vec<theirs::User> {
    let user = |&id| theirs::User { id, email: email(id), team: team(id), profile: Profile::sample(id) };
    ids.iter().map(user).collect()
}
