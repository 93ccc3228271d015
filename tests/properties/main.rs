//! What holds for all keys, records, values and sequences of calls: tried on random ones, and on the
//! examples of the wire format.

mod keys;
mod model;
mod records;
mod values;
mod wire_format;
