//! What is known of a type so far.

use crate::schema::shape::{Field, Shape, Variant, VariantShape, short_name};

/// A value's place in a type.
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The type's name, where it was seen from outside.
    pub(super) type_name: &'static str,
    /// Which of the invented values is tried: nothing yet refused those before it.
    pub(super) sample: usize,
    /// Whether that one was accepted, or none is.
    pub(super) is_settled: bool,
}

pub(super) enum Kind {
    Unseen,
    /// What was asked for, and what is made of it.
    Leaf(&'static str, &'static str),
    Option(Box<Node>),
    List(Box<Node>),
    /// A long array, of which one element is looked at.
    Array(Box<Node>, usize),
    Map(Box<(Node, Node)>),
    Tuple(Vec<Node>),
    Struct(StructNode),
    Enum(Vec<VariantNode>),
    /// Something that looks at the value itself, before and after its tag was found out.
    Any(Option<&'static str>),
    Tagged(&'static str, &'static [&'static str]),
    /// The struct or enum so many levels further out.
    Recursive(usize),
    Opaque,
}

pub(super) struct StructNode {
    pub(super) members: Vec<Member>,
    /// What is left to be tried once all members are known, the last one first.
    pub(super) probes: Vec<Probe>,
    pub(super) denies_unknown: bool,
}

pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) node: Node,
    /// Whether a value without it is refused; nothing if that could not be found out.
    pub(super) is_required: Option<bool>,
    /// Whether it is another name of a member.
    pub(super) is_alias: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Probe {
    /// Whether members that are not known are refused.
    Unknown,
    /// Whether this member and the next are one.
    Twins(usize),
    /// Whether this member can be missing.
    Without(usize),
}

pub(super) struct VariantNode {
    pub(super) name: &'static str,
    pub(super) kind: VariantKind,
}

pub(super) enum VariantKind {
    Unseen,
    Opaque,
    Unit,
    Newtype(Node),
    Tuple(Vec<Node>),
    Struct(StructNode),
}

impl Node {
    pub(super) const fn unseen() -> Self {
        Self { kind: Kind::Unseen, type_name: "", sample: 0, is_settled: false }
    }

    pub(super) fn is_finished(&self) -> bool {
        match &self.kind {
            Kind::Unseen | Kind::Any(_) => false,
            Kind::Leaf(..) => self.is_settled,
            Kind::Option(inner) | Kind::List(inner) | Kind::Array(inner, _) => inner.is_finished(),
            Kind::Map(entry) => entry.0.is_finished() && entry.1.is_finished(),
            Kind::Tuple(nodes) => nodes.iter().all(Self::is_finished),
            Kind::Struct(node) => node.is_finished(),
            Kind::Enum(variants) => self.is_settled && variants.iter().all(VariantNode::is_finished),
            Kind::Tagged(..) | Kind::Recursive(_) | Kind::Opaque => true,
        }
    }

    /// Takes what is not known yet for opaque.
    pub(super) fn give_up(&mut self) {
        self.is_settled = true;
        match &mut self.kind {
            Kind::Unseen | Kind::Any(_) => self.kind = Kind::Opaque,
            Kind::Option(inner) | Kind::List(inner) | Kind::Array(inner, _) => inner.give_up(),
            Kind::Map(entry) => {
                entry.0.give_up();
                entry.1.give_up();
            }
            Kind::Tuple(nodes) => nodes.iter_mut().for_each(Self::give_up),
            Kind::Struct(node) => node.give_up(),
            Kind::Enum(variants) => variants.iter_mut().for_each(VariantNode::give_up),
            Kind::Leaf(..) | Kind::Tagged(..) | Kind::Recursive(_) | Kind::Opaque => {}
        }
    }

    /// As it is shown and compared.
    pub(super) fn shape(&self) -> Shape {
        match &self.kind {
            Kind::Leaf(asked, made) => leaf(asked, made),
            Kind::Option(inner) => Shape::Nullable(Box::new(inner.shape())),
            Kind::List(inner) => Shape::Sequence(Box::new(inner.shape())),
            Kind::Array(inner, len) => Shape::Array(Box::new(inner.shape()), *len),
            Kind::Map(entry) => Shape::Map(Box::new((entry.0.shape(), entry.1.shape()))),
            Kind::Tuple(nodes) => tuple(nodes.iter().map(Self::shape).collect()),
            Kind::Struct(node) => node.shape(),
            Kind::Enum(variants) => Shape::Enum(variants.iter().map(VariantNode::shape).collect()),
            Kind::Tagged(tag, variants) => Shape::Tagged {
                tag: (*tag).to_owned(),
                variants: variants.iter().map(|name| (*name).to_owned()).collect(),
            },
            Kind::Recursive(levels) => Shape::Recursive(*levels),
            Kind::Unseen | Kind::Any(_) | Kind::Opaque => Shape::Opaque(short_name(self.type_name)),
        }
    }
}

impl VariantNode {
    pub(super) fn is_finished(&self) -> bool {
        match &self.kind {
            VariantKind::Unseen => false,
            VariantKind::Unit | VariantKind::Opaque => true,
            VariantKind::Newtype(node) => node.is_finished(),
            VariantKind::Tuple(nodes) => nodes.iter().all(Node::is_finished),
            VariantKind::Struct(node) => node.is_finished(),
        }
    }

    pub(super) fn give_up(&mut self) {
        match &mut self.kind {
            VariantKind::Unseen => self.kind = VariantKind::Opaque,
            VariantKind::Unit | VariantKind::Opaque => {}
            VariantKind::Newtype(node) => node.give_up(),
            VariantKind::Tuple(nodes) => nodes.iter_mut().for_each(Node::give_up),
            VariantKind::Struct(node) => node.give_up(),
        }
    }

    fn shape(&self) -> Variant {
        let shape = match &self.kind {
            VariantKind::Unit => VariantShape::Unit,
            VariantKind::Newtype(node) => VariantShape::Value(node.shape()),
            VariantKind::Tuple(nodes) => VariantShape::Value(tuple(nodes.iter().map(Node::shape).collect())),
            VariantKind::Struct(node) => VariantShape::Value(node.shape()),
            VariantKind::Unseen | VariantKind::Opaque => VariantShape::Opaque,
        };
        Variant { name: self.name.to_owned(), shape }
    }
}

impl Member {
    pub(super) fn unseen(name: &'static str) -> Self {
        Self { name, node: Node::unseen(), is_required: None, is_alias: false }
    }
}

impl StructNode {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        let without = (0..names.len()).rev().map(Probe::Without);
        let twins = (1..names.len()).rev().map(|at| Probe::Twins(at - 1));
        Self {
            members: names.iter().map(|name| Member::unseen(name)).collect(),
            probes: without.chain(twins).chain([Probe::Unknown]).collect(),
            denies_unknown: false,
        }
    }

    fn is_finished(&self) -> bool {
        self.probes.is_empty() && self.members.iter().all(|it| it.node.is_finished())
    }

    fn give_up(&mut self) {
        self.probes.clear();
        self.members.iter_mut().for_each(|it| it.node.give_up());
    }

    fn shape(&self) -> Shape {
        Shape::Struct { fields: fields(&self.members), denies_unknown: self.denies_unknown }
    }
}

fn fields(members: &[Member]) -> Vec<Field> {
    let own = members.iter().filter(|member| !member.is_alias);
    own.map(|member| Field {
        name: member.name.to_owned(),
        rust_name: String::new(),
        ty: short_name(member.node.type_name),
        serde: Vec::new(),
        can_be_missing: member.is_required.map(|is_required| !is_required),
        shape: member.node.shape(),
    })
    .collect()
}

/// An array is a tuple of equal elements.
fn tuple(shapes: Vec<Shape>) -> Shape {
    match shapes.split_first() {
        Some((first, rest)) if !rest.is_empty() && rest.iter().all(|shape| shape == first) => {
            Shape::Array(Box::new(first.clone()), shapes.len())
        }
        _ => Shape::Tuple(shapes),
    }
}

/// A text that becomes a `Uuid` is another shape than one that becomes a date.
fn leaf(asked: &str, made: &str) -> Shape {
    const PLAIN: [&str; 4] = ["String", "str", "Vec<u8>", "()"];
    let made = short_name(made);
    let is_plain = made == asked || PLAIN.contains(&made.trim_start_matches('&'));
    Shape::Plain(if is_plain { asked.to_owned() } else { format!("{asked} as {made}") })
}
