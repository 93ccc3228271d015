//! Prints what the example does: aligned columns, in colour on a terminal.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Instant;

/// How to print on stdout.
pub struct Screen {
    in_colour: bool,
}

/// A code of ANSI for the text that follows.
#[derive(Clone, Copy)]
enum Style {
    Bold = 1,
    Dim = 2,
    Green = 32,
    Cyan = 36,
}

impl Screen {
    /// Uses colour if stdout is a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub fn of_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { in_colour: io::stdout().is_terminal() && !refused && !is_dumb }
    }

    /// The title of a section, and what it is about.
    pub fn heading(&self, title: &str, about: &str) {
        println!("\n{} {}", self.styled(&format!("{title:<7}"), Style::Bold), self.styled(about, Style::Dim));
    }

    /// A call, its outcome, and how long it took.
    pub fn call(&self, call: &str, outcome: &str, start: Instant) {
        let took = format!("{:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
        let call = self.styled(&format!("{call:<13}"), Style::Cyan);
        println!("  {call} {outcome:<42}{}", self.styled(&took, Style::Green));
    }

    /// A note on the previous call.
    pub fn note(&self, text: &str) {
        println!("{:16}{text}", "");
    }

    /// The names of a table's columns.
    pub fn columns(&self, names: &str) {
        println!("{}", self.styled(names, Style::Dim));
    }

    /// A command that runs an example, and what it shows.
    pub fn command(&self, example: &str, shows: &str) {
        let command = format!("{:<46}", format!("cargo run -p {example}"));
        println!("  {}{shows}", self.styled(&command, Style::Cyan));
    }

    fn styled(&self, text: &str, style: Style) -> String {
        if self.in_colour { format!("\x1b[{}m{text}\x1b[0m", style as u8) } else { text.to_owned() }
    }
}

/// The time from which [`Screen::call`] counts.
#[expect(clippy::disallowed_methods, reason = "prints how long calls take")]
pub fn now() -> Instant {
    Instant::now()
}
