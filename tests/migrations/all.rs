//! census and migrate_all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kv_runtime::key::Key;
use kv_runtime::store::StoreExt;

use crate::entities::{Device, User};
use crate::{Outcome, lay, memory, shape};

#[tokio::test]
async fn everything_is_counted_and_migrated_once() -> Outcome {
    let (kv, _) = memory();
    for id in 0..250 {
        lay(&kv, &format!("user:{id}:profile"), 1, r#"{"name":"ada","visits":3}"#).await?;
    }
    for id in 250..300 {
        lay(&kv, &format!("user:{id}:profile"), 4, r#"{"user_name":"ada","roles":[]}"#).await?;
    }
    lay(&kv, "user:300:profile", 3, r#"{"user_name":"ada"}"#).await?;
    lay(&kv, "user:301:profile", 9, "{}").await?;
    lay(&kv, "user:007:profile", 1, "{}").await?;
    let users = kv.collection::<User>();
    let census = users.census().await?;
    assert_eq!(census.groups[0].versions, BTreeMap::from([(1, 250), (3, 1), (4, 50), (9, 1)]));
    assert_eq!((census.behind(), census.skipped, census.groups[0].total()), (251, 1, 302));
    let lines = census.groups[0].to_string();
    assert!(lines.lines().count() == 4 && census.to_string().contains(&lines), "{lines}");

    let dry = users.migrate_all().dry_run().run().await?;
    assert_eq!((dry.migrated, dry.current, dry.too_new, dry.failed), (250, 50, 1, 1));
    assert!(dry.dry_run && dry.to_string().starts_with("dry run: nothing was written\n"), "{dry}");
    assert_eq!(users.census().await?, census);

    let seen = Arc::new(Mutex::new(Vec::new()));
    let watch = Arc::clone(&seen);
    let report = users
        .migrate_all()
        .batch(100)
        .progress(move |progress| watch.lock().unwrap().push((progress.seen, progress.cursor.is_some())))
        .run()
        .await?;
    assert_eq!(
        (report.migrated, report.current, report.too_new, report.failed, report.skipped),
        (250, 50, 1, 1, 1)
    );
    assert!(
        !report.dry_run && report.to_string().starts_with("run: migrated records were written\n"),
        "{report}"
    );
    assert_eq!(report.failures[0].key, "user:300:profile");
    assert!(report.to_string().contains("there is no role"), "{report}");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.last(), Some(&(302, false)));
    assert!(seen.len() >= 3);

    let again = users.migrate_all().run().await?;
    assert_eq!((again.migrated, again.current), (0, 300));
    assert_eq!(users.census().await?.groups[0].versions, BTreeMap::from([(3, 1), (4, 300), (9, 1)]));
    Ok(())
}

#[tokio::test]
async fn it_goes_on_from_a_cursor() -> Outcome {
    let (kv, _) = memory();
    for id in 0..10 {
        lay(&kv, &format!("user:{id}:profile"), 1, r#"{"name":"ada","visits":3}"#).await?;
    }
    let users = kv.collection::<User>();
    let first = Arc::new(Mutex::new(None));
    let watch = Arc::clone(&first);
    let dry = users.migrate_all().batch(4).dry_run().progress(move |progress| {
        watch.lock().unwrap().get_or_insert_with(|| progress.cursor.clone());
    });
    dry.run().await?;
    let cursor = first.lock().unwrap().clone().flatten();
    let report = users.migrate_all().cursor(cursor).run().await?;
    assert_eq!(report.migrated, 6);
    assert_eq!((shape(&kv, "user:3:profile").await?.0, shape(&kv, "user:4:profile").await?.0), (1, 4));
    Ok(())
}

#[tokio::test]
async fn each_group_is_migrated_by_itself() -> Outcome {
    let (kv, _) = memory();
    lay(&kv, "device:1:state", 1, r#"{"online":true}"#).await?;
    lay(&kv, "device:1:config", 1, r#"{"interval":50}"#).await?;
    lay(&kv, "device:2:state", 1, r#"{"online":true}"#).await?;
    let before = kv.store().read(&Key::from_text("device:1:state")).await?.map(|record| record.revision);
    let devices = kv.collection::<Device>();
    let report = devices.migrate_all().run().await?;
    assert_eq!((report.migrated, report.current), (1, 2));
    assert_eq!(shape(&kv, "device:1:config").await?, (2, r#"{"interval_ms":50}"#.to_owned()));
    assert_eq!(
        kv.store().read(&Key::from_text("device:1:state")).await?.map(|record| record.revision),
        before
    );
    let census = devices.census().await?;
    assert_eq!(census.groups[1].versions, BTreeMap::from([(2, 1)]));
    assert!(census.to_string().contains("config"), "{census}");
    Ok(())
}
