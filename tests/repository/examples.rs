//! Every example is a package with its own tests, which plain `cargo test` covers.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

/// Folders of `examples/` that are no example, or no member of this workspace.
const OTHERS: [&str; 4] = ["data", "foreign_store", "support", "worker"];

#[test]
fn every_example_is_a_package_with_tests() -> Outcome {
    let root = fs::read_to_string(root().join("Cargo.toml"))?;
    for (name, folder) in examples()? {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        assert!(manifest.contains(&format!("name = \"{name}\"")), "examples/{name}: the package's name");
        let listed = root.matches(&format!("\"examples/{name}\"")).count();
        assert_eq!(listed, 2, "Cargo.toml lists examples/{name} in members and default-members");
        assert!(fs::read_dir(folder.join("tests"))?.count() > 0, "examples/{name} has no test");
    }
    Ok(())
}

#[test]
fn every_example_says_how_to_run_it() -> Outcome {
    for (name, folder) in examples()? {
        let main = fs::read_to_string(folder.join("src/main.rs"))?;
        let header: Vec<_> = main.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let header = header.join("");
        assert!(header.contains(&format!("`cargo run -p {name}")), "examples/{name}: {header}");
    }
    Ok(())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The name and the folder of each example.
fn examples() -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut examples = Vec::new();
    let mut folders = fs::read_dir(root().join("examples"))?;
    while let Some(entry) = folders.next().transpose()? {
        let name = entry.file_name().into_string().map_err(|_| "a name that is not text")?;
        if !OTHERS.contains(&name.as_str()) {
            examples.push((name, entry.path()));
        }
    }
    assert!(examples.len() >= 10, "{examples:?}");
    Ok(examples)
}
