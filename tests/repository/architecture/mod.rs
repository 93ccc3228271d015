//! The rules of ARCHITECTURE.md about who may import whom: files form no circles, modules import only
//! what is below them, and a store depends on the contract alone.

mod graph;
mod source;
mod writes;

use std::error::Error;
use std::fs;
use std::path::Path;

use graph::Graph;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Every crate and program of this repository, by its root file.
const ROOTS: [&str; 30] = [
    "kv-derive/src/lib.rs",
    "kv-store/src/lib.rs",
    "stores/redb/src/lib.rs",
    "stores/redis/src/lib.rs",
    "stores/cloudflare/src/lib.rs",
    "kv-runtime/src/lib.rs",
    "benches/compile.rs",
    "benches/group_commit.rs",
    "benches/handwritten/main.rs",
    "benches/redis/main.rs",
    "benches/peers/cache/main.rs",
    "benches/peers/migration/main.rs",
    "benches/peers/native_db/main.rs",
    "benches/peers/scale/main.rs",
    "tests/support/lib.rs",
    "tests/simulation/main.rs",
    "examples/support/src/lib.rs",
    "tests/random_types/build/main.rs",
    "tests/random_types/src/lib.rs",
    "examples/quickstart/src/main.rs",
    "examples/adopted-data/src/main.rs",
    "examples/api-cache/src/main.rs",
    "examples/foreign_store/src/lib.rs",
    "examples/ledger/src/main.rs",
    "examples/migrations/src/main.rs",
    "examples/rate-limit/src/main.rs",
    "examples/sessions/src/main.rs",
    "examples/store-metrics/src/main.rs",
    "examples/web-service/src/main.rs",
    "examples/worker/src/lib.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_two_files_import_each_other() -> Result {
    let mut circles = Vec::new();
    for path in ROOTS {
        let graph = Graph::of(&source::read(&root().join(path))?);
        assert!(graph.files() > 0, "{path} has no file");
        circles.extend(graph.circles(root()));
    }
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
    Ok(())
}

#[test]
fn modules_import_only_what_is_below_them() -> Result {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md"))?;
    let mut faults = Vec::new();
    for (name, path) in [
        ("kv-store", "kv-store/src/lib.rs"),
        ("kv-runtime", "kv-runtime/src/lib.rs"),
        ("kv-derive", "kv-derive/src/lib.rs"),
    ] {
        let layers = layers(&architecture, name)?;
        let graph = Graph::of(&source::read(&root().join(path))?);
        faults.extend(graph.upward(&layers).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn a_store_depends_on_the_contract_alone() -> Result {
    for store in ["redb", "redis", "cloudflare"] {
        let manifest = fs::read_to_string(root().join("stores").join(store).join("Cargo.toml"))?;
        let ours: Vec<&str> = manifest
            .lines()
            .take_while(|line| *line != "[dev-dependencies]")
            .filter(|line| line.starts_with("kv-"))
            .collect();
        assert_eq!(ours.len(), 1, "{store}: {ours:?}");
        assert!(ours[0].starts_with("kv-store"), "{store}: {ours:?}");
    }
    let manifest = fs::read_to_string(root().join("kv-store/Cargo.toml"))?;
    assert!(
        !manifest.lines().any(|line| line.starts_with("kv-")),
        "the contract imports no other crate of this workspace"
    );
    Ok(())
}

/// The layers of a crate in ARCHITECTURE.md, from the top down, the modules of each.
fn layers(architecture: &str, name: &str) -> Result<Vec<Vec<String>>> {
    let (_, from) = architecture
        .split_once(&format!("```text layers of {name}\n"))
        .ok_or_else(|| format!("ARCHITECTURE.md has no layers of {name}"))?;
    let (block, _) = from.split_once("```").ok_or("a block without an end")?;
    let layer = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Ok(block.lines().map(layer).collect())
}
