//! Any bytes are metadata or refused; and what was read is the same after it is written again.

#![no_main]

use kv_runtime::record::Metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&[b"{\"version\":", bytes, b"}"].concat());
    check(&[b"{\"createdAt\":", bytes, b"}"].concat());
});

fn check(bytes: &[u8]) {
    let Ok(metadata) = Metadata::from_json(bytes) else { return };
    assert!(metadata.version > 0 && metadata.oldest_reader() > 0);
    let json = metadata.to_json();
    assert_eq!(Metadata::from_json(json.as_bytes()).as_ref(), Ok(&metadata), "{json}");
}
