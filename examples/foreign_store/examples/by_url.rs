//! An application that uses the store by its URL: `cargo run --example by_url`.
//!
//! ```text
//! Ada has visited 2 times; the directory has 1 file
//! ```

use dir_store::DirStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "visitor")]
struct Visitor {
    #[kv(id)]
    id: u64,
    name: String,
    visits: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("dir:{}", directory.path().display());
    let kv = Kv::connector().scheme("dir", DirStore::connect).connect(&url).await?;
    let visitors = kv.collection::<Visitor>();
    visitors.put(&Visitor { id: 1, name: "Ada".to_owned(), visits: 1 }).await?;
    visitors.update_last_write_wins(1, |visitor| visitor.visits += 1).await?;
    let ada = visitors.get(1).await?.ok_or("she is there")?;
    let files = std::fs::read_dir(directory.path())?.count();
    println!("{} has visited {} times; the directory has {files} file", ada.name, ada.visits);
    Ok(())
}
