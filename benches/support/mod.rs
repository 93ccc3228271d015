//! What the benchmarks share: two sides measured by turns, medians, the table and the file of
//! results.
//!
//! The machine may be shared, so times are worth little and ratios a lot: both sides run in many
//! short rounds, one after the other, and whatever slows the machine slows both.

#[allow(dead_code, reason = "not every benchmark stores profiles")]
pub mod profile;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// What a benchmark's functions give: its faults end it.
pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The cases of one benchmark. `cargo bench --bench <name> -- <part of a case's name>` runs some of
/// them.
pub struct Report {
    bench: &'static str,
    only: Option<String>,
    cases: Vec<Case>,
    /// Cases that could not be measured, and why.
    not_measured: Vec<(String, String)>,
}

struct Case {
    name: String,
    sides: Sides,
    unit: &'static str,
    /// What the library is compared with.
    peer: &'static str,
    /// The maximum ratio to the peer; `None` if the case has no goal.
    goal: Option<f64>,
}

/// What both sides of a case came to.
pub struct Sides {
    pub ours: f64,
    pub theirs: f64,
}

impl Sides {
    /// Of pairs measured one after the other, the one with the median ratio: what slowed the
    /// machine for a while slowed both of a pair.
    #[allow(dead_code, reason = "not every benchmark measures a case more than once")]
    pub fn middle(mut pairs: Vec<Self>) -> Result<Self> {
        pairs.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let middle = pairs.len() / 2;
        pairs.into_iter().nth(middle).ok_or_else(|| "no pair was measured".into())
    }

    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }
}

impl Report {
    pub fn new(bench: &'static str) -> Self {
        // Cargo adds `--bench`.
        let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
        Self { bench, only, cases: Vec::new(), not_measured: Vec::new() }
    }

    /// Measures a case if it was selected. The goal is the maximum ratio to the peer.
    pub fn case(
        &mut self,
        name: impl Into<String>,
        peer: &'static str,
        unit: &'static str,
        goal: impl Into<Option<f64>>,
        measure: impl FnOnce() -> Result<Sides>,
    ) -> Result<()> {
        let name = name.into();
        if self.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return Ok(());
        }
        eprintln!("{}: {name}", self.bench);
        let sides = measure()?;
        self.cases.push(Case { name, sides, unit, peer, goal: goal.into() });
        Ok(())
    }

    /// Names a case that cannot be measured here, so that nobody takes it for measured.
    #[allow(dead_code, reason = "most benchmarks can measure all cases everywhere")]
    pub fn not_measured(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.not_measured.push((name.into(), reason.into()));
    }

    /// Prints the table, and writes `bench/<name>.json` in the target directory if no case was left
    /// out.
    pub fn finish(self) -> Result<()> {
        println!(
            "\n{:<26} {:>12} {:>12}  {:<14} {:>6} {:>6}  against",
            "case", "ours", "theirs", "unit", "ratio", "goal"
        );
        for case in &self.cases {
            let goal = case.goal.map_or(String::new(), |goal| format!("{goal:.2}"));
            let missed =
                if case.goal.is_some_and(|goal| case.sides.ratio() > goal) { " (missed)" } else { "" };
            println!(
                "{:<26} {:>12.1} {:>12.1}  {:<14} {:>6.3} {:>6}  {}{missed}",
                case.name,
                case.sides.ours,
                case.sides.theirs,
                case.unit,
                case.sides.ratio(),
                goal,
                case.peer
            );
        }
        for (name, reason) in &self.not_measured {
            println!("{name:<26} not measured: {reason}");
        }
        if self.only.is_some() {
            return Ok(());
        }
        let mut results: Vec<_> = self.cases.iter().map(Case::json).collect();
        let not_measured = |(name, reason)| serde_json::json!({ "case": name, "not_measured": reason });
        results.extend(self.not_measured.iter().map(|(name, reason)| not_measured((name, reason))));
        let directory = target_dir().join("bench");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(self.bench).with_extension("json"), serde_json::to_vec_pretty(&results)?)?;
        Ok(())
    }
}

impl Case {
    fn json(&self) -> serde_json::Value {
        let Self { name, sides, unit, peer, .. } = self;
        serde_json::json!({
            "case": name, "ours": sides.ours, "theirs": sides.theirs, "ratio": sides.ratio(), "unit": unit, "peer": peer
        })
    }
}

/// Runs both sides by turns, in changing order, and gives the median of each. One call of a side is
/// one round, and gives what it came to. A round of each goes before and is not counted.
pub fn by_turns(
    rounds: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut theirs: impl FnMut() -> Result<f64>,
) -> Result<Sides> {
    ours()?;
    theirs()?;
    let (mut our_rounds, mut their_rounds) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds {
        if round % 2 == 0 {
            our_rounds.push(ours()?);
            their_rounds.push(theirs()?);
        } else {
            their_rounds.push(theirs()?);
            our_rounds.push(ours()?);
        }
    }
    Ok(Sides { ours: median(our_rounds), theirs: median(their_rounds) })
}

/// How long `work` takes, in nanoseconds for each of its operations.
pub fn nanos_each<T>(operations: usize, work: impl FnOnce() -> Result<T>) -> Result<f64> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    let start = Instant::now();
    black_box(work()?);
    Ok(start.elapsed().as_nanos() as f64 / operations as f64)
}

/// Cargo's target directory, whose `tmp` it names to benchmarks.
pub fn target_dir() -> &'static Path {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp)
}

/// The middle one; the mean of both of an even number.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
