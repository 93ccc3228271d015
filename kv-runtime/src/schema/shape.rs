//! The stored shape of a value, down through nested types.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stored shape of a type.
///
/// Types that are stored alike have the same shape: a newtype has that of its content, and names of
/// structs and enums do not count.
///
/// `Option` and `List` are names of other types: variants with these names would make the compiler
/// spell out those types in everybody's errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shape {
    /// `null`, or the inner shape.
    #[serde(rename = "option")]
    Nullable(Box<Shape>),
    /// Any number of elements.
    #[serde(rename = "list")]
    Sequence(Box<Shape>),
    /// A fixed number of elements.
    Array(Box<Shape>, usize),
    /// Keys and values.
    Map(Box<(Shape, Shape)>),
    /// Elements of different shapes.
    Tuple(Vec<Shape>),
    /// Members by name; by order in a binary codec.
    Struct {
        /// The fields, in the order of the struct.
        fields: Vec<Field>,
        /// Whether other members are refused.
        #[serde(default, skip_serializing_if = "is_false")]
        denies_unknown: bool,
    },
    /// One of several variants, by name; by order in a binary codec.
    Enum(Vec<Variant>),
    /// An enum with a tag: a member names the variant. Other members of the variants are not known.
    Tagged {
        /// The member's name.
        tag: String,
        /// The names of the variants.
        variants: Vec<String>,
    },
    /// The struct or enum this many levels further out. 0 is the innermost.
    Recursive(usize),
    /// A type that does not reveal what it stores: its name. A change of the type is detected only
    /// if its name changes.
    Opaque(String),
    /// A scalar: `u64`, `string`, and so on. `as` is the type that it is parsed as.
    #[serde(untagged)]
    Plain(String),
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Field {
    /// The stored name.
    pub name: String,
    /// The name in Rust, if it differs and is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rust_name: String,
    /// The type in the source. It is shown, and not compared: the shape is.
    #[serde(rename = "type")]
    pub ty: String,
    /// The keys of its serde attributes in order, if they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serde: Vec<String>,
    /// Whether a value without it can be read, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_be_missing: Option<bool>,
    /// The stored shape.
    pub shape: Shape,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variant {
    /// The stored name.
    pub name: String,
    /// The content of the variant.
    #[serde(default, skip_serializing_if = "VariantShape::is_unit")]
    pub shape: VariantShape,
}

/// The content of a variant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum VariantShape {
    /// The variant has no content.
    #[default]
    Unit,
    /// The content is not known.
    Opaque,
    /// The content.
    #[serde(untagged)]
    Value(Shape),
}

impl Shape {
    /// Returns the paths of all integers that may be beyond 2⁵³, where doubles leave some out.
    pub(super) fn wide_integers(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.find_wide("", &mut found);
        found
    }

    fn find_wide(&self, path: &str, found: &mut Vec<String>) {
        let below = |name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
        };
        match self {
            Self::Nullable(inner) => inner.find_wide(path, found),
            Self::Sequence(inner) | Self::Array(inner, _) => inner.find_wide(&format!("{path}[]"), found),
            // Keys are text.
            Self::Map(entry) => entry.1.find_wide(&below("*"), found),
            Self::Tuple(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    element.find_wide(&format!("{path}[{place}]"), found);
                }
            }
            Self::Struct { fields, .. } => {
                fields.iter().for_each(|field| field.shape.find_wide(&below(&field.name), found));
            }
            Self::Enum(variants) => {
                for variant in variants {
                    if let VariantShape::Value(shape) = &variant.shape {
                        shape.find_wide(&below(&variant.name), found);
                    }
                }
            }
            Self::Plain(name) if matches!(name.as_str(), "u64" | "i64" | "u128" | "i128") => {
                found.push(path.to_owned());
            }
            Self::Plain(_) | Self::Tagged { .. } | Self::Recursive(_) | Self::Opaque(_) => {}
        }
    }
}

