//! Any answer of Cloudflare's API is records, keys, a refusal or no answer; and a record that was read is the same after it is sent and
//! read again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let in_values = |part: &[u8]| [b"{\"result\":{\"values\":{\"k\":", part, b"}}}"].concat();
    for body in [
        bytes.to_vec(),
        in_values(bytes),
        in_values(&[b"{\"value\":\"1\",\"metadata\":", bytes, b"}"].concat()),
        in_values(&[b"{\"value\":", bytes, b",\"metadata\":{\"encoding\":\"base64\"}}"].concat()),
        [b"{\"result\":[{\"name\":\"k\",\"metadata\":", bytes, b"}]}"].concat(),
    ] {
        kv_runtime::fuzzing::cloudflare_answer(&body);
    }
});
