//! Old records are read as today's, in every way that leads there.

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::StoreExt;
use kv_runtime::{Codec, Error, Kv};

use crate::entities::{Device, Point, PointV1, User, UserV2};
use crate::{Outcome, lay, lying, memory, shape};

#[tokio::test]
async fn every_version_has_a_way() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "user:1:profile", 1, r#"{"name":"ada","visits":3}"#).await?;
    lay(&kv, "user:2:profile", 2, r#"{"name":"ada","visits":3,"role":"admin"}"#).await?;
    lay(&kv, "user:3:profile", 3, r#"{"user_name":"ada","role":"admin"}"#).await?;
    lay(&kv, "user:4:profile", 4, r#"{"user_name":"ada","roles":["admin"]}"#).await?;
    let users = kv.collection::<User>();
    let user = |id, role: &str| Some(User { id, user_name: "ada".to_owned(), roles: vec![role.to_owned()] });
    assert_eq!(
        users.get_many(1..=4).await?,
        [user(1, "guest"), user(2, "admin"), user(3, "admin"), user(4, "admin")]
    );
    Ok(())
}

#[tokio::test]
async fn an_added_member_takes_its_default_and_the_new_name_wins() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "user:1:profile", 1, r#"{"name":"ada","visits":3}"#).await?;
    assert_eq!(kv.collection::<UserV2>().get(1).await?.map(|user| user.role).as_deref(), Some("guest"));
    lay(&kv, "user:2:profile", 2, r#"{"name":"old","user_name":"new","role":"x"}"#).await?;
    assert_eq!(kv.collection::<User>().get(2).await?.map(|user| user.user_name).as_deref(), Some("new"));
    Ok(())
}

#[tokio::test]
async fn a_predecessor_is_converted() -> Outcome {
    let (kv, _) = memory();
    kv.collection::<PointV1>()
        .put_many([PointV1 { id: 1, x: 3, y: -4 }, PointV1 { id: 2, x: -1, y: 0 }])
        .await?;
    let points = kv.collection::<Point>();
    assert_eq!(points.get(1).await?, Some(Point { id: 1, at: (3.0, -4.0) }));
    let error = points.get(2).await.expect_err("is refused");
    let Error::MigrationFailed { from: 1, to: 2, source, .. } = &error else { return Err(error.into()) };
    assert_eq!(source.to_string(), "points have no negative abscissa any more");
    assert!(error.to_string().starts_with("Point `point:2` in memory: "), "{error}");
    Ok(())
}

#[tokio::test]
async fn groups_have_versions_of_their_own() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "device:1:state", 1, r#"{"online":true}"#).await?;
    lay(&kv, "device:1:config", 1, r#"{"interval":50}"#).await?;
    let devices = kv.collection::<Device>();
    assert_eq!(devices.get(1).await?, Some(Device { id: 1, online: true, interval_ms: 50 }));
    assert_eq!(shape(&kv, "device:1:config").await?, (2, r#"{"interval_ms":50}"#.to_owned()));
    assert_eq!(shape(&kv, "device:1:state").await?.0, 1);
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_migrated_stays_and_a_list_goes_on() -> Outcome {
    let (kv, _) = memory();
    for (id, json) in [
        (1, r#"{"user_name":"ada","role":"x"}"#),
        (2, r#"{"user_name":"ada"}"#),
        (3, r#"{"user_name":"ada","role":"panic"}"#),
        (4, "[]"),
        (5, r#"{"user_name":7,"role":"x"}"#),
    ] {
        lay(&kv, &format!("user:{id}:profile"), 3, json).await?;
    }
    lay(&kv, "user:6:profile", 9, "{}").await?;
    let page = kv.collection::<User>().list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len()), (1, 5));
    let steps =
        page.failed.iter().filter(|error| matches!(error, Error::MigrationFailed { from: 3, to: 4, .. }));
    assert_eq!(steps.count(), 2, "{:?}", page.failed);
    // A list migrates in memory and writes nothing.
    for id in 1..=5 {
        assert_eq!(lying(&kv, &format!("user:{id}:profile")).await?.metadata.version, 3);
        assert_eq!(kv.collection::<User>().get(id).await.is_ok(), id == 1);
    }
    for id in 2..=5 {
        assert_eq!(lying(&kv, &format!("user:{id}:profile")).await?.metadata.version, 3);
    }
    Ok(())
}

#[tokio::test]
async fn a_version_below_the_oldest_is_an_error() -> Outcome {
    #[derive(kv_runtime::KvEntity, Debug)]
    #[kv(prefix = "user", group = "profile", version = 3, oldest = 2)]
    struct Recent {
        #[kv(id)]
        id: u64,
        #[kv(renamed(from = "name", since = 3))]
        user_name: String,
    }
    let (kv, _) = memory();
    let recent: kv_runtime::Collection<Recent, _> = Kv::clone(&kv).collection();
    lay(&kv, "user:1:profile", 1, r#"{"name":"ada"}"#).await?;
    lay(&kv, "user:2:profile", 2, r#"{"name":"ada"}"#).await?;
    assert!(matches!(recent.get(1).await, Err(Error::TooOld { found: 1, oldest: 2, .. })));
    let found = recent.get(2).await?.map(|recent| (recent.id, recent.user_name));
    assert_eq!(found, Some((2, "ada".to_owned())));
    Ok(())
}

/// The oldest and the newest version of the range can be read, and their neighbours cannot.
#[tokio::test]
async fn the_range_of_versions_is_read_to_its_ends() -> Outcome {
    #[derive(kv_runtime::KvEntity, Debug, PartialEq)]
    #[kv(prefix = "user", group = "profile", version = 3, oldest = 2)]
    struct Ranged {
        #[kv(id)]
        id: u64,
        name: String,
        #[kv(added(since = 3, default = 7))]
        level: u32,
    }
    let (kv, _) = memory();
    for version in 1..=5 {
        lay(&kv, &format!("user:{version}:profile"), version, r#"{"name":"ada"}"#).await?;
    }
    lay(&kv, "user:3:profile", 3, r#"{"name":"ada","level":1}"#).await?;
    let users = kv.collection::<Ranged>();
    let too_old = users.get(1).await;
    assert!(matches!(too_old, Err(Error::TooOld { found: 1, oldest: 2, .. })), "{too_old:?}");
    assert_eq!(users.get(2).await?.map(|user| user.level), Some(7));
    assert_eq!(users.get(3).await?.map(|user| user.level), Some(1));
    for version in [4, 5] {
        let too_new = users.get(version).await;
        let Err(Error::TooNew { found, supported: 3, .. }) = too_new else { panic!("{too_new:?}") };
        assert_eq!(u64::from(found), version);
    }
    // A newer record says itself from which version on code reads it.
    for (oldest_reader, is_read) in [(2, true), (3, true), (4, false)] {
        let mut newer = Metadata::new(4, Codec::Json);
        newer.min_reader = Some(oldest_reader);
        let record = NewRecord::new(r#"{"name":"bea","level":2,"more":1}"#, newer);
        kv.store().put(Key::from_text("user:4:profile"), record).await?;
        let read = users.get(4).await;
        assert_eq!(
            read.as_ref().ok().map(|user| user.as_ref().map(|user| user.level)),
            is_read.then_some(Some(2))
        );
        assert!(is_read || matches!(read, Err(Error::TooNew { found: 4, supported: 3, .. })), "{read:?}");
    }
    Ok(())
}
