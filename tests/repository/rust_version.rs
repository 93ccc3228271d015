//! The compiler that `kv-runtime` asks for is new enough for its dependencies.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Command;

use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;
type Version = (u32, u32);

/// Features whose dependencies are for wasm32 alone.
const FOR_WASM: [&str; 2] = ["workers", "durable-objects"];

#[test]
fn covers_what_the_dependencies_of_each_feature_need() -> Result {
    let packages = metadata()?;
    let runtime = packages.iter().find(|it| it["name"] == "kv-runtime").ok_or("no kv-runtime")?;
    let minimum = version(&runtime["rust_version"])?;
    let declared = runtime["metadata"]["rust-version-of-features"].as_object().ok_or("no list")?;
    let needed: BTreeMap<String, Version> = packages
        .iter()
        .filter(|it| it["rust_version"].is_string())
        .map(|it| {
            let id = format!("{} v{}", text(&it["name"])?, text(&it["version"])?);
            Ok((id, version(&it["rust_version"])?))
        })
        .collect::<Result<_>>()?;

    let features = runtime["features"].as_object().ok_or("no features")?;
    for feature in features.keys() {
        let says = declared.get(feature).map_or(Ok(minimum), version)?;
        let dependencies = dependencies(feature)?;
        assert!(dependencies.len() > 10, "{feature}: {dependencies:?}");
        let newest = dependencies.iter().filter_map(|it| Some((*needed.get(it)?, it))).max();
        let (needs, of) = newest.ok_or("no dependency declares a version")?;
        assert!(needs <= says, "feature {feature}: {of} needs Rust {needs:?}, declared is {says:?}");
        assert!(needs == says || !declared.contains_key(feature), "feature {feature}: {needs:?} is enough");
    }
    for feature in declared.keys() {
        assert!(features.contains_key(feature), "there is no feature {feature}");
    }
    Ok(())
}

/// Returns `name vVERSION` of all packages that `kv-runtime` is built with.
fn dependencies(feature: &str) -> Result<Vec<String>> {
    let target: &[&str] =
        if FOR_WASM.contains(&feature) { &["--target=wasm32-unknown-unknown"] } else { &[] };
    let tree = ["tree", "--package=kv-runtime", "--edges=normal,build", "--prefix=none", "--format={p}"];
    let chosen = ["--no-default-features", "--features", feature];
    let printed = cargo(&[&tree[..], &chosen, target].concat())?;
    let id = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    Ok(printed.lines().map(id).collect())
}

fn metadata() -> Result<Vec<Value>> {
    let mut metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version=1", "--all-features"])?)?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => Err("there are no packages".into()),
    }
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--locked")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads the first two numbers of a version.
fn version(of: &Value) -> Result<Version> {
    let mut numbers = text(of)?.split('.').map(str::parse);
    let mut next = || numbers.next().ok_or("a version without a minor number");
    Ok((next()??, next()??))
}

fn text(of: &Value) -> Result<&str> {
    of.as_str().ok_or_else(|| format!("{of} is no text").into())
}
