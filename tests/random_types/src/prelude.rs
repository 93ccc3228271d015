//! What generated types are made of.

pub(crate) use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
pub(crate) use std::net::Ipv4Addr;
pub(crate) use std::time::Duration;

pub(crate) use fastrand::Rng;
pub(crate) use serde::{Deserialize, Serialize};

/// A random value.
pub(crate) trait Any: Sized {
    fn any(rng: &mut Rng) -> Self;
}

pub(crate) fn any<T: Any>(rng: &mut Rng) -> T {
    T::any(rng)
}

/// A key of maps that is a unit variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Word {
    One,
    #[serde(rename = "t")]
    Two,
    #[serde(rename = "field_a")]
    Three,
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Any for $ty {
            fn any(rng: &mut Rng) -> Self {
                match rng.u8(0..4) {
                    0 => 0,
                    1 => $ty::MAX,
                    2 => $ty::MIN,
                    _ => rng.$ty(..),
                }
            }
        }
    )*};
}

integers! { u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize }

macro_rules! floats {
    ($($ty:ident from $bits:ident;)*) => {$(
        impl Any for $ty {
            fn any(rng: &mut Rng) -> Self {
                match rng.u8(0..12) {
                    0 => -0.0,
                    1 => $ty::MAX,
                    2 => $ty::MIN_POSITIVE,
                    3 => $ty::INFINITY,
                    4 => $ty::NAN,
                    5..9 => rng.i8(..) as $ty / 4.0,
                    _ => $ty::from_bits(rng.$bits(..)),
                }
            }
        }
    )*};
}

floats! {
    f32 from u32;
    f64 from u64;
}

impl Any for bool {
    fn any(rng: &mut Rng) -> Self {
        rng.bool()
    }
}

impl Any for () {
    fn any(_: &mut Rng) -> Self {}
}

impl Any for char {
    fn any(rng: &mut Rng) -> Self {
        *rng.choice(&['a', '"', '\\', '\u{0}', 'é', '😀', '\u{2028}']).expect("there are some")
    }
}

/// Texts that meet names of fields and tags, and numbers.
impl Any for String {
    fn any(rng: &mut Rng) -> Self {
        let texts = ["", "field_a", "field_b", "t", "c", "type", "1", "null", "VariantA", "a\"b", "é\n"];
        (*rng.choice(&texts).expect("there are some")).to_owned()
    }
}

impl Any for Box<str> {
    fn any(rng: &mut Rng) -> Self {
        String::any(rng).into()
    }
}

impl Any for Word {
    fn any(rng: &mut Rng) -> Self {
        *rng.choice(&[Self::One, Self::Two, Self::Three]).expect("there are some")
    }
}

impl Any for Duration {
    fn any(rng: &mut Rng) -> Self {
        Self::new(rng.u32(..).into(), rng.u32(0..1_000_000_000))
    }
}

/// Bytes in a binary codec, and text in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ip(Ipv4Addr);

impl Default for Ip {
    fn default() -> Self {
        Self(Ipv4Addr::LOCALHOST)
    }
}

impl Any for Ip {
    fn any(rng: &mut Rng) -> Self {
        Self(Ipv4Addr::from_bits(rng.u32(..)))
    }
}

impl<T: Any> Any for Option<T> {
    fn any(rng: &mut Rng) -> Self {
        if rng.bool() { Some(any(rng)) } else { None }
    }
}

impl<T: Any> Any for Box<T> {
    fn any(rng: &mut Rng) -> Self {
        Self::new(any(rng))
    }
}

impl<T: Any, const N: usize> Any for [T; N] {
    fn any(rng: &mut Rng) -> Self {
        std::array::from_fn(|_| any(rng))
    }
}

impl<A: Any, B: Any> Any for (A, B) {
    fn any(rng: &mut Rng) -> Self {
        (any(rng), any(rng))
    }
}

macro_rules! collections {
    ($($name:ident<$($parameter:ident),*>;)*) => {$(
        #[allow(unused_parens)]
        impl<$($parameter: Any),*> Any for $name<$($parameter),*>
        where
            Self: FromIterator<($($parameter),*)>,
        {
            fn any(rng: &mut Rng) -> Self {
                (0..rng.usize(0..3)).map(|_| ($(any::<$parameter>(rng)),*)).collect()
            }
        }
    )*};
}

collections! {
    Vec<T>;
    BTreeSet<T>;
    HashSet<T>;
    BTreeMap<K, V>;
    HashMap<K, V>;
}

/// A number as text.
pub(crate) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A byte that is written as another type than it is read as: JSON does not mind.
pub(crate) mod as_wide {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(i32::from(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        u8::deserialize(deserializer)
    }
}
