//! Which files it opens, and which it refuses and leaves as they are.

use std::error::Error as StdError;
use std::fs;
use std::future::IntoFuture;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::task::{Context, Waker};

use kv_runtime::Error;
use kv_runtime::store::{RedbStore, StoreExt};
use redb::{Database, MultimapTableDefinition, ReadableDatabase, TableDefinition, TableHandle};

use super::{Test, directory, key, record, value_of};

/// Opening must fail with `ForeignFile`, and leave every byte as it is.
fn assert_foreign(path: &Path, words: &str) -> Test {
    let before = fs::read(path)?;
    let refused = RedbStore::open(path);
    assert!(matches!(refused, Err(Error::ForeignFile { .. })), "{refused:?}");
    let shown = refused.map(drop).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(shown.contains(words) && shown.contains("app.redb"), "{shown}");
    assert!(fs::read(path)? == before, "the file was changed");
    Ok(())
}

#[test]
fn a_file_that_is_not_redb_is_refused() -> Test {
    let (_directory, path) = directory()?;
    for bytes in [&b"a"[..], b"hello, world\n", &[0; 100_000], &[b'x'; 4096]] {
        fs::write(&path, bytes)?;
        assert_foreign(&path, "not a redb file")?;
    }
    Ok(())
}

/// A process that is killed while it creates the file leaves no magic number.
#[tokio::test]
async fn a_file_whose_creation_was_interrupted_is_created_again() -> Test {
    let (_directory, path) = directory()?;
    drop(RedbStore::open(&path)?);
    let created = fs::read(&path)?;
    let mut with_header = vec![0; created.len()];
    with_header[9..320].copy_from_slice(&created[9..320]);
    for unfinished in [Vec::new(), vec![0; 25 * 4_096], with_header.clone()] {
        fs::write(&path, unfinished)?;
        let store = RedbStore::open(&path)?;
        store.put(key("a"), record("x")).await?;
        drop(store);
        assert!(RedbStore::open(&path)?.read(&key("a")).await?.is_some());
    }
    // Anything behind the header may be somebody's.
    with_header[320] = 1;
    fs::write(&path, with_header)?;
    assert_foreign(&path, "not a redb file")
}

#[test]
fn the_database_of_another_program_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let database = Database::create(&path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(TableDefinition::<u64, &str>::new("records"))?.insert(1, "theirs")?;
    transaction.commit()?;
    // As a crash leaves it: redb must repair the file before its content is known.
    let crashed = path.with_file_name("crashed.app.redb");
    fs::copy(&path, &crashed)?;
    drop(database);
    assert_foreign(&path, "another program")?;

    assert!(matches!(RedbStore::open(&crashed), Err(Error::ForeignFile { .. })));
    let database = Database::open(&crashed)?;
    let tables: Vec<_> = database.begin_read()?.list_tables()?.map(|table| table.name().to_owned()).collect();
    assert_eq!(tables, ["records"]);
    Ok(())
}

#[test]
fn a_database_that_only_looks_like_ours_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let write = |fill: &dyn Fn(&redb::WriteTransaction) -> Result<(), redb::Error>| -> Test {
        if path.exists() {
            fs::remove_file(&path)?;
        }
        let database = Database::create(&path)?;
        let transaction = database.begin_write()?;
        fill(&transaction)?;
        Ok(transaction.commit()?)
    };
    write(&|transaction| {
        transaction.open_multimap_table(MultimapTableDefinition::<u64, u64>::new("index"))?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, &str>::new("kv_runtime"))?.insert("format", "1")?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("else", 1)?;
        Ok(())
    })?;
    assert_foreign(&path, "another program")?;
    write(&|transaction| {
        transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("format", 1)?;
        transaction.open_table(TableDefinition::<&str, &str>::new("records"))?;
        Ok(())
    })?;
    assert_foreign(&path, "not those of format 1")
}

#[test]
fn a_newer_format_is_refused() -> Test {
    let (_directory, path) = directory()?;
    drop(RedbStore::open(&path)?);
    let database = Database::open(&path)?;
    let transaction = database.begin_write()?;
    transaction.open_table(TableDefinition::<&str, u64>::new("kv_runtime"))?.insert("format", 2)?;
    transaction.commit()?;
    drop(database);
    assert_foreign(&path, "it has format 2, and this program reads format 1")
}

