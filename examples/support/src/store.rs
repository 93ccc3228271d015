//! The store that an example works on: `--store URL`, or the path of a redb file.

use std::env;
use std::error::Error;

/// Returns the URL of the store, if the command line has one. A path alone means a redb file. Any
/// other argument is an error.
pub fn url() -> Result<Option<String>, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.as_slice() {
        [] => Ok(None),
        [option, url] if option == "--store" => Ok(Some(url.clone())),
        [url] if url.contains(':') => Ok(Some(url.clone())),
        [path] if !path.is_empty() && !path.starts_with('-') => Ok(Some(format!("redb:{path}"))),
        _ => Err("usage: [--store URL | FILE], such as `--store memory:` or `app.redb`".into()),
    }
}
