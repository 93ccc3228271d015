//! What an operator needs: backups of a store in use, its size and making it smaller, reading
//! alone, a full disk.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use kv_runtime::Error;
use kv_runtime::store::{ListQuery, RedbDurability, RedbStore, StoreExt};

use super::{Test, directory, key, record, value_of};

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).expect("a directory").flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_backups_under_load_are_each_of_one_moment() -> Test {
    let (directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    store.put_many((0..500).map(|number| (key(format!("still:{number}")), record("{}"))).collect()).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        async move {
            let mut number = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let both = ["a", "b"].map(|text| (key(text), record(&number.to_string())));
                store.put_many(both.into()).await?;
                number += 1;
            }
            Ok::<_, Error>(number)
        }
    });
    while value_of(&store, "a").await?.is_none() {
        tokio::task::yield_now().await;
    }
    let target = directory.path().join("backup.redb");
    let mut last = 0;
    for _ in 0..50 {
        let report = store.backup(&target).await?;
        assert_eq!((report.records, report.file_bytes), (502, fs::metadata(&target)?.len()));
        let copy = RedbStore::options().read_only().open(&target)?;
        let (a, b) = (value_of(&copy, "a").await?, value_of(&copy, "b").await?);
        assert_eq!(a, b);
        let number: u32 = a.ok_or("a number")?.parse()?;
        assert!(number >= last, "a backup is not of before the one before it");
        last = number;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await?? > last);
    // It is a store like any other: what it holds is read, and it takes writes.
    let restored = RedbStore::open(&target)?;
    assert_eq!(restored.page(&ListQuery::new(key("still:"))).await?.len(), 500);
    restored.put(key("a"), record("new")).await?;
    assert_eq!(value_of(&restored, "a").await?.as_deref(), Some("new"));
    assert_eq!(names(directory.path()).len(), 2, "{:?}", names(directory.path()));
    Ok(())
}

