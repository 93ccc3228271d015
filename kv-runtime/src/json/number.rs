//! Whole numbers, and how they are read from numbers and text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};

/// A whole number, or an `Option` of one: what [`as_text`](super::as_text) and
/// [`number_or_text`](super::number_or_text) take.
pub trait Number: Serialize + DeserializeOwned + sealed::Sealed {
    #[doc(hidden)]
    fn write_text<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    #[doc(hidden)]
    fn write_number<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    #[doc(hidden)]
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

mod sealed {
    pub trait Sealed {}
    impl<N: Sealed> Sealed for Option<N> {}
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl sealed::Sealed for $number {}

        impl Number for $number {
            fn write_text<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }

            fn write_number<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // A longer number would be read as one that is rounded.
                match (u64::try_from(*self), i64::try_from(*self)) {
                    (Err(_), Err(_)) => serializer.collect_str(self),
                    _ => self.serialize(serializer),
                }
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Read(PhantomData))
            }
        }
    )+};
}

numbers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl<N: Number> Number for Option<N> {
    fn write_text<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(number) => number.write_text(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn write_number<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(number) => number.write_number(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Optional(PhantomData))
    }
}

struct Read<N>(PhantomData<N>);

impl<N> Read<N> {
    fn converted<T: TryInto<N>, E: Error>(number: T) -> Result<N, E> {
        number.try_into().map_err(|_| E::custom("a number is out of range for its type"))
    }
}

impl<N> Visitor<'_> for Read<N>
where
    N: FromStr + TryFrom<u64> + TryFrom<i64> + TryFrom<u128> + TryFrom<i128>,
{
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or one as text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        Self::converted(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<N, E> {
        Self::converted(number)
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<N, E> {
        Self::converted(number)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<N, E> {
        Self::converted(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<N, E> {
        text.parse().map_err(|_| E::custom("the text is not a whole number in the range of its type"))
    }
}

struct Optional<N>(PhantomData<N>);

impl<'de, N: Number> Visitor<'de> for Optional<N> {
    type Value = Option<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or one as text, or null")
    }

    fn visit_none<E>(self) -> Result<Option<N>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<N>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<N>, D::Error> {
        N::read(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Text<N: super::Number>(#[serde(with = "crate::json::as_text")] N);

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Either<N: super::Number>(#[serde(with = "crate::json::number_or_text")] N);

    fn text<N: super::Number>(json: &str) -> Option<N> {
        serde_json::from_str::<Text<N>>(json).ok().map(|it| it.0)
    }

    #[test]
    fn numbers_are_read_from_numbers_and_text() {
        assert_eq!(text::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(text::<u64>("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(text::<i8>("\"-128\""), Some(-128));
        assert_eq!(text::<u128>(&format!("\"{}\"", u128::MAX)), Some(u128::MAX));
        assert_eq!(text::<Option<u8>>("null"), Some(None));
        assert_eq!(text::<Option<u8>>("\"7\""), Some(Some(7)));
        for wrong in ["256", "-1", "1.5", "1e1", "\"\"", "\"1.5\"", "\" 1\"", "\"256\"", "true", "[]", "null"]
        {
            assert_eq!(text::<u8>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        fn both<N: super::Number + Copy + PartialEq + std::fmt::Debug>(
            number: N,
            as_text: &str,
            either: &str,
        ) {
            let written = serde_json::to_string(&Text(number)).expect("is written");
            assert_eq!((written.as_str(), text::<N>(&written)), (as_text, Some(number)));
            let written = serde_json::to_string(&Either(number)).expect("is written");
            let read: Either<N> = serde_json::from_str(&written).expect("is read");
            assert_eq!((written.as_str(), read.0), (either, number));
        }
        both(9_007_199_254_740_993_u64, "\"9007199254740993\"", "9007199254740993");
        both(i64::MIN, "\"-9223372036854775808\"", "-9223372036854775808");
        both(1_u128 << 64, "\"18446744073709551616\"", "\"18446744073709551616\"");
        both(None::<u32>, "null", "null");
        both(Some(7_u32), "\"7\"", "7");
    }

    #[cfg(feature = "postcard")]
    #[test]
    fn a_binary_codec_has_the_number_itself() {
        let written = postcard::to_allocvec(&Text(7_u64)).expect("is written");
        assert_eq!(written, [7]);
        assert_eq!(postcard::from_bytes::<Text<u64>>(&written), Ok(Text(7)));
    }
}
