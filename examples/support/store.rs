//! `--store URL`: the store that an example works on.

use std::env;
use std::error::Error;

/// The URL after `--store`, if it is given; nothing else may be.
pub fn url() -> Result<Option<String>, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.as_slice() {
        [] => Ok(None),
        [option, url] if option == "--store" => Ok(Some(url.clone())),
        _ => Err("usage: [--store URL], such as `--store memory:` or `--store redb:app.redb`".into()),
    }
}