#[tokio::test]
async fn a_backup_tells_its_progress_and_keeps_expiries() -> Test {
    let (directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let large = "x".repeat(1 << 20);
    for number in 0..20 {
        store.put(key(format!("large:{number}")), record(&large)).await?;
    }
    let lasting = kv_runtime::record::Expiry::After(std::time::Duration::from_secs(3_600));
    store.put(key("expires"), record("1").with_expiry(lasting)).await?;
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let target = directory.path().join("backup.redb");
    store.backup(&target).progress(move |it| seen.lock().unwrap().push(*it)).await?;
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(told.len() >= 4 && told.is_sorted_by_key(|it| it.bytes), "{told:?}");
    assert!(told.iter().all(|it| it.total == 21), "{told:?}");
    assert_eq!(told.last().map(|it| it.records), Some(21));
    let copy = RedbStore::open(&target)?;
    let expires_at = async |store: &RedbStore| {
        Ok::<_, Error>(store.head(&key("expires")).await?.and_then(|head| head.expires_at))
    };
    assert!(expires_at(&copy).await?.is_some());
    assert_eq!(expires_at(&copy).await?, expires_at(&store).await?);
    Ok(())
}

#[tokio::test]
async fn an_abandoned_or_failing_backup_leaves_the_target_as_it_is() -> Test {
    let (directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let large = "x".repeat(1 << 20);
    for number in 0..40 {
        store.put(key(format!("large:{number}")), record(&large)).await?;
    }
    let target = directory.path().join("backup.redb");
    fs::write(&target, "the one before")?;
    let mut backup = Box::pin(std::future::IntoFuture::into_future(store.backup(&target)));
    assert!(backup.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(backup);
    // The thread hears of it between two records, and removes what it has written.
    while names(directory.path()).len() != 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(fs::read(&target)?, b"the one before");

    for path in [path.as_path(), Path::new("")] {
        let refused = store.backup(path).await;
        assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{refused:?}");
    }
    let refused = store.backup(directory.path().join("missing").join("backup.redb")).await;
    let Err(error @ Error::Store { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("failed to write a backup: its directory does not exist"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compaction_makes_the_file_smaller_while_others_read_and_write() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::options().durability(RedbDurability::OnFlush).open(&path)?;
    let value = "x".repeat(4_000);
    let keys = |numbers: std::ops::Range<u32>| numbers.map(|number| key(format!("a:{number:05}")));
    store.put_many(keys(0..2_000).map(|key| (key, record(&value))).collect()).await?;
    store.flush().await?;
    store.delete_many(keys(10..2_000).collect()).await?;
    store.flush().await?;
    let before = store.space().await?;
    assert_eq!((before.records, before.file_bytes), (10, store.stats().file_bytes));
    assert!(before.live_bytes >= 40_000 && before.live_bytes < 60_000, "{before:?}");
    assert!(before.free_bytes > before.file_bytes / 2, "{before:?}");
    let beside = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..50_u32 {
                store.put(key("beside"), record(&number.to_string())).await?;
                let found = store.read(&key("beside")).await?.map(|found| found.value.to_vec());
                assert_eq!(found, Some(number.to_string().into_bytes()));
            }
            Ok::<_, Error>(())
        }
    });
    let report = store.compact().await?;
    beside.await??;
    assert!(report.before_bytes > 8 << 20 && report.after_bytes < 1 << 20, "{report:?}");
    assert_eq!(store.page(&ListQuery::new(key("a:"))).await?.len(), 10);
    let space = store.space_of("a:").await?;
    assert_eq!((space.records, space.bytes), (10, 10 * (4_000 + 7)));
    drop(store);
    assert_eq!(RedbStore::open(&path)?.space_of("").await?.records, 11);
    Ok(())
}

#[tokio::test]
async fn a_file_is_read_by_several_and_written_by_none() -> Test {
    let (_directory, path) = directory()?;
    let read_only = || RedbStore::options().read_only().open(&path);
    let refused = read_only();
    let Err(error @ Error::Store { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("there is no such file"), "{error}");
    assert!(!path.exists());
    let store = RedbStore::open(&path)?;
    store.put(key("a"), record("1")).await?;
    assert!(matches!(read_only(), Err(Error::AlreadyOpen { .. })));
    drop(store);

    let mut rights = fs::metadata(&path)?.permissions();
    rights.set_readonly(true);
    fs::set_permissions(&path, rights)?;
    let before = fs::read(&path)?;
    let (one, other) = (read_only()?, read_only()?);
    for store in [&one, &other] {
        assert_eq!(value_of(store, "a").await?.as_deref(), Some("1"));
        let refused = store.put(key("a"), record("2")).await;
        let Err(error @ Error::Unsupported { .. }) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("open read-only"), "{error}");
        assert!(matches!(store.compact().await, Err(Error::Unsupported { .. })));
        assert_eq!(store.space().await?.records, 1);
    }
    drop((one, other));
    assert!(fs::read(&path)? == before, "the file was changed");
    Ok(())
}

/// The test runs itself with a limit on the size of files, as a full disk would have it.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_says_what_to_do() -> Test {
    let (_directory, path) = directory()?;
    let program = std::env::current_exe()?;
    let script = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" redb::operators::fills_its_disk --exact --ignored --nocapture";
    let mut limited = Command::new("sh");
    limited.args(["-c", script]).arg(&program).env("FILLED", &path).stderr(Stdio::inherit());
    let output = limited.output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    let acknowledged: usize =
        told.lines().find_map(|line| line.split_once("acknowledged ")).ok_or("a number")?.1.parse()?;
    assert!(acknowledged > 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        // With room, the file is opened as after a crash, and holds all that was acknowledged.
        let store = RedbStore::open(&path)?;
        for number in 0..acknowledged {
            assert!(store.read(&key(format!("a:{number}"))).await?.is_some(), "{number} was lost");
        }
        store.put(key("b"), record("1")).await?;
        Ok(())
    })
}

#[tokio::test]
#[ignore = "run by the test above, with a limit on the size of files"]
async fn fills_its_disk() -> Test {
    let Ok(path) = std::env::var("FILLED") else { return Ok(()) };
    let store = RedbStore::open(path)?;
    let large = "x".repeat(100_000);
    let mut acknowledged = 0;
    let failed = loop {
        match store.put(key(format!("a:{acknowledged}")), record(&large)).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1_000, "there is no limit");
    };
    let again = store.put(key("b"), record("1")).await.expect_err("the file has to be opened again");
    for error in [failed, again] {
        let told = format!("{error:?}");
        assert!(
            told.contains("the disk is full") && told.contains("close the store and open it again"),
            "{told}"
        );
    }
    assert!(value_of(&store, "a:0").await?.is_some(), "reads go on");
    println!("\nacknowledged {acknowledged}");
    Ok(())
}
