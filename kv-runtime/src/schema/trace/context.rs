//! One run of a type's `Deserialize`: the way to the node that it is at, and what was found out.

use std::any::type_name;

use serde::de::Visitor;

use super::error::Refusal;
use super::node::{Kind, Node, VariantNode};

/// Types that contain so many others, each in the next, are taken for endless.
const DEPTH: usize = 48;

/// The texts that are invented, one in each run until one is accepted.
pub(super) const TEXTS: [&str; 18] = [
    "",
    "a",
    "0",
    "00000000-0000-0000-0000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01",
    "00:00:00",
    "1970-01-01T00:00:00",
    "0.0.0.0",
    "0.0.0.0:80",
    "::",
    "[::]:80",
    "http://a.aa/",
    "a@a.aa",
    "0.0.0",
    "00000000000000000000000000",
    "UTC",
    "en",
];

/// The same of bytes.
pub(super) const BYTES: [&[u8]; 4] = [b"", b"0", &[0; 16], &[0; 32]];

/// What all nodes of one run share.
pub(super) struct Context {
    pub(super) is_text: bool,
    /// The structs and enums on the way.
    path: Vec<&'static str>,
    depth: usize,
    /// How much was found out.
    progress: usize,
}

impl Context {
    pub(super) fn new(is_text: bool) -> Self {
        Self { is_text, path: Vec::new(), depth: 0, progress: 0 }
    }

    /// Deserializes something at a node. Each visit of an unfinished node finds something out, if
    /// only that there is nothing to find.
    pub(super) fn visit<T>(
        &mut self,
        node: &mut Node,
        deserialize: impl FnOnce(Walker<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let (was_finished, before, depth) = (node.is_finished(), self.progress, self.path.len());
        self.depth += 1;
        let result = if self.depth > DEPTH {
            Err(Refusal::Other)
        } else {
            deserialize(Walker { node: &mut *node, context: &mut *self })
        };
        self.depth -= 1;
        self.path.truncate(depth);
        if was_finished {
            return result;
        }
        self.settle(node, result.is_ok());
        if self.progress == before {
            node.give_up();
            self.progress += 1;
        }
        result
    }

    /// Notes whether the invented value was accepted; if not, the next one is tried in the next
    /// run.
    fn settle(&mut self, node: &mut Node, is_accepted: bool) {
        let samples = match &node.kind {
            Kind::Leaf("string", _) => TEXTS.len(),
            Kind::Leaf("bytes", _) => BYTES.len(),
            Kind::Leaf(..) => 2,
            Kind::Enum(variants) if variants.iter().all(VariantNode::is_finished) => variants.len(),
            _ => return,
        };
        if !node.is_settled {
            self.progress += 1;
            if is_accepted {
                node.is_settled = true;
            } else {
                node.sample += 1;
                node.is_settled = node.sample >= samples;
            }
        }
    }

    pub(super) fn advance(&mut self) {
        self.progress += 1;
    }

    pub(super) fn progress(&self) -> usize {
        self.progress
    }

    /// How many levels further out a type stands, if it does.
    fn levels_to(&self, name: &str) -> Option<usize> {
        self.path.iter().rev().position(|outer| *outer == name)
    }
}

/// The deserializer that a type is shown at a node.
pub(super) struct Walker<'a> {
    pub(super) node: &'a mut Node,
    pub(super) context: &'a mut Context,
}

impl Walker<'_> {
    /// Notes what a node is, if it was not known.
    pub(super) fn become_kind(&mut self, kind: impl FnOnce() -> Kind) {
        if matches!(self.node.kind, Kind::Unseen) {
            self.node.kind = kind();
            self.context.advance();
        }
    }

    pub(super) fn leaf<'de, V: Visitor<'de>>(&mut self, asked: &'static str) -> usize {
        self.become_kind(|| Kind::Leaf(asked, type_name::<V::Value>()));
        self.node.sample
    }

    /// Steps into a struct or enum; refuses one that stands further out already.
    pub(super) fn enter(&mut self, name: &'static str, kind: impl FnOnce() -> Kind) -> Result<(), Refusal> {
        if let Some(levels) = self.context.levels_to(name) {
            self.become_kind(|| Kind::Recursive(levels));
            return Err(Refusal::Other);
        }
        self.become_kind(kind);
        self.context.path.push(name);
        Ok(())
    }
}
