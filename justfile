# The commands of CONTRIBUTING.md, by short names: `just NAME`.

# Lists the commands.
default:
    @just --list

# The tests that need nothing but a Rust toolchain.
test *ARGS:
    cargo test {{ ARGS }}

# All tests; installs what they need.
test-all:
    scripts/test

# What has to hold for every change.
ci:
    .ci/run

# Formats the code.
fmt:
    cargo fmt --all

# Lints everything, benchmarks included.
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Builds the API documentation.
doc *ARGS:
    cargo doc -p kv-runtime --all-features --no-deps {{ ARGS }}

# Checks each feature alone; needs cargo-hack.
features:
    cargo hack check -p kv-runtime --each-feature --no-dev-deps

# Checks Markdown, spelling, and the scripts.
check-docs:
    scripts/check-docs
    scripts/check-typos
    python3 -m unittest discover scripts/tests

# Checks dependencies: advisories, licences, sources; needs cargo-deny.
deny:
    cargo deny check

# Runs a benchmark: `just bench handwritten`.
bench NAME *ARGS:
    cargo bench --bench {{ NAME }} {{ if ARGS == "" { "" } else { "-- " + ARGS } }}

# Draws kv-runtime/docs/speed.svg from the results of the benchmarks.
chart:
    scripts/chart

# Fuzzes a target for a minute; needs cargo-fuzz and a nightly compiler.
fuzz TARGET:
    cargo +nightly fuzz run {{ TARGET }} -- -max_total_time=60 -max_len=4096

# Checks that the version of Cargo.toml can be released; changes nothing.
release:
    scripts/release
