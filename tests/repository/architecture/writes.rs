//! The rule that caches hear of what the runtime writes: all its writes go through `heard.rs`.

use std::fs;
use std::path::Path;

use super::{Result, root};

/// The calls of a store that write, or may.
const CALLS: [&str; 7] = ["write", "commit", "put", "put_many", "delete", "delete_many", "replace"];

/// Who calls a store directly, and why.
const ALLOWED: [(&str, &str); 7] = [
    ("heard.rs", "it tells the caches"),
    ("layer/", "a layer is a store"),
    ("connect/", "so is that of a URL"),
    ("index/", "no cache has entries, claims and states of indexes"),
    ("collection/indexed/fresh.rs", "so it is with the states of new indexes"),
    ("transact/read.rs", "it only checks conditions"),
    ("transact/settle.rs", "it writes the value that is there"),
];

/// `transact/commit.rs` settles a lost answer before it tells the caches how the commit ended.
const TELLS_ITSELF: &str = "transact/commit.rs";

#[test]
fn all_writes_of_the_runtime_are_heard() -> Result {
    let (mut files, mut unheard) = (0, Vec::new());
    look(&root().join("kv-runtime/src"), &mut |path, text| {
        files += 1;
        let is_allowed = ALLOWED.iter().any(|(allowed, _)| path.starts_with(allowed));
        let tells = path == TELLS_ITSELF && text.contains("calls.begin(");
        if !is_allowed && !tells {
            let faults = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            unheard
                .extend(faults.filter(|line| is_write(line)).map(|line| format!("{path}: {}", line.trim())));
        }
    })?;
    assert!(files > 100, "only {files} files were read");
    assert!(unheard.is_empty(), "write through `writes()`, so that caches hear it:\n{}", unheard.join("\n"));
    Ok(())
}

#[test]
fn a_write_that_is_not_heard_is_found() {
    assert!(is_write("let done = self.store().commit(conditions, writes).await;"));
    assert!(is_write("    store.put(key, record).await"));
    assert!(!is_write("let checked = self.store().commit(conditions, Batch::new()).await;"));
    assert!(!is_write("self.writes().commit(absent, writes.into()).await"));
    assert!(!is_write("let records = self.store().read_many(keys).await?;"));
}

/// A commit without writes only checks its conditions.
fn is_write(line: &str) -> bool {
    if line.contains("Batch::new()") {
        return false;
    }
    CALLS.iter().any(|call| ["store()", "store"].iter().any(|of| line.contains(&format!("{of}.{call}("))))
}

/// Shows each file of the folder, with its path in it.
fn look(folder: &Path, each: &mut impl FnMut(&str, &str)) -> Result {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.contains("test") {
                each(&name, &fs::read_to_string(&path)?);
            }
        }
    }
    Ok(())
}
