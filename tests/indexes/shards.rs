//! Indexes of entities in shards: the same on every store, also on one that commits a shard at a time.

use kv_runtime::cache::Cache;
use kv_runtime::key::Key;
use kv_runtime::layer::{Fault, FaultStore, NamespaceStore, Operation};
use kv_runtime::store::{CommitScope, IndexStore, MemoryStore, RedbStore, StoreExt};
use kv_runtime::{Collection, Error, Kv, KvEntity};

use crate::member::{Member, MemberWho, OlderMember};
use crate::user::User;

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Shards that are written otherwise in keys, and one whose part of an entry is shortened.
fn orgs() -> Vec<String> {
    ["acme", "", "10", "9", "a b:c", "{x}", "#index", "é!~%"]
        .into_iter()
        .map(str::to_owned)
        .chain(["o".repeat(200)])
        .collect()
}

const CITIES: [Option<&str>; 4] = [Some("Bath"), Some("York"), None, Some("York")];

/// Four members in each organisation, with the same emails.
fn everybody() -> impl Iterator<Item = Member> {
    orgs().into_iter().flat_map(|org| {
        let member = |(id, city): (u64, Option<&str>)| Member::new(&org, id, &format!("{id}@x"), city);
        (1..).zip(CITIES).map(member).collect::<Vec<_>>()
    })
}

async fn is_exact<S: IndexStore>(members: &Collection<Member, S>, entities: u64) -> Outcome {
    let report = members.check_indexes().await?;
    let wrong = (report.added, report.removed, report.violations, report.unreadable);
    assert_eq!((wrong, report.entities), ((0, 0, 0, 0), entities), "{report:?}");
    for one in members.census_indexes().await? {
        assert_eq!((one.is_ready, one.entries, one.garbage), (true, entities, 0), "{}", one.name);
    }
    Ok(())
}

/// What indexes do, on a store without members.
pub async fn works<S: IndexStore + Clone>(store: S) -> Outcome {
    let kv = Kv::new(store);
    let (members, older) = (kv.collection::<Member>(), kv.collection::<OlderMember>());
    let old = |it: Member| {
        let Member { org, id, email, city, logins } = it;
        OlderMember { org, id, email, city, logins }
    };
    // Half of them are older than the indexes.
    let all: Vec<Member> = everybody().collect();
    let count = all.len() as u64;
    older.put_many(all.iter().step_by(2).cloned().map(old)).await?;
    members.put_many(all.iter().skip(1).step_by(2)).await?;
    let unready = members.by(Member::EMAIL).get(("acme", "1@x")).await;
    assert!(matches!(unready, Err(Error::IndexNotReady { index: "email", .. })), "{unready:?}");
    let built = members.build_indexes().no_older_writers().batch(5).run().await?;
    assert!(built.is_ready && built.entities == count, "{built:?}");
    is_exact(&members, count).await?;
    for org in orgs() {
        finds_in_one(&members, &org).await?;
    }
    changes(&kv).await?;
    is_exact(&members, count).await?;
    leaves_garbage_to_sweeps(&kv).await?;
    is_exact(&members, count - 2).await?;

    assert_eq!(members.drop_index("by_city").await?, count - 2);
    assert_eq!(members.drop_index("email").await?, count - 2);
    assert!(matches!(members.by(Member::EMAIL).get(("10", "1@x")).await, Err(Error::IndexNotReady { .. })));
    let page = members.by(Member::BY_CITY).within("10").page().await;
    assert!(matches!(page, Err(Error::IndexNotReady { .. })), "{page:?}");
    assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
    is_exact(&members, count - 2).await?;
    assert!(members.by(Member::EMAIL).exists(("10", "1@x")).await?);

    let ids: Vec<(String, u64)> = members.list().ids().page().await?.ids;
    members.delete_many(ids.iter().map(|(org, id)| (org.as_str(), *id))).await?;
    is_exact(&members, 0).await
}

