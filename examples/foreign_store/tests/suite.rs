//! The suite that tests every store, and the store by its URL.

use dir_store::DirStore;
use kv_runtime::{Error, Kv, KvEntity};
use kv_runtime_store::conformance::{self, ManualHarness};

#[tokio::test]
async fn keeps_the_contract() -> Result<(), Box<dyn std::error::Error>> {
    // Each store of the suite gets its own directory in this one, which is removed at the end.
    let parent = tempfile::tempdir()?;
    let number = std::sync::atomic::AtomicU32::new(0);
    let harness = ManualHarness::new(move |clock| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        DirStore::open(parent.path().join(number.to_string()), clock)
    });
    let report = conformance::store(&harness).await;
    println!("{report}");
    Ok(report.require(60)?)
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "note")]
struct Note {
    #[kv(id)]
    name: String,
    text: String,
}

#[tokio::test]
async fn is_reached_by_its_url_and_by_no_other() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("dir:{}", directory.path().display());
    let note = Note { name: "A/b:ö".to_owned(), text: "kept".to_owned() };
    for _ in 0..2 {
        let kv = Kv::connector().scheme("dir", DirStore::connect).connect(&url).await?;
        let notes = kv.collection::<Note>();
        notes.put(&note).await?;
        assert_eq!(notes.get("A/b:ö").await?.as_ref(), Some(&note));
        assert_eq!(notes.list().page().await?.entities.len(), 1);
        // It has no compare-and-swap, and says so before anything is written.
        let refused = notes.update("A/b:ö", |note| note.text.clear()).await;
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    }
    // There is no registry: who was not given the scheme does not know it.
    let unknown = Kv::connect(&url).await.map(drop);
    assert!(matches!(unknown, Err(Error::InvalidUrl { .. })), "{unknown:?}");
    let empty = Kv::connector().scheme("dir", DirStore::connect).connect("dir:").await.map(drop);
    assert!(empty.is_err_and(|error| error.to_string().contains("write `dir:` and a path")));
    Ok(())
}
