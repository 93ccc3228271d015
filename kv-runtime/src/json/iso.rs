//! ISO 8601 dates, to and from milliseconds since the Unix epoch.

use std::fmt;
use std::marker::PhantomData;
use std::time::SystemTime;

use kv_store::Timestamp;
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};

/// A moment, or an `Option` of one: what [`iso_timestamp`](super::iso_timestamp) takes.
pub trait Moment: Serialize + DeserializeOwned + sealed::Sealed {
    #[doc(hidden)]
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    #[doc(hidden)]
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for kv_store::Timestamp {}
    impl Sealed for std::time::SystemTime {}
    impl<M: Sealed> Sealed for Option<M> {}
}

impl Moment for Timestamp {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Iso(*self))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// To the millisecond.
impl Moment for SystemTime {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Timestamp::from(*self).write(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::read(deserializer).map(Self::from)
    }
}

impl<M: Moment> Moment for Option<M> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(moment) => moment.write(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Optional(PhantomData))
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date with time and offset, such as \"2026-11-30T22:43:55.123Z\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        parse(text).map_err(E::custom)
    }
}

struct Optional<M>(PhantomData<M>);

impl<'de, M: Moment> Visitor<'de> for Optional<M> {
    type Value = Option<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date with time and offset, or null")
    }

    fn visit_none<E>(self) -> Result<Option<M>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<M>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<M>, D::Error> {
        M::read(deserializer).map(Some)
    }
}

const DAY: i64 = 86_400_000;

/// The text of a moment. A year of more than four digits has a sign and six, as in JavaScript.
struct Iso(Timestamp);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A timestamp has 48 bits.
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX);
        let (year, month, day) = date(millis.div_euclid(DAY));
        let rest = millis.rem_euclid(DAY);
        match year {
            ..=9_999 => write!(f, "{year:04}")?,
            _ => write!(f, "+{year:06}")?,
        }
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{:03}Z", rest / 1_000 % 60, rest % 1_000)
    }
}

/// The date of a day that is counted from 1 January 1970, by Howard Hinnant's algorithm: years begin in
/// March, and each 400 of them have 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    let from_march_of_0 = days + 719_468;
    let era = from_march_of_0.div_euclid(146_097);
    let of_era = from_march_of_0.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day of a date, counted from 1 January 1970.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

const WRONG: &str = "a text is no date with time and offset, such as \"2026-11-30T22:43:55.123Z\"";

fn parse(text: &str) -> Result<Timestamp, &'static str> {
    let mut rest = Rest(text.as_bytes());
    let year = if rest.take(b"+").is_some() { rest.number(6)? } else { rest.number(4)? };
    rest.expect(b"-")?;
    let month = rest.number(2)?;
    rest.expect(b"-")?;
    let day = rest.number(2)?;
    rest.expect(b"Tt ")?;
    let hour = rest.number(2)?;
    rest.expect(b":")?;
    let minute = rest.number(2)?;
    rest.expect(b":")?;
    let second = rest.number(2)?;
    let millis = if rest.take(b".,").is_some() { rest.fraction()? } else { 0 };
    let offset = rest.offset()?;
    let days = day_of(year, month, day);
    // A day that a month lacks would be one of the next. A leap second is the last one of its minute.
    let is_date = (1..=12).contains(&month) && day >= 1 && date(days) == (year, month, day);
    if !is_date || hour > 23 || minute > 59 || second > 60 || !rest.0.is_empty() {
        return Err(WRONG);
    }
    let of_day = ((hour * 60 + minute - offset) * 60 + second.min(59)) * 1_000 + millis;
    match u64::try_from(days * DAY + of_day) {
        Ok(millis) if millis <= Timestamp::MAX.as_millis() => Ok(Timestamp::from_millis(millis)),
        _ => Err("a date is before 1970, or after all dates that are kept"),
    }
}

/// What is left of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Takes the next byte if it is one of these.
    fn take(&mut self, any: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn expect(&mut self, any: &[u8]) -> Result<(), &'static str> {
        self.take(any).map(drop).ok_or(WRONG)
    }

    fn number(&mut self, digits: usize) -> Result<i64, &'static str> {
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + i64::from(self.take(b"0123456789").ok_or(WRONG)? - b'0');
        }
        Ok(number)
    }

    /// The milliseconds of a fraction of any length.
    fn fraction(&mut self) -> Result<i64, &'static str> {
        let (mut millis, mut unit) = (0, 100);
        let mut has_digits = false;
        while let Some(digit) = self.take(b"0123456789") {
            millis += i64::from(digit - b'0') * unit;
            unit /= 10;
            has_digits = true;
        }
        if has_digits { Ok(millis) } else { Err(WRONG) }
    }

    /// Minutes east of Greenwich.
    fn offset(&mut self) -> Result<i64, &'static str> {
        let Some(sign) = self.take(b"Zz+-") else {
            return Err("a date has no offset from UTC, such as `Z` or `+01:00`, so it is no moment");
        };
        if sign.eq_ignore_ascii_case(&b'Z') {
            return Ok(0);
        }
        let hours = self.number(2)?;
        self.take(b":");
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        if hours > 23 || minutes > 59 {
            return Err(WRONG);
        }
        let offset = hours * 60 + minutes;
        Ok(if sign == b'-' { -offset } else { offset })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    fn millis(text: &str) -> Option<u64> {
        parse(text).ok().map(Timestamp::as_millis)
    }

    #[test]
    fn dates_of_other_programs_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-11-30T22:43:55.123Z", 1_796_078_635_123),
            ("2026-11-30T23:43:55.123456+01:00", 1_796_078_635_123),
            ("2026-11-30 17:13:55.1-0530", 1_796_078_635_100),
            ("2026-11-30t22:43:55z", 1_796_078_635_000),
            ("2026-11-30T22:43:55+00", 1_796_078_635_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("+010000-01-01T00:00:00.000Z", 253_402_300_800_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "now",
            "2026-11-30",
            "2026-11-30T22:43:55",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00+24:00",
            "+999999-01-01T00:00:00Z",
            "2026-01-01T00:00:00+",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Wrapped<M: Moment>(#[serde(with = "crate::json::iso_timestamp")] M);

    #[test]
    fn none_is_null() {
        for (moment, json) in [
            (None, "null"),
            (Some(Timestamp::from_millis(1_796_078_635_123)), "\"2026-11-30T22:43:55.123Z\""),
            (Some(Timestamp::MAX), "\"+010889-08-02T05:31:50.655Z\""),
        ] {
            assert_eq!(serde_json::to_string(&Wrapped(moment)).expect("is written"), json);
            assert_eq!(
                serde_json::from_str::<Wrapped<Option<Timestamp>>>(json).expect("is read"),
                Wrapped(moment)
            );
        }
        let error =
            serde_json::from_str::<Wrapped<Timestamp>>("\"2026-11-30T22:43:55\"").expect_err("no offset");
        assert!(error.to_string().contains("no offset"), "{error}");
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_it_was_written(millis in 0..=Timestamp::MAX.as_millis()) {
            prop_assert_eq!(super::tests::millis(&Iso(Timestamp::from_millis(millis)).to_string()), Some(millis));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
