//! Simulation: schedules, faults, dropped futures and moved clocks, all drawn from one seed.
//!
//! A seed decides which future runs next, which is dropped, which is not polled for a long time,
//! when the store carries a call out and when it answers, which calls fail, hang or lose their
//! answer, and how the clocks move. There are no threads and no real time, so a seed always gives
//! the same run. After it, all calls but those that are still held back must end, then those too;
//! what the calls returned must be linearizable against a plain model.
//!
//! - `cargo test --all-features --test simulation` runs a fixed number of seeds of each scenario.
//! - `KV_SIM_SEEDS=5000000` runs as many of each.
//! - `KV_SIM_SEED=7` runs that one alone, and prints what happened. A seed that fails prints the
//!   command.
//!
//! README.md tells how many seeds each of several faults took that were put into the library.

mod ages;
mod caches;
mod calls;
mod every_schedule;
mod groups;
mod history;
mod indexes;
mod isolates;
mod last_write;
mod layers;
mod lists;
mod loads;
mod migrations;
mod origin;
mod processes;
mod records;
mod refreshes;
mod run;
mod seen;
mod server;
mod sessions;
mod sim;
mod store;
mod transactions;

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::Sim;

/// How many seeds of each scenario run where nobody says.
const SEEDS: u64 = 2_000;

/// Runs a scenario with each seed, and says which one failed.
fn simulate(name: &str, scenario: fn(&Sim)) {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse().expect("a number"));
    let (seeds, is_shown) = match number("KV_SIM_SEED") {
        Some(seed) => (seed..seed + 1, true),
        None => (0..number("KV_SIM_SEEDS").unwrap_or(SEEDS), false),
    };
    for seed in seeds {
        let sim = Sim::new(seed, is_shown);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario(&sim))) {
            let name = name.split_once("::").map_or(name, |(_, test)| test);
            println!("{}", sim.shown());
            println!("seed {seed} of {name} failed after {seed} that did not; replay it with\n");
            println!(
                "    KV_SIM_SEED={seed} cargo test --all-features --test simulation -- --exact {name} --nocapture\n"
            );
            std::panic::resume_unwind(panic);
        }
        if is_shown {
            println!("{}", sim.shown());
        }
    }
}

/// A test of each scenario.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {
        mod seeds {
            $(#[test]
            fn $scenario() {
                $crate::simulate(concat!(module_path!(), "::", stringify!($scenario)), super::$scenario);
            })+
        }
    };
}
pub(crate) use scenarios;
