//! Texts of errors that their attributes alone cannot express.

use std::time::Duration;

use crate::codec::{Codec, CodecError};

pub(super) fn written_part(written: &usize, also: &[usize]) -> String {
    match (written, also.len()) {
        (0, 0) => "nothing was written".to_owned(),
        (0, others) => format!("{others} were written"),
        (first, 0) => format!("the first {first} were written"),
        (first, others) => format!("the first {first} and {others} more were written"),
    }
}

pub(super) fn rest_of_batch(unknown: &[usize]) -> String {
    match unknown.len() {
        0 => "write the rest again".to_owned(),
        len => {
            format!(
                "{len} may have been written, so read those before you write again; the rest was not written"
            )
        }
    }
}

pub(super) fn id_changed(created: &bool) -> &'static str {
    if *created {
        "`create` made an entity with another id than the one that was asked for; nothing was written; give it that id"
    } else {
        "the change would give the entity another id; put it under the new id and delete the old one"
    }
}

/// The format's usual name. [`Codec::name`] is its name in records.
pub(super) const fn format_name(codec: &Codec) -> &'static str {
    match codec {
        Codec::Json => "JSON",
        #[cfg(feature = "postcard")]
        Codec::Postcard => "postcard",
    }
}

pub(super) fn undecoded(codec: &Codec, source: &CodecError) -> String {
    let format = format_name(codec);
    if source.is_malformed() {
        return format!(
            "the value cannot be read as {format} at all and was left as it is; another program wrote it, or it was damaged; if nobody needs it, `put` replaces it"
        );
    }
    let remedy = match codec {
        Codec::Json => "raise its `version` and say how it changed: `renamed`, `added`, `removed` or `step`",
        #[cfg(feature = "postcard")]
        Codec::Postcard => "raise its `version` and keep the old struct as its `previous`",
    };
    format!(
        "the value does not decode as {format} and was left as it is; if the struct has changed, {remedy}; if nobody needs the record, `put` replaces it"
    )
}

pub(super) fn retry_advice(retryable: &bool) -> &'static str {
    if *retryable { "; a retry may help" } else { "" }
}

pub(super) fn load_advice(retryable: &bool) -> &'static str {
    if *retryable { "a retry may help" } else { "fix the loader; retrying will not help" }
}

pub(super) fn reason(why: &Option<&'static str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

/// The duration in the largest unit of which it is a whole number, or in whole microseconds. `Debug`
/// of `Duration` writes fractions, and would be 3 KiB of a Worker's wasm.
pub(super) fn duration(duration: &Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let (whole, per_second, unit) = match nanos {
        0 => (0, 1, "s"),
        nanos if nanos.is_multiple_of(1_000_000) => (nanos / 1_000_000, 1_000, "ms"),
        nanos => (nanos / 1_000, 1_000_000, "µs"),
    };
    format!("{}{unit}", seconds.saturating_mul(per_second).saturating_add(u64::from(whole)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration, rest_of_batch, written_part};

    #[test]
    fn durations_are_whole_numbers() {
        for (nanos, text) in [
            (0, "0s"),
            (60_000_000_000, "60s"),
            (1_500_000_000, "1500ms"),
            (20_000_000, "20ms"),
            (1_500_999, "1500µs"),
        ] {
            assert_eq!(duration(&Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn a_partial_write_contradicts_nothing() {
        assert_eq!(written_part(&0, &[]), "nothing was written");
        assert_eq!(written_part(&0, &[4, 7]), "2 were written");
        assert_eq!(written_part(&3, &[]), "the first 3 were written");
        assert_eq!(written_part(&3, &[4, 7]), "the first 3 and 2 more were written");
        assert_eq!(rest_of_batch(&[]), "write the rest again");
        let unknown =
            "1 may have been written, so read those before you write again; the rest was not written";
        assert_eq!(rest_of_batch(&[3]), unknown);
    }
}