async fn finds_in_one<S: IndexStore>(members: &Collection<Member, S>, org: &str) -> Outcome {
    for id in 1..=4 {
        let found = members.by(Member::EMAIL).get((org, &*format!("{id}@x"))).await?;
        assert_eq!(found.map(|it| (it.org, it.id)), Some((org.to_owned(), id)));
    }
    assert_eq!(members.by(Member::EMAIL).get((org, "5@x")).await?, None);
    let by_city = || members.by(Member::BY_CITY).within(org);
    let ids = |ids: Vec<(String, u64)>| ids.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(ids(by_city().ids().page().await?.ids), [3, 1, 2, 4], "{org:?}");
    assert_eq!(ids(by_city().rev().ids().page().await?.ids), [4, 2, 1, 3], "{org:?}");
    assert_eq!(ids(by_city().equal(Some("York")).ids().page().await?.ids), [2, 4], "{org:?}");
    assert_eq!(ids(by_city().range("A".."C").ids().page().await?.ids), [1], "{org:?}");
    assert_eq!(by_city().starts_with("Yo").count().await?, 2);
    let of_both = members.by(Member::BY_CITY).equal((org, Some("York"))).page().await?.entities;
    assert_eq!(of_both.iter().map(|it| it.id).collect::<Vec<_>>(), [2, 4]);
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = by_city().limit(1).cursor(cursor).page().await?;
        found.extend(page.entities.iter().map(|it| it.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, [3, 1, 2, 4]);
    Ok(())
}

async fn changes<S: IndexStore>(kv: &Kv<S>) -> Outcome {
    let members = kv.collection::<Member>();
    let taken = members.put(&Member::new("acme", 5, "1@x", None)).await;
    assert!(matches!(taken, Err(Error::NotUnique { index: "email", .. })), "{taken:?}");
    let taken = members.insert(&Member::new("9", 5, "1@x", None)).await;
    assert!(matches!(taken, Err(Error::NotUnique { index: "email", .. })), "{taken:?}");
    // A value moves from one to another.
    kv.transact(async |tx| {
        let mut one = tx.get::<Member>(("acme", 1)).await?.expect("it is there");
        let mut two = tx.get::<MemberWho>(("acme", 2)).await?.expect("it is there");
        std::mem::swap(&mut one.email, &mut two.email);
        one.logins += 1;
        tx.save(&one)?;
        tx.save(&two)
    })
    .await?;
    let holder = async |email: &str| {
        members.by(Member::EMAIL).get(("acme", email)).await.map(|found| found.map(|it| it.id))
    };
    assert_eq!((holder("1@x").await?, holder("2@x").await?), (Some(2), Some(1)));
    members.update(("acme", 2), |it| (it.email, it.city) = ("new@x".to_owned(), None)).await?;
    assert_eq!((holder("1@x").await?, holder("new@x").await?), (None, Some(2)));
    members.upsert(("acme", 5), || Member::new("acme", 5, "1@x", Some("Bath")), |_| ()).await?;
    assert_eq!(holder("1@x").await?, Some(5));
    assert!(members.by(Member::EMAIL).delete(("acme", "1@x")).await?);
    assert_eq!((holder("1@x").await?, members.get(("acme", 5)).await?), (None, None));
    assert_eq!(members.by(Member::BY_CITY).within("acme").equal(None).count().await?, 2);
    let cached = members.clone().cached(Cache::new());
    for _ in 0..2 {
        let found = cached.by(Member::EMAIL).get(("acme", "new@x")).await?;
        assert_eq!(found.map(|it| it.id), Some(2));
        assert_eq!(cached.by(Member::EMAIL).get(("10", "new@x")).await?, None);
    }
    Ok(())
}

/// Two entities disappear without their entries, as by an expiry.
async fn leaves_garbage_to_sweeps<S: IndexStore>(kv: &Kv<S>) -> Outcome {
    let members = kv.collection::<Member>();
    for anchor in ["member:acme:1", "member:10:4"] {
        for group in ["who", "stats"] {
            kv.store().delete(Key::from_text(format!("{anchor}:{group}"))).await?;
        }
    }
    assert_eq!(members.by(Member::EMAIL).get(("10", "4@x")).await?, None);
    assert_eq!(members.by(Member::BY_CITY).within("10").equal(Some("York")).count().await?, 1);
    for one in members.census_indexes().await? {
        assert_eq!(one.garbage, 2, "{}", one.name);
    }
    // The value of one is taken over, which leaves an entry and no claim.
    members.insert(&Member::new("10", 7, "4@x", None)).await?;
    assert_eq!(members.sweep_indexes().await?.removed, 3);
    members.delete(("10", 7)).await?;
    Ok(())
}

#[tokio::test]
async fn indexes_of_entities_in_shards_work_in_this_process() -> Outcome {
    works(MemoryStore::new()).await?;
    works(NamespaceStore::new(MemoryStore::new(), "acme: 100 %")).await?;
    let dir = tempfile::tempdir()?;
    works(RedbStore::open(dir.path().join("shards.redb"))?).await
}

/// An entity in shards, one of whose indexes does not begin with the shard id.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "seat", index(name = "by_row", on(org, row)))]
struct Seat {
    #[kv(id, shard)]
    org: String,
    #[kv(id)]
    id: u64,
    row: u8,
    #[kv(unique)]
    ticket: String,
}

/// What a store does with indexes that span shards, if it commits one shard at a time.
pub async fn are_refused<S: IndexStore>(kv: &Kv<S>) {
    let (seats, users) = (kv.collection::<Seat>(), kv.collection::<User>());
    let seat = Seat { org: "acme".to_owned(), id: 1, row: 2, ticket: "t".to_owned() };
    let user = User::new(1, "ada@example.com");
    let of_seats = [
        seats.put(&seat).await,
        seats.insert(&seat).await,
        seats.update(("acme", 1), |seat| seat.row += 1).await.map(drop),
        seats.delete(("acme", 1)).await,
        seats.put_many([&seat]).await,
        seats.by(Seat::TICKET).get("t").await.map(drop),
        seats.by(Seat::BY_ROW).within("acme").page().await.map(drop),
        seats.build_indexes().no_older_writers().run().await.map(drop),
        seats.check_indexes().await.map(drop),
        seats.sweep_indexes().await.map(drop),
        seats.census_indexes().await.map(drop),
        seats.drop_index("ticket").await.map(drop),
        kv.transact(async |tx| tx.put(&seat)).await,
    ];
    let of_users = [
        users.put(&user).await,
        users.by(User::EMAIL).get("ada@example.com").await.map(drop),
        users.by(User::BY_CITY).page().await.map(drop),
    ];
    let seat = ["Seat `seat!ticket!`", "#[kv(index(name = \"ticket\", on(org, ticket), unique))]"];
    let user =
        ["User `user!email!`", "such as a tenant, mark it `#[kv(id, shard)]`", "on(tenant, email), unique"];
    let all = of_seats.into_iter().map(|it| (it, &seat[..])).chain(of_users.map(|it| (it, &user[..])));
    for (place, (refused, parts)) in all.enumerate() {
        let error = match refused {
            Err(Error::Partial { source, .. }) => *source,
            other => other.expect_err("the index spans shards"),
        };
        let text = error.to_string();
        let is_refused = matches!(error, Error::IndexAcrossShards { .. }) && !error.is_retryable();
        assert!(is_refused && parts.iter().all(|part| text.contains(part)), "{place}: {text}");
    }
}

/// A store that commits one shard at a time.
fn by_shard() -> FaultStore<MemoryStore> {
    let mut capabilities = *MemoryStore::new().capabilities();
    capabilities.limits = capabilities.limits.commit_scope(CommitScope::OneShard);
    FaultStore::new(MemoryStore::new()).pretending(capabilities)
}

#[tokio::test]
async fn a_batch_over_shards_says_which_of_its_entities_are_written() -> Outcome {
    let kv = Kv::new(by_shard());
    let members = kv.collection::<Member>();
    members.put(&Member::new("b", 9, "taken@x", None)).await?;
    let batch = |taken: &str| {
        let of = |(org, id, email): (&str, u64, &str)| Member::new(org, id, email, None);
        [("a", 1, "1@x"), ("b", 1, taken), ("c", 1, "1@x"), ("b", 2, "2@x"), ("a", 2, "2@x")].map(of)
    };
    let Err(Error::Partial { written, also, unknown, source, .. }) = members.put_many(batch("taken@x")).await
    else {
        panic!("a value is taken");
    };
    assert_eq!((written, also, unknown), (1, vec![2, 4], vec![]));
    assert!(matches!(*source, Error::NotUnique { .. }), "{source:?}");
    assert_eq!(members.list().within("b").page().await?.entities.len(), 1);

    // The answers of two shards do not arrive. One of them fails for a reason that is known.
    let faults = kv.store().faults();
    faults.add(Fault::fail_for_good().on(&[Operation::Commit]).within("member:a"));
    faults.add(Fault::fail().after().on(&[Operation::Commit]).within("member:b"));
    let Err(Error::Partial { written, also, unknown, source, .. }) = members.put_many(batch("1@x")).await
    else {
        panic!("two shards failed");
    };
    assert_eq!((written, also, unknown), (0, vec![2], vec![1, 3]));
    assert!(source.is_unknown(), "{source:?}");
    assert_eq!(members.list().within("b").page().await?.entities.len(), 3);
    Ok(())
}

#[tokio::test]
async fn indexes_across_shards_are_refused_before_the_store_is_asked() -> Outcome {
    let store = by_shard();
    store.faults().add(Fault::fail().on(&Operation::ALL));
    let kv = Kv::new(store);
    are_refused(&kv).await;
    assert_eq!(kv.store().faults().struck(), 0);
    Ok(())
}

/// A lookup must name a shard where the entries of each are kept apart.
pub async fn must_name_a_shard<S: IndexStore>(members: &Collection<Member, S>) {
    let page = members.by(Member::BY_CITY).page().await.map(drop);
    let count = members.by(Member::BY_CITY).count().await.map(drop);
    let range = members.by(Member::BY_CITY).range("a".."b").page().await.map(drop);
    for refused in [page, count, range] {
        let text = refused.map_err(|error| error.to_string()).expect_err("it names no shard");
        assert!(text.contains("`by_city` apart for each `org`: select one by `within(org)`"), "{text}");
    }
}
