//! `migrate_keys`: all entities under other keys.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::Operation;
use kv_runtime::migrate::Object;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{Limits, MemoryStore, RedbStore, Store, StoreExt};
use kv_runtime::{BoxError, Clock, Codec, Error, Kv, KvEntity, ManualClock, Timestamp};

use crate::recorded::Recorded;
use crate::{Outcome, START, lay, lying, memory, shape};

/// The old keys, `user:{id}`: no other field is needed.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user")]
struct OldKey {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member", version = 2)]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(added(since = 2))]
    role: String,
}

fn member_of(id: u64) -> Option<(String, u64)> {
    Some((if id.is_multiple_of(2) { "even" } else { "odd" }.to_owned(), id))
}

async fn put(store: &impl Store, key: &str, json: &str, expiry: Expiry) -> kv_runtime::Result<()> {
    let metadata = Metadata::new(1, Codec::Json).with_created_at(Some(Timestamp::from_millis(77)));
    store.put(Key::from_text(key), NewRecord::new(json.to_owned(), metadata).with_expiry(expiry)).await
}

async fn is_there(store: &impl Store, key: &str) -> kv_runtime::Result<bool> {
    Ok(store.read(&Key::from_text(key)).await?.is_some())
}

#[tokio::test]
async fn what_is_moved_keeps_all_but_its_key() -> Outcome {
    let (kv, clock) = memory();
    let json = r#"{ "name":"Ada", "wei":123456789012345678901234567890 }"#;
    put(kv.store(), "user:7", json, Expiry::At(START.saturating_add(Duration::from_secs(90)))).await?;
    put(kv.store(), "user:8", json, Expiry::Never).await?;
    lay(&kv, "user:x", 1, "{}").await?;
    let (old, members) = (kv.collection::<OldKey>(), kv.collection::<Member>());
    clock.advance(Duration::from_secs(30));
    let dry = members.migrate_keys(&old, member_of).dry_run().run().await?;
    assert_eq!((dry.dry_run, dry.moved, dry.skipped), (true, 2, 1));
    assert!(dry.to_string().starts_with("dry run: nothing was written\nmoved                 2"), "{dry}");
    assert!(is_there(kv.store(), "user:7").await? && !is_there(kv.store(), "member:odd:7").await?);

    let report = members.migrate_keys(&old, member_of).run().await?;
    assert_eq!((report.moved, report.in_place, report.skipped, report.failed), (2, 0, 1, 0));
    for (from, to) in [("user:7", "member:odd:7"), ("user:8", "member:even:8")] {
        assert!(!is_there(kv.store(), from).await?);
        // The version, too: steps bring the value to the current one later.
        assert_eq!(shape(&kv, to).await?, (1, json.to_owned()));
        let created = lying(&kv, to).await?.metadata.created_at;
        assert_eq!(created, Some(Timestamp::from_millis(77)));
    }
    assert_eq!(members.get(("odd", 7)).await?.map(|it| it.name).as_deref(), Some("Ada"));
    clock.advance(Duration::from_secs(61));
    assert!(members.get(("odd", 7)).await?.is_none(), "the TTL went on");
    assert!(members.get(("even", 8)).await?.is_some());
    // A second run finds nothing to do.
    let again = members.migrate_keys(&old, member_of).run().await?;
    assert_eq!((again.moved, again.in_place, again.skipped), (0, 0, 1));
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member")]
struct SameKeys {
    #[kv(id)]
    id: String,
    name: String,
}

#[tokio::test]
async fn ids_change_within_a_prefix_and_a_second_run_leaves_them() -> Outcome {
    let (kv, _) = memory();
    for (id, name) in [("2139", "i"), ("00A9", "c"), ("1F600", "grin")] {
        lay(&kv, &format!("member:{id}"), 1, &format!(r#"{{"name":"{name}"}}"#)).await?;
    }
    let all = kv.collection::<SameKeys>();
    let new_id = |id: String| (id.len() == 4).then(|| format!("{id}-FE0F"));
    let report = all.migrate_keys(&all, new_id).run().await?;
    // What was moved behind the cursor is listed again, and stays.
    assert_eq!(report.moved, 2, "{report}");
    assert_eq!(all.get("2139-FE0F").await?.map(|it| it.name).as_deref(), Some("i"));
    let report = all.migrate_keys(&all, new_id).run().await?;
    assert_eq!((report.moved, report.in_place), (0, 3));
    Ok(())
}

#[tokio::test]
async fn an_id_that_moves_on_is_refused() -> Outcome {
    let (kv, _) = memory();
    for id in ["a", "b"] {
        lay(&kv, &format!("member:{id}"), 1, r#"{"name":"x"}"#).await?;
    }
    let all = kv.collection::<SameKeys>();
    let swap = |id: String| Some(if id == "a" { "b" } else { "a" }.to_owned());
    let error = all.migrate_keys(&all, swap).run().await.expect_err("they swap");
    assert!(matches!(error, Error::InvalidOptions { .. }), "{error}");
    assert!(error.to_string().contains("another prefix"), "{error}");
    assert_eq!(all.list().ids().page().await?.ids.len(), 2);
    Ok(())
}

#[tokio::test]
async fn another_entity_under_the_new_key_stays_and_so_does_the_old_one() -> Outcome {
    let (kv, _) = memory();
    for id in 1..=4 {
        lay(&kv, &format!("user:{id}"), 1, &format!(r#"{{"name":"{id}"}}"#)).await?;
    }
    lay(&kv, "member:odd:1", 2, r#"{"name":"other","role":""}"#).await?;
    // The same that would be written, as a run that was killed between copy and removal leaves it.
    lay(&kv, "member:even:2", 1, r#"{"name":"2"}"#).await?;
    let (old, members) = (kv.collection::<OldKey>(), kv.collection::<Member>());
    // 3 and 4 get one new id.
    let new_id = |id: u64| if id >= 3 { Some(("both".to_owned(), 3)) } else { member_of(id) };
    for is_dry in [true, false] {
        let run = members.migrate_keys(&old, new_id);
        let report = if is_dry { run.dry_run() } else { run }.run().await?;
        let expected = if is_dry { (3, 1) } else { (2, 2) };
        assert_eq!((report.moved, report.occupied), expected, "{report}");
        let failure = report.failures.first().ok_or("it is reported")?;
        assert!(matches!(failure.error, Error::AlreadyExists { .. }));
        assert_eq!(failure.key, "member:odd:1");
    }
    assert_eq!(shape(&kv, "user:1").await?.1, r#"{"name":"1"}"#);
    assert_eq!(members.get(("odd", 1)).await?.map(|it| it.name).as_deref(), Some("other"));
    assert!(!is_there(kv.store(), "user:2").await?);
    assert_eq!(shape(&kv, "member:both:3").await?.1, r#"{"name":"3"}"#);
    assert_eq!(shape(&kv, "user:4").await?.1, r#"{"name":"4"}"#);
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two groups may be alike")]
#[kv(prefix = "shop", group = "core", group(name = "settings", optional), group(name = "log", optional))]
struct OldGroups {
    #[kv(id)]
    id: u64,
    #[kv(group = "core")]
    name: String,
    #[kv(group = "settings")]
    theme: String,
    #[kv(group = "log")]
    lines: Vec<String>,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two groups may be alike")]
#[kv(prefix = "shop", group(name = "options", optional), group(name = "log", optional))]
struct NewGroups {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "options")]
    theme: String,
    #[kv(group = "log")]
    lines: Vec<String>,
}

#[tokio::test]
async fn groups_get_other_names_and_some_stay() -> Outcome {
    let (kv, _) = memory();
    let (old, new) = (kv.collection::<OldGroups>(), kv.collection::<NewGroups>());
    let shop =
        OldGroups { id: 1, name: "a".to_owned(), theme: "dark".to_owned(), lines: vec!["x".to_owned()] };
    old.put(&shop).await?;
    lay(&kv, "shop:2:core", 1, r#"{"name":"b"}"#).await?;
    let log = lying(&kv, "shop:1:log").await?.revision;
    let unnamed = new.migrate_keys(&old, Some).run().await.expect_err("a group has no new name");
    assert!(unnamed.to_string().contains(r#"group("settings", ..)"#), "{unnamed}");
    let twice = new.migrate_keys(&old, Some).group("settings", "log").run().await;
    assert!(matches!(twice, Err(Error::InvalidOptions { .. })));
    let report = new.migrate_keys(&old, Some).group("settings", "options").run().await?;
    assert_eq!((report.moved, report.failed), (2, 0), "{report}");
    let shop = new.get(1).await?.ok_or("it was moved")?;
    assert_eq!((shop.name.as_str(), shop.theme.as_str(), shop.lines.len()), ("a", "dark", 1));
    assert_eq!(lying(&kv, "shop:1:log").await?.revision, log, "its key is the same, so it is not written");
    assert_eq!(new.get(2).await?.map(|it| it.name).as_deref(), Some("b"));
    for key in ["shop:1:core", "shop:1:settings", "shop:2:core"] {
        assert!(!is_there(kv.store(), key).await?);
    }
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "user")]
struct OldUser {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member")]
struct NewUser {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

#[tokio::test]
async fn indexes_follow_to_another_prefix_and_to_other_ids() -> Outcome {
    let (kv, _) = memory();
    let (old, new) = (kv.collection::<OldUser>(), kv.collection::<NewUser>());
    for id in 1..=20 {
        let (email, city) = (format!("{id}@example.com"), if id % 2 == 0 { "Bern" } else { "Paris" });
        old.insert(&OldUser { id, email, city: city.to_owned() }).await?;
    }
    assert_eq!(old.migrate_keys(&old, |id| (id <= 20).then_some(id + 100)).run().await?.moved, 20);
    assert_eq!(old.by(OldUser::EMAIL).get("7@example.com").await?.map(|it| it.id), Some(107));
    assert_eq!(new.migrate_keys(&old, Some).run().await?.moved, 20);
    assert_eq!(new.by(NewUser::EMAIL).get("7@example.com").await?.map(|it| it.id), Some(107));
    assert_eq!(new.by(NewUser::CITY).equal("Bern").page().await?.entities.len(), 10);
    assert!(old.by(OldUser::EMAIL).get("7@example.com").await?.is_none());
    // No claim and no entry is left of the old prefix.
    let email = "7@example.com".to_owned();
    old.insert(&OldUser { id: 1, email: email.clone(), city: "Rome".to_owned() }).await?;
    assert_eq!(old.by(OldUser::CITY).equal("Bern").page().await?.entities.len(), 0);
    // The email is taken where the entity would go, so it stays.
    let report = new.migrate_keys(&old, Some).run().await?;
    assert_eq!((report.moved, report.failed), (0, 1), "{report}");
    assert!(matches!(report.failures[0].error, Error::NotUnique { .. }));
    assert!(old.get(1).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_commit_takes_as_many_entities_as_the_store_allows() -> Outcome {
    // Each entity has two conditions and two writes.
    let kv = Kv::new(Recorded::atomic(Limits::new().commits(16, 1 << 20)));
    for id in 0..60 {
        put(kv.store(), &format!("user:{id}"), r#"{"name":"Ada"}"#, Expiry::Never).await?;
    }
    let (old, members) = (kv.collection::<OldKey>(), kv.collection::<Member>());
    assert_eq!(members.migrate_keys(&old, member_of).run().await?.moved, 60);
    assert_eq!(kv.store().sizes_of(Operation::Commit).into_iter().max(), Some(2 * 4));
    Ok(())
}

#[tokio::test]
async fn plain_records_get_metadata_where_they_go() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "theirs", plain, version = 2, version_in = "v")]
    struct Theirs {
        #[kv(id)]
        id: u64,
        #[kv(added(since = 2))]
        name: String,
    }
    let (kv, _) = memory();
    kv.store().put(Key::from_text("theirs:1"), NewRecord::plain(r#"{"v":1,"x":1.0}"#)).await?;
    let (old, new) = (kv.collection::<Theirs>(), kv.collection::<SameKeys>());
    let report = new.migrate_keys(&old, |id| Some(id.to_string())).run().await?;
    assert_eq!(report.moved, 1, "{report}");
    let record = lying(&kv, "member:1").await?;
    assert!(!record.is_plain());
    assert_eq!(shape(&kv, "member:1").await?, (1, r#"{"v":1,"x":1.0}"#.to_owned()));
    Ok(())
}

#[tokio::test]
async fn it_tells_its_progress_goes_on_and_keeps_its_rate() -> Outcome {
    let clock = ManualClock::new(START);
    let hand = clock.clone();
    let (told, hears) = std::sync::mpsc::channel();
    let timer = kv_runtime::Timer::new(move |duration| {
        hand.advance(duration);
        std::future::ready(())
    });
    let kv = Kv::new(MemoryStore::with_clock(Clock::from(&clock).with_timer(timer)));
    for id in 0..10 {
        lay(&kv, &format!("user:{id}"), 1, r#"{"name":"x"}"#).await?;
    }
    let (old, members) = (kv.collection::<OldKey>(), kv.collection::<Member>());
    let run = members.migrate_keys(&old, member_of).batch(4).rate(8);
    let report = run.progress(move |progress| drop(told.send(progress.clone()))).run().await?;
    assert_eq!(report.moved, 10);
    let told: Vec<_> = hears.iter().collect();
    assert_eq!(told.iter().map(|it| it.migrated).collect::<Vec<_>>(), [4, 8, 10]);
    assert!(told[0].cursor.is_some() && told[2].cursor.is_none());
    let waited = kv.store().clock().now().saturating_since(START).as_millis();
    assert_eq!(waited, 1_000);
    // From the cursor of a run that ended after its first batch.
    for id in 0..10 {
        lay(&kv, &format!("user:{id}"), 1, r#"{"name":"x"}"#).await?;
    }
    let run = members.migrate_keys(&old, |id| Some(("new".to_owned(), id)));
    assert_eq!(run.cursor(told[0].cursor.clone()).run().await?.moved, 6);
    Ok(())
}

/// A run is dropped at any moment, as if its process was killed, while a program counts under the old
/// keys. Whatever it counted is under exactly one key.
async fn dropped_and_written_meanwhile<S, T>(from: Kv<T>, into: Kv<S>, seed: u64) -> Outcome
where
    S: kv_runtime::store::AtomicStore + Send + Sync,
    T: kv_runtime::store::AtomicStore + Send + Sync,
{
    #[derive(KvEntity)]
    #[kv(prefix = "old")]
    struct OldCount {
        #[kv(id)]
        id: u64,
        count: u64,
    }
    #[derive(KvEntity)]
    #[kv(prefix = "new")]
    struct NewCount {
        #[kv(id)]
        id: u64,
        count: u64,
    }
    const ALL: u64 = 60;
    let (old, new) = (from.collection::<OldCount>(), into.collection::<NewCount>());
    old.put_many((0..ALL).map(|id| OldCount { id, count: 0 })).await?;
    let counting = tokio::spawn({
        let old = old.clone();
        let mut random = fastrand::Rng::with_seed(seed);
        async move {
            let mut counted = vec![0; ALL as usize];
            let mut misses = 0;
            while misses < 200 {
                let id = random.u64(..ALL);
                match old.update(id, |it| it.count += 1).await {
                    Ok(_) => counted[id as usize] += 1,
                    Err(Error::NotFound { .. }) => misses += 1,
                    Err(error) => return Err(error),
                }
                tokio::task::yield_now().await;
            }
            Ok(counted)
        }
    });
    let mut random = fastrand::Rng::with_seed(!seed);
    for _ in 0..20 {
        let run = new.migrate_keys(&old, |id| Some(id + 1_000)).batch(7).run();
        let _ = tokio::time::timeout(Duration::from_micros(random.u64(1..600)), run).await;
    }
    let last = new.migrate_keys(&old, |id| Some(id + 1_000)).run().await?;
    let counted = counting.await??;
    // A run that was dropped between copy and removal leaves both, and they differ if the old one was
    // written then. It is reported, and nothing is lost.
    let mut occupied = 0;
    for id in 0..ALL {
        let (old, new) = (old.get(id).await?, new.get(id + 1_000).await?.ok_or("it was moved")?);
        assert_eq!(
            old.as_ref().map_or(new.count, |it| it.count),
            counted[id as usize],
            "{id} of seed {seed}"
        );
        occupied += u64::from(old.is_some());
    }
    assert_eq!(occupied, last.occupied + last.contended, "{last}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_store_nothing_is_lost_whenever_a_run_ends() -> Outcome {
    for seed in 0..6 {
        let kv = Kv::new(MemoryStore::new());
        dropped_and_written_meanwhile(kv.clone(), kv, seed).await?;
    }
    let dir = tempfile::tempdir()?;
    let kv = Kv::new(RedbStore::open(dir.path().join("a.redb"))?);
    dropped_and_written_meanwhile(kv.clone(), kv, 9).await
}

#[tokio::test(flavor = "multi_thread")]
async fn between_stores_nothing_is_lost_whenever_a_run_ends() -> Outcome {
    for seed in 0..6 {
        dropped_and_written_meanwhile(Kv::new(MemoryStore::new()), Kv::new(MemoryStore::new()), seed).await?;
    }
    let dir = tempfile::tempdir()?;
    let redb = Kv::new(RedbStore::open(dir.path().join("b.redb"))?);
    dropped_and_written_meanwhile(Kv::new(MemoryStore::new()), redb, 9).await
}

/// Two handles that lead to the same records: what looks like a copy is the record itself.
#[tokio::test]
async fn two_handles_of_one_store_are_found_out_before_anything_is_removed() -> Outcome {
    #[derive(KvEntity)]
    #[kv(prefix = "p", plain)]
    struct P {
        #[kv(id)]
        id: u64,
        name: String,
    }
    let kv = Kv::new(MemoryStore::new());
    let other = Kv::new(kv.store().clone());
    lay(&kv, "user:1", 1, r#"{"name":"x"}"#).await?;
    kv.store().put(Key::from_text("p:1"), NewRecord::plain(r#"{"name":"x"}"#)).await?;
    let (old, new) = (kv.collection::<OldKey>(), other.collection::<OldKey>());
    let enveloped = new.migrate_keys(&old, Some).run().await;
    let plain = other.collection::<P>().migrate_keys(&kv.collection::<P>(), Some).run().await;
    for refused in [enveloped, plain] {
        assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{refused:?}");
    }
    assert!(is_there(kv.store(), "user:1").await? && is_there(kv.store(), "p:1").await?);
    // What shows that the plain one is the same is gone.
    assert_eq!(kv.collection::<P>().list().page().await?.skipped, 0);
    // Other keys are other records, also by two handles.
    let report = other.collection::<Member>().migrate_keys(&old, member_of).run().await?;
    assert_eq!(report.moved, 1);
    Ok(())
}

/// What was a part of the key becomes a member, and the other way round.
#[tokio::test]
async fn steps_see_the_id() -> Outcome {
    fn tenant_into_the_value(object: &mut Object, (org, id): (&str, u64)) -> Result<(), BoxError> {
        object.insert("label".to_owned(), format!("{org}/{id}").into());
        Ok(())
    }
    fn and_out(object: &mut Object, (org, _): (&str, u64)) -> Result<(), BoxError> {
        let label = object.remove("label").ok_or("there is no label")?;
        if label.as_str().is_some_and(|label| label.starts_with(org)) {
            Ok(())
        } else {
            Err("of another".into())
        }
    }
    #[derive(KvEntity, Clone, Debug, PartialEq)]
    #[kv(prefix = "note", version = 2, group(name = "more", version = 2, optional, step(1 => more, with_id)))]
    #[kv(step(1 => tenant_into_the_value, down = and_out, with_id))]
    struct Note {
        #[kv(id)]
        org: String,
        #[kv(id)]
        id: u64,
        label: String,
        #[kv(group = "more")]
        copy: u64,
    }
    fn more(object: &mut Object, (_, id): (&str, u64)) -> Result<(), BoxError> {
        object.insert("copy".to_owned(), id.into());
        Ok(())
    }
    #[derive(KvEntity, Clone, Debug, PartialEq)]
    #[kv(prefix = "note", version = 2, write_version = 1)]
    #[kv(step(1 => tenant_into_the_value, down = and_out, with_id))]
    struct StillOld {
        #[kv(id)]
        org: String,
        #[kv(id)]
        id: u64,
        label: String,
    }
    let (kv, _) = memory();
    lay(&kv, "note:acme:7", 1, r#"{"theirs":1}"#).await?;
    lay(&kv, "note:acme:7:more", 1, "{}").await?;
    let notes = kv.collection::<Note>();
    let note = notes.get(("acme", 7)).await?.ok_or("it is there")?;
    assert_eq!((note.label.as_str(), note.copy), ("acme/7", 7));
    assert_eq!(kv.collection::<NoteMore>().get(("acme", 7)).await?.map(|it| it.copy), Some(7));
    // By the backfill, too, which keeps members that no struct names.
    notes.migrate_all().run().await?;
    assert_eq!(shape(&kv, "note:acme:7").await?, (2, r#"{"theirs":1,"label":"acme/7"}"#.to_owned()));
    assert_eq!(shape(&kv, "note:acme:7:more").await?, (2, r#"{"copy":7}"#.to_owned()));
    // And back, where the older version is still written.
    let old = kv.collection::<StillOld>();
    old.put(&StillOld { org: "acme".to_owned(), id: 8, label: "acme/8".to_owned() }).await?;
    assert_eq!(shape(&kv, "note:acme:8").await?, (1, "{}".to_owned()));
    assert_eq!(old.get(("acme", 8)).await?.map(|it| it.label).as_deref(), Some("acme/8"));
    Ok(())
}
