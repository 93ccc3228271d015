//! Any bytes are a plain value, an envelope, or refused; and what was read is the same after it is written again.

#![no_main]

use bytes::Bytes;
use kv_runtime::record::envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // The magic and the format are found soon enough; this finds the rest sooner.
    check(&[&[0xFF, 0x4B, 1], bytes].concat());
});

fn check(bytes: &[u8]) {
    let Ok(record) = envelope::open(Bytes::copy_from_slice(bytes)) else { return };
    let Some(token) = record.revision.token() else {
        assert_eq!(&record.value[..], bytes);
        return;
    };
    let mut again = Vec::new();
    envelope::write(&record.metadata, record.expires_at, token, &mut again).expect("it was read");
    let value_at = again.len();
    again.extend_from_slice(&record.value);
    let reread = envelope::open(again.into()).expect("it was written");
    assert_eq!(reread.metadata, record.metadata);
    assert_eq!(reread.expires_at, record.expires_at);
    assert_eq!(reread.revision, record.revision);
    assert_eq!(reread.value, record.value);
    // Without members of other programs there is exactly one way to write the metadata.
    if record.metadata.foreign_members().next().is_none() && bytes[3] & 0x10 == 0 {
        assert_eq!(bytes.len() - record.value.len(), value_at);
    }
}