#[test]
fn a_file_of_redb_2_is_refused() -> Test {
    let (_directory, path) = directory()?;
    drop(RedbStore::open(&path)?);
    let mut bytes = fs::read(&path)?;
    // The format's number begins each of the two commit slots.
    for slot in [64, 192] {
        assert_eq!(bytes[slot], 3);
        bytes[slot] = 2;
    }
    fs::write(&path, bytes)?;
    assert_foreign(&path, "redb's own file format 2")
}

#[test]
fn an_error_of_the_file_system_names_the_file() -> Test {
    let (directory, _) = directory()?;
    let refused = RedbStore::open(directory.path().join("missing").join("app.redb"));
    let Err(error @ Error::Store { .. }) = refused else { panic!("{refused:?}") };
    let shown = error.to_string();
    let words = "missing/app.redb in redb: the store failed to open its file: its directory does not exist; make it first";
    assert!(shown.ends_with(words), "{shown}");
    assert!(error.source().is_some_and(|cause| cause.is::<std::io::Error>()), "{error:?}");
    // As a `main` that gives a `Result` prints it.
    let printed = format!("{error:?}");
    assert_eq!(printed, format!("{shown}\n\nCaused by:\n    No such file or directory (os error 2)"));
    Ok(())
}

#[test]
fn a_directory_and_a_path_through_a_file_are_errors_that_say_so() -> Test {
    let (directory, path) = directory()?;
    let told = |path: &std::path::Path| RedbStore::open(path).map(drop).map_err(|error| error.to_string());
    let refused = told(directory.path()).expect_err("it is a directory");
    assert!(refused.ends_with("it is a directory; add a file's name to the path"), "{refused}");
    drop(RedbStore::open(&path)?);
    let refused = told(&path.join("app.redb")).expect_err("there is a file in the way");
    assert!(refused.ends_with("a part of its path is not a directory; correct the path"), "{refused}");
    let _open = RedbStore::open(&path)?;
    let refused = told(&path).expect_err("it is open");
    assert!(refused.contains("open already, in another process or a second time in this one"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn an_empty_file_and_one_without_tables_are_new_ones() -> Test {
    let (_directory, path) = directory()?;
    fs::write(&path, b"")?;
    RedbStore::open(&path)?.put(key("a"), record("1")).await?;
    let bare = path.with_file_name("bare.redb");
    drop(Database::create(&bare)?);
    RedbStore::open(&bare)?.put(key("a"), record("1")).await?;
    assert_eq!(value_of(&RedbStore::open(&bare)?, "a").await?.as_deref(), Some("1"));
    Ok(())
}

#[tokio::test]
async fn one_handle_of_a_file_at_a_time() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    store.put(key("a"), record("1")).await?;
    assert!(matches!(RedbStore::open(&path), Err(Error::AlreadyOpen { .. })));
    // A refused second open takes nothing from the first.
    store.put(key("a"), record("2")).await?;
    let clone = store.clone();
    drop(store);
    assert!(matches!(RedbStore::open(&path), Err(Error::AlreadyOpen { .. })));
    drop(clone);
    let store = RedbStore::open(&path)?;
    assert_eq!(value_of(&store, "a").await?.as_deref(), Some("2"));
    Ok(())
}

/// A name without a directory is a file in the current one, new or not.
#[test]
fn an_empty_path_is_an_error_that_says_so() {
    for opened in [RedbStore::open(""), RedbStore::options().read_only().open("")] {
        let error = opened.expect_err("there is no file");
        assert_eq!(error.to_string(), "redb: the path of the file is empty; name a file, such as `app.redb`");
    }
}

#[test]
fn a_file_opens_by_its_bare_name() -> Test {
    let (directory, path) = directory()?;
    let bare = path.file_name().ok_or("it has a name")?;
    for _ in 0..2 {
        let opened = open_in_child(Path::new(bare), directory.path())?;
        assert!(opened.contains("child: opened"), "{opened}");
    }
    assert!(path.is_file());
    RedbStore::open(&path)?;
    Ok(())
}

/// Where the tests here tell their child process the file, and whether it is to read alone.
const CHILD_OPENS: &str = "KV_TEST_CHILD_OPENS";
const CHILD_READS: &str = "KV_TEST_CHILD_READS";

/// A child process that opens the file.
fn child(path: &Path) -> Result<Command, Box<dyn StdError>> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["--exact", "redb::files::child_process", "--ignored", "--nocapture"]);
    child.env(CHILD_OPENS, path).stderr(Stdio::inherit());
    Ok(child)
}

