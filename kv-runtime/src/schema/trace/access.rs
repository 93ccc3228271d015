//! What a type finds inside of the value that it is shown.

use std::any::type_name;

use serde::de::value::{BorrowedStrDeserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::context::Context;
use super::error::Refusal;
use super::node::{Member, Node, Probe, StructNode, VariantKind, VariantNode};

/// Visits a node with a seed, whose type the node then knows.
fn visit<'de, S: DeserializeSeed<'de>>(
    context: &mut Context,
    node: &mut Node,
    seed: S,
) -> Result<S::Value, Refusal> {
    if node.type_name.is_empty() {
        node.type_name = type_name::<S::Value>();
    }
    context.visit(node, |walker| seed.deserialize(walker))
}

/// The elements of a list or tuple.
pub(super) struct Elements<'a> {
    nodes: std::slice::IterMut<'a, Node>,
    context: &'a mut Context,
}

impl<'a> Elements<'a> {
    pub(super) fn new(nodes: &'a mut [Node], context: &'a mut Context) -> Self {
        Self { nodes: nodes.iter_mut(), context }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        self.nodes.next().map(|node| visit(self.context, node, seed)).transpose()
    }
}

/// Which members a struct is shown.
pub(super) enum Plan {
    Member(usize),
    /// One that it does not have.
    Unknown,
}

impl Plan {
    /// What is not known yet.
    pub(super) fn unfinished(members: &[Member]) -> Vec<Self> {
        let unfinished = members.iter().enumerate().filter(|(_, member)| !member.node.is_finished());
        unfinished.map(|(at, _)| Self::Member(at)).collect()
    }

    /// What a whole value has.
    pub(super) fn whole(members: &[Member]) -> Vec<Self> {
        let whole = members.iter().enumerate();
        whole
            .filter(|(_, member)| !member.is_alias && member.is_required != Some(false))
            .map(|(at, _)| Self::Member(at))
            .collect()
    }

    /// What answers a question.
    pub(super) fn of(probe: Probe, members: &[Member]) -> Vec<Self> {
        match probe {
            Probe::Unknown => vec![Self::Unknown],
            Probe::Twins(at) => vec![Self::Member(at), Self::Member(at + 1)],
            Probe::Without(without) => {
                let mut plan = Self::whole(members);
                plan.retain(|it| !matches!(it, Self::Member(at) if *at == without));
                plan
            }
        }
    }
}

/// The members of a struct, or the one entry of a map.
pub(super) struct Members<'a> {
    source: Source<'a>,
    context: &'a mut Context,
}

enum Source<'a> {
    Struct { members: &'a mut [Member], plan: std::vec::IntoIter<Plan>, current: Option<Plan> },
    Map { key: Option<&'a mut Node>, value: Option<&'a mut Node> },
}

impl<'a> Members<'a> {
    pub(super) fn new(members: &'a mut [Member], plan: Vec<Plan>, context: &'a mut Context) -> Self {
        Self { source: Source::Struct { members, plan: plan.into_iter(), current: None }, context }
    }

    pub(super) fn of_map(entry: Option<(&'a mut Node, &'a mut Node)>, context: &'a mut Context) -> Self {
        let (key, value) = entry.unzip();
        Self { source: Source::Map { key, value }, context }
    }
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        match &mut self.source {
            Source::Struct { members, plan, current } => {
                *current = plan.next();
                let name = match current {
                    Some(Plan::Member(at)) => members[*at].name,
                    Some(Plan::Unknown) => "\u{1}no such field",
                    None => return Ok(None),
                };
                seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
            }
            Source::Map { key, .. } => key.take().map(|key| visit(self.context, key, seed)).transpose(),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let node = match &mut self.source {
            Source::Struct { members, current: Some(Plan::Member(at)), .. } => &mut members[*at].node,
            Source::Struct { .. } => return seed.deserialize(UnitDeserializer::new()),
            Source::Map { value: Some(value), .. } => value,
            Source::Map { value: None, .. } => return Err(Refusal::Other),
        };
        visit(self.context, node, seed)
    }
}

/// Shows a struct, or what a variant has of one, the members that are not known yet, or what
/// answers the next question about them.
pub(super) fn visit_struct<'de, V: Visitor<'de>>(
    node: &mut StructNode,
    context: &mut Context,
    visitor: V,
) -> Result<V::Value, Refusal> {
    let unfinished = node.members.iter().any(|member| !member.node.is_finished());
    let Some(probe) = (if unfinished { None } else { node.probes.pop() }) else {
        let plan = if unfinished { Plan::unfinished(&node.members) } else { Plan::whole(&node.members) };
        return visitor.visit_map(Members::new(&mut node.members, plan, context));
    };
    context.advance();
    let plan = Plan::of(probe, &node.members);
    let result = visitor.visit_map(Members::new(&mut node.members, plan, context));
    match (probe, result.as_ref().err()) {
        (Probe::Unknown, refusal) => node.denies_unknown = refusal == Some(&Refusal::UnknownField),
        (Probe::Twins(at), Some(Refusal::Twice(name))) => {
            for member in &mut node.members[at..at + 2] {
                member.is_alias = member.name != *name;
            }
        }
        (Probe::Without(at), None) => node.members[at].is_required = Some(false),
        (Probe::Without(at), Some(Refusal::Missing(_))) => node.members[at].is_required = Some(true),
        _ => {}
    }
    result
}

/// A variant of an enum.
pub(super) struct Pick<'a> {
    pub(super) variant: &'a mut VariantNode,
    pub(super) context: &'a mut Context,
}

impl<'a> Pick<'a> {
    fn become_kind(self, kind: impl FnOnce() -> VariantKind) -> (&'a mut VariantKind, &'a mut Context) {
        if matches!(self.variant.kind, VariantKind::Unseen) {
            self.variant.kind = kind();
            self.context.advance();
        }
        (&mut self.variant.kind, self.context)
    }
}

impl<'de> EnumAccess<'de> for Pick<'_> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Refusal> {
        let value = seed.deserialize(BorrowedStrDeserializer::new(self.variant.name))?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Pick<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.become_kind(|| VariantKind::Unit) {
            (VariantKind::Unit, _) => Ok(()),
            _ => Err(Refusal::Other),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        match self.become_kind(|| VariantKind::Newtype(Node::unseen())) {
            (VariantKind::Newtype(node), context) => visit(context, node, seed),
            _ => Err(Refusal::Other),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        let unseen = || VariantKind::Tuple(std::iter::repeat_with(Node::unseen).take(len).collect());
        match self.become_kind(unseen) {
            (VariantKind::Tuple(nodes), context) => visitor.visit_seq(Elements::new(nodes, context)),
            _ => Err(Refusal::Other),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.become_kind(|| VariantKind::Struct(StructNode::new(fields))) {
            (VariantKind::Struct(node), context) => visit_struct(node, context, visitor),
            _ => Err(Refusal::Other),
        }
    }
}
