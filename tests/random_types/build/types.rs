//! The types of fields.

use fastrand::Rng;

/// A type, and what is known of it.
#[derive(Clone)]
pub struct Type {
    pub text: String,
    /// A value of it may be `null` in JSON, so JSON cannot tell a `Some` of it from `None`.
    pub is_nullable: bool,
    /// Two values of it may have one encoding, so that only encodings are compared.
    pub is_loose: bool,
    /// It is written as an object, so that it can be flattened.
    pub is_object: bool,
}

impl Type {
    fn leaf(text: &str) -> Self {
        Self { text: text.to_owned(), is_nullable: text == "()", is_loose: false, is_object: false }
    }

    fn within(&self, text: String) -> Self {
        Self { text, is_nullable: false, is_object: false, ..self.clone() }
    }
}

const LEAVES: [&str; 22] = [
    "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "u128", "i128", "usize", "f32", "f64",
    "char", "String", "()", "Box<str>", "Duration", "Vec<u8>", "[u16; 3]", "Ip",
];

const KEYS: [&str; 8] = ["String", "u8", "i64", "u128", "char", "bool", "Word", "i128"];

/// The type of a field; `known` are the types that are defined already.
pub fn any(rng: &mut Rng, known: &[Type], depth: u8) -> Type {
    if depth == 0 {
        return leaf(rng, known);
    }
    match rng.u8(0..16) {
        0 | 1 => option(&any(rng, known, depth - 1)),
        2 => wrap("Vec", &any(rng, known, depth - 1)),
        3 => {
            let inner = any(rng, known, depth - 1);
            Type { text: format!("Box<{}>", inner.text), ..inner }
        }
        4 => map(rng, "BTreeMap", known, depth),
        5 => map(rng, "HashMap", known, depth),
        6 => wrap("BTreeSet", &Type::leaf(KEYS[rng.usize(..KEYS.len())])),
        7 => wrap("HashSet", &Type::leaf(KEYS[rng.usize(..KEYS.len())])),
        8 => {
            let (a, b) = (any(rng, known, depth - 1), any(rng, known, depth - 1));
            let is_loose = a.is_loose || b.is_loose;
            Type { is_loose, ..a.within(format!("({}, {})", a.text, b.text)) }
        }
        9 => {
            let inner = any(rng, known, depth - 1);
            inner.within(format!("[{}; 2]", inner.text))
        }
        10 => option(&leaf(rng, known)),
        _ => leaf(rng, known),
    }
}

/// A defined type, or one of serde's own.
fn leaf(rng: &mut Rng, known: &[Type]) -> Type {
    match rng.u8(0..3) {
        0 | 1 if !known.is_empty() => known[rng.usize(..known.len())].clone(),
        _ => Type::leaf(LEAVES[rng.usize(..LEAVES.len())]),
    }
}

fn option(inner: &Type) -> Type {
    if inner.is_nullable {
        return inner.clone();
    }
    Type { is_nullable: true, ..inner.within(format!("Option<{}>", inner.text)) }
}

fn wrap(around: &str, inner: &Type) -> Type {
    inner.within(format!("{around}<{}>", inner.text))
}

fn map(rng: &mut Rng, kind: &str, known: &[Type], depth: u8) -> Type {
    let inner = any(rng, known, depth - 1);
    let key = KEYS[rng.usize(..KEYS.len())];
    Type { is_object: true, ..inner.within(format!("{kind}<{key}, {}>", inner.text)) }
}

/// What a field with `flatten` has: a type that is an object, or none if there is none.
pub fn flattened(rng: &mut Rng, known: &[Type]) -> Option<Type> {
    let objects: Vec<_> = known.iter().filter(|known| known.is_object).collect();
    match rng.u8(0..4) {
        0 => Some(map(rng, "BTreeMap", known, 1)),
        1 if !objects.is_empty() => {
            let inner = option(objects[rng.usize(..objects.len())]);
            Some(Type { is_loose: true, ..inner })
        }
        _ if objects.is_empty() => None,
        _ => Some(objects[rng.usize(..objects.len())].clone()),
    }
}