/// What a child process says that opens the file while this is its current directory.
fn open_in_child(path: &Path, current: &Path) -> Result<String, Box<dyn StdError>> {
    Ok(String::from_utf8(child(path)?.current_dir(current).output()?.stdout)?)
}

#[test]
fn a_second_process_is_refused() -> Test {
    let (_directory, path) = directory()?;
    let store = RedbStore::open(&path)?;
    let opens_in_child = || open_in_child(&path, Path::new("."));
    let refused = opens_in_child()?;
    assert!(refused.contains("child: AlreadyOpen"), "{refused}");
    drop(store);
    let opened = opens_in_child()?;
    assert!(opened.contains("child: opened"), "{opened}");
    Ok(())
}

#[tokio::test]
async fn several_processes_read_a_file_that_nobody_may_write() -> Test {
    let (_directory, path) = directory()?;
    RedbStore::open(&path)?.put(key("a"), record("1")).await?;
    let mut rights = fs::metadata(&path)?.permissions();
    rights.set_readonly(true);
    fs::set_permissions(&path, rights)?;
    let before = fs::read(&path)?;

    let here = RedbStore::options().read_only().open(&path)?;
    let reads = || -> Result<_, Box<dyn StdError>> {
        Ok(child(&path)?.env(CHILD_READS, "").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
    };
    let mut children = Vec::new();
    for _ in 0..2 {
        let mut child = reads()?;
        let stdout = child.stdout.take().ok_or("it was piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let told = lines.find(|line| line.as_ref().map_or(true, |line| line.contains("child: ")));
        let told = told.ok_or("it says something")??;
        assert!(told.contains("child: reads 1"), "{told}");
        // It keeps the file open until its input ends, and prints more after that.
        children.push((child, lines));
    }
    assert_eq!(value_of(&here, "a").await?.as_deref(), Some("1"));
    // As root it is refused for the readers, as any other user for the file's mode.
    let refused = open_in_child(&path, Path::new("."))?;
    let words = ["child: AlreadyOpen", "this user may not read and write it"];
    assert!(words.iter().any(|words| refused.contains(words)), "{refused}");
    for (mut child, lines) in children {
        drop(child.stdin.take());
        assert!(lines.last().transpose()?.is_some());
        assert!(child.wait()?.success());
    }
    assert!(fs::read(&path)? == before, "the file was changed");
    Ok(())
}

#[tokio::test]
#[ignore = "the child process of another test, which alone gives it a file"]
async fn child_process() {
    let Some(path) = std::env::var_os(CHILD_OPENS) else { return };
    let reads = std::env::var_os(CHILD_READS).is_some();
    let options = if reads { RedbStore::options().read_only() } else { RedbStore::options() };
    match options.open(path) {
        Ok(store) if reads => {
            let value = value_of(&store, "a").await.expect("it is read").unwrap_or_default();
            println!("\nchild: reads {value}");
            std::io::stdin().read_to_end(&mut Vec::new()).expect("its input ends");
        }
        Ok(_) => println!("child: opened"),
        Err(Error::AlreadyOpen { .. }) => println!("child: AlreadyOpen"),
        Err(error) => println!("child: {error}"),
    }
}

/// The file is free for the next `open`, although work that was given up may still be reading.
#[tokio::test]
async fn a_dropped_store_is_closed_whatever_still_reads() -> Test {
    let (directory, path) = directory()?;
    let large = "x".repeat(100_000);
    let mut held = None;
    for round in 0..20 {
        let store = RedbStore::open(&path)?;
        if round == 0 {
            store.put_many((0..100).map(|it| (key(format!("large:{it}")), record(&large))).collect()).await?;
        }
        let mut backup = Box::pin(store.backup(directory.path().join("backup.redb")).into_future());
        let mut space = Box::pin(store.space());
        let context = &mut Context::from_waker(Waker::noop());
        assert!(backup.as_mut().poll(context).is_pending());
        drop(space.as_mut().poll(context));
        drop((backup, space));
        // A long value keeps its page.
        held = store.read(&key("large:7")).await?;
    }
    assert_eq!(held.ok_or("is there")?.value.len(), large.len());
    let store = RedbStore::open(&path)?;
    assert_eq!(value_of(&store, "large:8").await?, Some(large));
    Ok(())
}
