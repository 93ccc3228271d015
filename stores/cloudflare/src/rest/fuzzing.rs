//! What the fuzz target `cloudflare` runs.

use kv_store::record::{Expiry, NewRecord};
use kv_store::{Location, Timestamp};

use super::super::record::{Expiration, RawRecord, read, read_head, spell};
use super::client::parse;
use super::reply::{Done, ListedKey, Values, seconds};

const NOW: Timestamp = Timestamp::from_millis(1_763_900_000_000);

/// Reads the bytes as each answer of the API; what is a record is sent and read again.
#[expect(clippy::expect_used, reason = "what the target looks for")]
pub fn cloudflare_answer(body: &[u8]) {
    let at = || Location::store(super::NAME);
    drop(parse::<Done>(body, false));
    if let Ok(listed) = parse::<Vec<ListedKey>>(body, true) {
        for key in listed.result.into_iter().flatten() {
            drop(read_head(key.metadata, key.expiration.as_ref().map(seconds), NOW, &at));
        }
    }
    let Ok(values) = parse::<Values>(body, true) else { return };
    let values = values.result.into_iter().flat_map(|values| values.values);
    for found in values.filter_map(|(_, value)| value?.into_found()) {
        let Ok(Some(record)) = read(found, NOW, &at) else { continue };
        let expiry = record.expires_at.map_or(Expiry::Never, Expiry::At);
        let new = NewRecord::new(record.value.0.clone(), record.metadata.clone()).with_expiry(expiry);
        // What is too long to be sent was not sent here.
        let Ok(Some(spelt)) = spell(new, NOW, &at) else { continue };
        let found = RawRecord {
            value: spelt.value.into(),
            metadata: Some(spelt.metadata.into()),
            expiration: Expiration::Untold,
        };
        let again = read(found, NOW, &at).expect("it is what was spelt").expect("it lives");
        assert_eq!(again.value, record.value);
        assert_eq!(again.expires_at, record.expires_at);
        // What was too long for the limit has lost what can be spared.
        assert_eq!(again.metadata.version, record.metadata.version);
        assert!(again.metadata.foreign_members().eq(record.metadata.foreign_members()));
    }
}
