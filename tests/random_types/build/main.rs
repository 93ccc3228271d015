//! Writes random types, each with what makes random values of it.

mod attributes;
mod define;
mod types;

use std::path::Path;
use std::{env, error, fs};

/// How many types the test has by default. A type takes about half a second to compile.
const TYPES: usize = 36;
/// A root is stored, with the types that are within it.
const TYPES_PER_ROOT: usize = 6;

fn main() -> Result<(), Box<dyn error::Error>> {
    let number = |name: &str, default: usize| match env::var(name) {
        Ok(text) => text.parse(),
        Err(_) => Ok(default),
    };
    let (seed, types) = (number("RANDOM_TYPES_SEED", 1)?, number("RANDOM_TYPES", TYPES)?);
    println!("cargo::rerun-if-env-changed=RANDOM_TYPES_SEED");
    println!("cargo::rerun-if-env-changed=RANDOM_TYPES");
    println!("cargo::rerun-if-changed=build");
    let mut rng = fastrand::Rng::with_seed(seed as u64);
    let (mut code, mut calls) = (String::new(), String::new());
    for root in 0..types.div_ceil(TYPES_PER_ROOT) {
        let (module, is_loose) = define::module(&mut rng, TYPES_PER_ROOT);
        code.push_str(&format!("mod r{root} {{\n    use crate::prelude::*;\n{module}}}\n"));
        let last = TYPES_PER_ROOT - 1;
        calls.push_str(&format!("    harness.check::<r{root}::T{last}>(\"r{root}\", {is_loose});\n"));
    }
    let all = format!("{code}\npub fn check_all(harness: &mut crate::harness::Harness) {{\n{calls}}}\n");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets it")?;
    fs::write(Path::new(&out).join("types.rs"), all)?;
    Ok(())
}
