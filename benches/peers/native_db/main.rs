//! Against native_db, the nearest Rust library that keeps typed, versioned structs in a file: 100,000 profiles, both sides with
//! postcard, in one redb file each, and with the same durability.

#[path = "../../support/mod.rs"]
mod support;

mod frame;
mod ours;
mod theirs;

use std::fs;
use std::ops::Range;

use frame::{Bench, IDS, PEER, by_turns_over, found, shuffled_ids};
use ours::Ours;
use support::profile::Profile;
use support::{Report, Result, Sides, by_turns, nanos_each};
use theirs::Theirs;

const TEAMS: Range<u32> = 100..200;
const IN_TEAM: Range<u32> = 1_000..2_000;

/// How many gets a round makes.
const GETS: usize = 1_000;

fn main() -> Result<()> {
    let mut report = Report::new("native_db");
    let directory = tempfile::tempdir_in(support::target_dir())?;
    let models = theirs::models()?;
    let bench = Bench { directory: directory.path(), models: &models };

    let (in_order, shuffled) = (IDS.collect::<Vec<_>>(), shuffled_ids());
    report.case("insert-100k", PEER, "ns/record", 0.5, || bench.load(&in_order))?;
    report.case("bytes-on-disk", PEER, "bytes/record", 0.53, || bench.size(&in_order))?;
    report.case("insert-100k-shuffled", PEER, "ns/record", 0.95, || bench.load(&shuffled))?;
    report.case("bytes-on-disk-shuffled", PEER, "bytes/record", 0.6, || bench.size(&shuffled))?;

    let (ours, theirs) = bench.users(&in_order)?;
    report.case("get-random", PEER, "ns", 0.95, || get(&ours, &theirs, &shuffled))?;
    report.case("insert-one-durable", PEER, "ns", 1.2, || insert(&ours, &theirs))?;
    report.case("update-two-together", PEER, "ns", 1.1, || update_two(&ours, &theirs))?;
    drop((ours, theirs));
    let (ours, theirs) = bench.members()?;
    report.case("list-1000", PEER, "ns/record", 0.9, || list(&ours, &theirs))?;
    drop((ours, theirs));
    report.finish()
}

impl<'a> Bench<'a> {
    fn create_ours(&self) -> Result<Ours> {
        Ours::open(&self.new_path("ours")?)
    }

    fn create_theirs(&self) -> Result<Theirs<'a>> {
        Theirs::create(self.models, &self.new_path("theirs")?)
    }

    /// The users with these ids on both sides.
    fn users(&self, ids: &[u64]) -> Result<(Ours, Theirs<'a>)> {
        let (ours, theirs) = (self.create_ours()?, self.create_theirs()?);
        ours.put_users(our_users(ids))?;
        theirs.insert_users(their_users(ids))?;
        Ok((ours, theirs))
    }

    /// The members of all teams on both sides, loaded team by team.
    fn members(&self) -> Result<(Ours, Theirs<'a>)> {
        let (ours, theirs) = (self.create_ours()?, self.create_theirs()?);
        let members =
            || TEAMS.flat_map(|team| IN_TEAM.map(move |user| (team, user, Profile::sample(user.into()))));
        ours.put_members(members().map(|(team, user, profile)| ours::Member { team, user, profile }))?;
        theirs.insert_members(members().map(|(team, user, profile)| theirs::Member {
            team,
            user,
            profile,
        }))?;
        Ok((ours, theirs))
    }

    /// Ours in several batches of bounded size, theirs in one.
    fn load(&self, ids: &[u64]) -> Result<Sides> {
        by_turns(
            7,
            || {
                let (side, users) = (self.create_ours()?, our_users(ids));
                nanos_each(ids.len(), || side.put_users(users))
            },
            || {
                let (side, users) = (self.create_theirs()?, their_users(ids));
                nanos_each(ids.len(), || side.insert_users(users))
            },
        )
    }

    fn size(&self, ids: &[u64]) -> Result<Sides> {
        drop(self.users(ids)?);
        let size =
            |side| Ok::<_, std::io::Error>(fs::metadata(self.path(side))?.len() as f64 / ids.len() as f64);
        Ok(Sides { ours: size("ours")?, theirs: size("theirs")? })
    }
}

fn get(ours: &Ours, theirs: &Theirs<'_>, ids: &[u64]) -> Result<Sides> {
    let rounds = ids.chunks(GETS).cycle();
    let (ours, theirs) =
        (|ids: &[u64]| found(ours.get_all(ids)?, GETS), |ids: &[u64]| found(theirs.get_all(ids)?, GETS));
    by_turns_over(300, GETS, rounds, ours, theirs)
}

fn insert(ours: &Ours, theirs: &Theirs<'_>) -> Result<Sides> {
    let (mut our_ids, mut their_ids) = (IDS.end.., IDS.end..);
    by_turns(
        1_000,
        || {
            let id = our_ids.next().unwrap_or_default();
            let user = ours::User { id, profile: Profile::sample(id) };
            nanos_each(1, || ours.insert(&user))
        },
        || {
            let id = their_ids.next().unwrap_or_default();
            let user = theirs::User { id, profile: Profile::sample(id) };
            nanos_each(1, || theirs.insert(user))
        },
    )
}

fn update_two(ours: &Ours, theirs: &Theirs<'_>) -> Result<Sides> {
    let pair = |turn: u64| [IDS.start + 7 * turn, IDS.end - 1 - 11 * turn];
    let (mut our_turns, mut their_turns) = (0.., 0..);
    by_turns(
        1_000,
        || nanos_each(1, || ours.update_two(pair(our_turns.next().unwrap_or_default()))),
        || nanos_each(1, || theirs.update_two(pair(their_turns.next().unwrap_or_default()))),
    )
}

fn list(ours: &Ours, theirs: &Theirs<'_>) -> Result<Sides> {
    let members = IN_TEAM.len();
    let (ours, theirs) = (
        |team| found(ours.members_of(team)?.len(), members),
        |team| found(theirs.members_of(team)?.len(), members),
    );
    by_turns_over(300, members, TEAMS.cycle(), ours, theirs)
}

fn our_users(ids: &[u64]) -> Vec<ours::User> {
    ids.iter().map(|&id| ours::User { id, profile: Profile::sample(id) }).collect()
}

fn their_users(ids: &[u64]) -> Vec<theirs::User> {
    ids.iter().map(|&id| theirs::User { id, profile: Profile::sample(id) }).collect()
}
