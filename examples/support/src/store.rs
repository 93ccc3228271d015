//! The store that an example works on: `--store URL`, or the path of a redb file.

use std::env;

use crate::usage;

/// Returns the URL of the store, if the command line has one. A path alone means a redb file. Any
/// other argument ends the program with the line of usage.
pub fn url() -> Option<String> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.as_slice() {
        [] => None,
        [option, url] if option == "--store" => Some(url.clone()),
        [url] if url.contains(':') => Some(url.clone()),
        [path] if !path.is_empty() && !path.starts_with('-') => Some(format!("redb:{path}")),
        _ => usage::show("[--store URL | FILE], such as `--store memory:` or `app.redb`"),
    }
}
