//! Durations as text: `30s`, `5m`, `24h`, `30d`, and sums such as `1h30m`.

/// The seconds that `text` tells, at least one; or why it tells none.
pub(crate) fn seconds(text: &str) -> Result<u64, &'static str> {
    const FORM: &str = "expected a duration: whole numbers with the units `s`, `m`, `h` or `d`, such as \"30s\", \"24h\" or \
                        \"1h30m\"";
    const TOO_LONG: &str = "this duration is longer than can be counted";
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
        let (number, after) = rest.split_at(digits);
        let unit: u64 = match after.as_bytes() {
            [b's', ..] => 1,
            [b'm', ..] => 60,
            [b'h', ..] => 60 * 60,
            [b'd', ..] => 24 * 60 * 60,
            _ => return Err(FORM),
        };
        if number.is_empty() {
            return Err(FORM);
        }
        let number: u64 = number.parse().map_err(|_| TOO_LONG)?;
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or(TOO_LONG)?;
        rest = &after[1..];
    }
    match total {
        0 if text.is_empty() => Err(FORM),
        0 => Err("a TTL is longer than nothing"),
        total => Ok(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_units_are_read() {
        for (text, expected) in
            [("30s", 30), ("5m", 300), ("24h", 86_400), ("30d", 2_592_000), ("1h30m", 5_400), ("1m0s", 60)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            "s",
            "30",
            "5 m",
            "5min",
            "300ms",
            "-5m",
            "1.5h",
            "0s",
            "0d0s",
            "99999999999999999999s",
            "999999999999999999d",
            "5µ",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