impl VariantShape {
    fn is_unit(&self) -> bool {
        *self == Self::Unit
    }
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// Shows the shape in one line, for messages.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nullable(inner) => write!(f, "{inner} or null"),
            Self::Sequence(inner) => write!(f, "[{inner}, ...]"),
            Self::Array(inner, len) => write!(f, "[{inner}; {len}]"),
            Self::Map(entry) => write!(f, "{{{}: {}, ...}}", entry.0, entry.1),
            Self::Tuple(shapes) => {
                f.write_str("[")?;
                joined(f, shapes, ", ", |f, shape| shape.fmt(f))?;
                f.write_str("]")
            }
            Self::Struct { fields, .. } => {
                f.write_str("{")?;
                joined(f, fields, ", ", |f, field| write!(f, "{}: {}", field.name, field.shape))?;
                f.write_str("}")
            }
            Self::Enum(variants) => joined(f, variants, " | ", |f, variant| match &variant.shape {
                VariantShape::Unit => f.write_str(&variant.name),
                VariantShape::Opaque => write!(f, "{}(?)", variant.name),
                VariantShape::Value(shape) => write!(f, "{}({shape})", variant.name),
            }),
            Self::Tagged { tag, variants } => {
                write!(f, "by `{tag}`: ")?;
                joined(f, variants, " | ", |f, variant| f.write_str(variant))
            }
            Self::Recursive(0) => f.write_str("itself"),
            Self::Recursive(levels) => write!(f, "the type {levels} further out"),
            Self::Opaque(ty) if ty.is_empty() => f.write_str("something unknown"),
            Self::Opaque(ty) => write!(f, "whatever `{ty}` stores"),
            Self::Plain(name) => f.write_str(name),
        }
    }
}

fn joined<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    between: &str,
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Returns a type's name without module paths: `Vec<Address>` for `alloc::vec::Vec<app::Address>`.
pub(super) fn short_name(name: &str) -> String {
    // What serde's derive makes of `with = "..."`.
    if name.contains("__DeserializeWith") {
        return "a function's result".to_owned();
    }
    let mut short = String::new();
    let mut word = String::new();
    let mut rest = name.chars().peekable();
    while let Some(next) = rest.next() {
        if next == ':' && rest.peek() == Some(&':') {
            rest.next();
            word.clear();
        } else if next.is_alphanumeric() || next == '_' {
            word.push(next);
        } else {
            short.push_str(&word);
            word.clear();
            short.push(next);
        }
    }
    short + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_modules() {
        for (name, short) in [
            ("alloc::vec::Vec<app::v1::Address>", "Vec<Address>"),
            ("core::option::Option<(u8, alloc::string::String)>", "Option<(u8, String)>"),
            ("[u8; 4]", "[u8; 4]"),
            ("alloc::borrow::Cow<'_, str>", "Cow<'_, str>"),
            ("u64", "u64"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn json_is_compact_and_comes_back() {
        let plain = |name: &str| Shape::Plain(name.to_owned());
        let field = |name: &str, shape| Field {
            name: name.to_owned(),
            rust_name: String::new(),
            ty: "T".to_owned(),
            serde: Vec::new(),
            can_be_missing: Some(false),
            shape,
        };
        let variant = |name: &str, shape| Variant { name: name.to_owned(), shape };
        let shape = Shape::Struct {
            fields: vec![
                field("a", Shape::Nullable(Box::new(plain("u64")))),
                field("b", Shape::Map(Box::new((plain("string"), Shape::Recursive(0))))),
                field("c", Shape::Array(Box::new(Shape::Tuple(vec![plain("u8"), plain("null")])), 3)),
                field(
                    "d",
                    Shape::Enum(vec![
                        variant("X", VariantShape::Unit),
                        variant("Y", VariantShape::Value(plain("bool"))),
                        variant("Z", VariantShape::Opaque),
                    ]),
                ),
                field("e", Shape::Sequence(Box::new(Shape::Opaque("Value".to_owned())))),
                field("f", Shape::Tagged { tag: "type".to_owned(), variants: vec!["A".to_owned()] }),
            ],
            denies_unknown: true,
        };
        let json = serde_json::to_string(&shape).unwrap();
        assert!(json.starts_with(r#"{"struct":{"fields":[{"name":"a","type":"T","can_be_missing":false,"shape":{"option":"u64"}}"#), "{json}");
        assert_eq!(serde_json::from_str::<Shape>(&json).unwrap(), shape);
        assert_eq!(
            shape.to_string(),
            "{a: u64 or null, b: {string: itself, ...}, c: [[u8, null]; 3], d: X | Y(bool) | Z(?), e: [whatever `Value` stores, \
             ...], f: by `type`: A}"
        );
    }
}
