//! What a type asks of the deserializer that it is shown.

use std::any::type_name;

use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Visitor};

use super::access::{Elements, Members, Pick, visit_struct};
use super::context::{BYTES, TEXTS, Walker};
use super::error::Refusal;
use super::node::{Kind, Node, StructNode, VariantKind, VariantNode};

/// Arrays of more elements than this are known by one of them.
const LONG: usize = 32;

macro_rules! leaves {
    ($($method:ident: $asked:literal, $visit:ident($sample:ident) $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
            let $sample = self.leaf::<V>($asked);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Walker<'_> {
    type Error = Refusal;

    leaves! {
        deserialize_bool: "bool", visit_bool(sample) sample == 1;
        deserialize_i8: "i8", visit_i8(sample) i8::from(sample == 1);
        deserialize_i16: "i16", visit_i16(sample) i16::from(sample == 1);
        deserialize_i32: "i32", visit_i32(sample) i32::from(sample == 1);
        deserialize_i64: "i64", visit_i64(sample) i64::from(sample == 1);
        deserialize_i128: "i128", visit_i128(sample) i128::from(sample == 1);
        deserialize_u8: "u8", visit_u8(sample) u8::from(sample == 1);
        deserialize_u16: "u16", visit_u16(sample) u16::from(sample == 1);
        deserialize_u32: "u32", visit_u32(sample) u32::from(sample == 1);
        deserialize_u64: "u64", visit_u64(sample) u64::from(sample == 1);
        deserialize_u128: "u128", visit_u128(sample) u128::from(sample == 1);
        deserialize_f32: "f32", visit_f32(sample) f32::from(u8::from(sample == 1));
        deserialize_f64: "f64", visit_f64(sample) f64::from(u8::from(sample == 1));
        deserialize_char: "char", visit_char(sample) if sample == 1 { '0' } else { 'a' };
        deserialize_str: "string", visit_str(sample) TEXTS.get(sample).copied().unwrap_or_default();
        deserialize_string: "string", visit_string(sample) TEXTS.get(sample).copied().unwrap_or_default().to_owned();
        deserialize_bytes: "bytes", visit_bytes(sample) BYTES.get(sample).copied().unwrap_or_default();
        deserialize_byte_buf: "bytes", visit_byte_buf(sample) BYTES.get(sample).copied().unwrap_or_default().to_owned();
        deserialize_identifier: "identifier", visit_str(_sample) "";
    }

    /// Something that looks at the value before it says what it is. An enum with a tag inside asks
    /// for the tag, and then names its variants; whatever else it is stays unknown.
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::Any(None));
        let Kind::Any(tag) = self.node.kind else { return visitor.visit_unit() };
        let result = visitor.visit_map(MapDeserializer::new(tag.map(|tag| (tag, "")).into_iter()));
        self.node.kind = match (tag, &result) {
            (None, Err(Refusal::Missing(tag))) => Kind::Any(Some(tag)),
            (Some(tag), Err(Refusal::Variants(variants))) => Kind::Tagged(tag, variants),
            _ => Kind::Opaque,
        };
        self.context.advance();
        result
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::Option(Box::new(Node::unseen())));
        let Self { node, context } = self;
        match &mut node.kind {
            Kind::Option(inner) if !inner.is_finished() => {
                context.visit(inner, |walker| visitor.visit_some(walker))
            }
            Kind::Option(_) => visitor.visit_none(),
            _ => Err(Refusal::Other),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::Leaf("null", "()"));
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    /// What it contains is stored in its place.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::List(Box::new(Node::unseen())));
        let Self { node, context } = self;
        let Kind::List(inner) = &mut node.kind else { return Err(Refusal::Other) };
        let elements = if inner.is_finished() { &mut [] } else { std::slice::from_mut(&mut **inner) };
        visitor.visit_seq(Elements::new(elements, context))
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| {
            if len > LONG {
                Kind::Array(Box::new(Node::unseen()), len)
            } else {
                Kind::Tuple(std::iter::repeat_with(Node::unseen).take(len).collect())
            }
        });
        let Self { node, context } = self;
        match &mut node.kind {
            Kind::Array(inner, _) => {
                visitor.visit_seq(Elements::new(std::slice::from_mut(&mut **inner), context))
            }
            Kind::Tuple(nodes) => visitor.visit_seq(Elements::new(nodes, context)),
            _ => Err(Refusal::Other),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::Map(Box::new((Node::unseen(), Node::unseen()))));
        let Self { node, context } = self;
        let is_finished = node.is_finished();
        let Kind::Map(entry) = &mut node.kind else { return Err(Refusal::Other) };
        let (key, value) = &mut **entry;
        let result = visitor.visit_map(Members::of_map((!is_finished).then_some((key, value)), context));
        // Only a struct with `flatten` asks a map for the names of its fields, and it tells none of
        // them.
        if let Kind::Map(entry) = &node.kind
            && matches!(entry.0.kind, Kind::Leaf("identifier", _))
        {
            node.kind = Kind::Opaque;
        }
        result
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.enter(type_name::<V::Value>(), || Kind::Struct(StructNode::new(fields)))?;
        let Self { node, context } = self;
        let Kind::Struct(node) = &mut node.kind else { return Err(Refusal::Other) };
        visit_struct(node, context, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let unseen = |name: &&'static str| VariantNode { name, kind: VariantKind::Unseen };
        self.enter(type_name::<V::Value>(), || Kind::Enum(variants.iter().map(unseen).collect()))?;
        let Self { node, context } = self;
        let Kind::Enum(variants) = &mut node.kind else { return Err(Refusal::Other) };
        let unfinished = variants.iter().position(|variant| !variant.is_finished());
        let Some(variant) = variants.get_mut(unfinished.unwrap_or(node.sample)) else {
            return Err(Refusal::Other);
        };
        let before = context.progress();
        let result = visitor.visit_enum(Pick { variant, context });
        if unfinished.is_some() && context.progress() == before {
            variant.give_up();
            context.advance();
        }
        result
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.become_kind(|| Kind::Leaf("ignored", "ignored"));
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        self.context.is_text
    }
}
