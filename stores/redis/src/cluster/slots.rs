//! The slots of keys.

use std::collections::HashMap;

use super::map::SLOTS;

/// The slot of a key: that of its hash tag, if it has one.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

/// The places of keys by the slots that they lie on, each in the keys' order.
pub(crate) fn by_slot<S: AsRef<str>>(keys: &[S]) -> Vec<Vec<usize>> {
    let mut slots: HashMap<u16, Vec<usize>> = HashMap::new();
    for (index, key) in keys.iter().enumerate() {
        slots.entry(slot_of(key.as_ref())).or_default().push(index);
    }
    slots.into_values().collect()
}
