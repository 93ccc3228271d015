//! How an example says which arguments it takes. `main` would show an error as text in quotes.

use std::env;
use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::process::exit;
use std::str::FromStr;

/// Prints the line of usage and ends the program: with 0 on stdout if `--help` is among the
/// arguments, and with 2 on stderr if not.
pub fn show(arguments: &str) -> ! {
    let path = env::args().next().unwrap_or_default();
    let name = Path::new(&path).file_stem().unwrap_or_default().display();
    let line = format!("usage: cargo run -p {name} -- {arguments}");
    if env::args_os().any(|arg| arg == "--help" || arg == "-h") {
        println!("{line}");
        exit(0)
    }
    eprintln!("{line}");
    exit(2)
}

/// Shows the usage unless the arguments are options of these names, each with a value.
pub fn expect_options(names: &[&str], arguments: &str) {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let (options, rest) = args.as_chunks::<2>();
    if !rest.is_empty() || !options.iter().all(|[name, _]| names.iter().any(|known| name == known)) {
        show(arguments)
    }
}

/// Returns the value of `--name value`, if it is given. A value of another kind ends the program.
pub fn option<T: FromStr<Err: Error>>(name: &str) -> Option<T> {
    let mut args = env::args().skip_while(|arg| arg != name).skip(1);
    let value = args.next()?;
    Some(value.parse().unwrap_or_else(|error| refuse(format_args!("{name} {value}: {error}"))))
}

/// Prints why the program cannot do what the arguments say, and ends it with 2.
pub fn refuse(why: impl Display) -> ! {
    eprintln!("error: {why}");
    exit(2)
}
