//! Measurements that need a separate process: `<this program> --child <work> <arguments>`.

use std::process::{Command, Stdio};

use crate::support::Result;

const MARK: &str = "--child";

/// In a child, its work and the arguments of that.
pub fn asked() -> Option<(String, Vec<String>)> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(MARK) {
        return None;
    }
    Some((arguments.next().unwrap_or_default(), arguments.collect()))
}

/// A child that does some work, by itself or under a program that measures it.
pub fn command(under: &[&str], work: &str, arguments: &[&str]) -> Result<Command> {
    let this = std::env::current_exe()?;
    let mut command = match under {
        [] => Command::new(this),
        [program, options @ ..] => {
            let mut command = Command::new(program);
            command.args(options).arg(this);
            command
        }
    };
    command.arg(MARK).arg(work).args(arguments).stderr(Stdio::inherit());
    Ok(command)
}

/// What the child wrote, if it succeeded.
pub fn output(mut command: Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
