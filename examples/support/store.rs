//! `--store URL`, or the path of a file: the store that an example works on.

use std::env;
use std::error::Error;

/// The URL of the store, if one is given; nothing else may be. A path by itself is that of a redb file.
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
