//! The constant descriptions of an entity and of its groups.

use std::time::Duration;

use kv_store::key::IdSchema;

use crate::adopt::{Adapter, Form, Plain, VersionIn};
use crate::codec::Codec;
use crate::migrate::Step;

/// The constant description of an entity.
#[derive(Clone, Copy, Debug)]
pub struct EntitySchema {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) module: &'static str,
    pub(crate) line: u32,
    pub(crate) prefix: &'static str,
    pub(crate) ids: &'static [IdSchema],
    pub(crate) groups: &'static [GroupSchema],
}

impl EntitySchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        prefix: &'static str,
        ids: &'static [IdSchema],
        groups: &'static [GroupSchema],
    ) -> Self {
        Self { name, family: name, module: "", line: 0, prefix, ids, groups }
    }

    /// Marks a view: it shares its keys with the entity of this name.
    #[doc(hidden)]
    #[must_use]
    pub const fn view_of(mut self, entity: &'static str) -> Self {
        self.family = entity;
        self
    }

    /// Where the struct, or a view's entity, is declared. It tells entities with the same name
    /// apart.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(mut self, module: &'static str, line: u32) -> Self {
        self.module = module;
        self.line = line;
        self
    }

    /// Returns the struct's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the name of the entity that this one is a view of, or its own name.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        self.family
    }

    /// Returns the prefix: one or more segments, joined by `:`.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Returns the id's fields, in their order in the key.
    #[must_use]
    pub const fn ids(&self) -> &'static [IdSchema] {
        self.ids
    }

    /// Returns the groups, the anchor first. There is at least one.
    #[must_use]
    pub const fn groups(&self) -> &'static [GroupSchema] {
        self.groups
    }
}

/// The constant description of one group: the fields that share a value.
#[derive(Clone, Copy, Debug)]
pub struct GroupSchema {
    pub(crate) name: Option<&'static str>,
    pub(crate) version: u32,
    pub(crate) codec: Codec,
    pub(crate) ttl: Option<Duration>,
    pub(crate) optional: bool,
    pub(crate) oldest: u32,
    pub(crate) write_version: u32,
    pub(crate) steps: &'static [Step],
    pub(crate) denies_unknown: bool,
    pub(crate) form: Form,
}

impl GroupSchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: Option<&'static str>, version: u32, codec: Codec) -> Self {
        Self {
            name,
            version,
            codec,
            ttl: None,
            optional: false,
            oldest: version,
            write_version: version,
            steps: &[],
            denies_unknown: false,
            form: Form::Enveloped,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn plain(mut self, version_in: Option<&'static VersionIn>) -> Self {
        self.form = Form::Plain(Plain { version_in, adapter: None });
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn adapted(mut self, adapter: &'static dyn Adapter) -> Self {
        if let Form::Plain(plain) = self.form {
            self.form = Form::Plain(Plain { adapter: Some(adapter), ..plain });
        }
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_oldest(mut self, oldest: u32) -> Self {
        self.oldest = oldest;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_write_version(mut self, version: u32) -> Self {
        self.write_version = version;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_steps(mut self, steps: &'static [Step]) -> Self {
        self.steps = steps;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn denies_unknown(mut self) -> Self {
        self.denies_unknown = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn ttl_secs(mut self, secs: u64) -> Self {
        self.ttl = Some(Duration::from_secs(secs));
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Returns the last segment of the group's keys. An entity's only group may have none.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Returns the version of the current shape, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the oldest version that is read.
    #[must_use]
    pub const fn oldest(&self) -> u32 {
        self.oldest
    }

    /// Returns the version that is written, below [`version`](Self::version) during a rolling
    /// deploy.
    #[must_use]
    pub const fn write_version(&self) -> u32 {
        self.write_version
    }

    /// Returns whether a record of this version is older than what is written.
    pub(crate) const fn is_behind(&self, version: u32) -> bool {
        version < self.write_version
    }

    /// Returns the steps between versions, in order.
    #[must_use]
    pub const fn steps(&self) -> &'static [Step] {
        self.steps
    }

    /// Returns the oldest version whose code can read a record of `version`.
    #[must_use]
    pub fn oldest_reader(&self, version: u32) -> u32 {
        let mut oldest = version;
        let additive = |to: u32| {
            let mut steps = self.steps.iter().filter(|step| step.to == to).peekable();
            steps.peek().is_some() && steps.all(Step::is_compatible)
        };
        // A plain record has no place for it.
        while !self.is_plain()
            && self.codec == Codec::Json
            && !self.denies_unknown
            && oldest > 1
            && additive(oldest)
        {
            oldest -= 1;
        }
        oldest
    }

    /// Returns whether records are stored as their values alone: `plain`.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain(_))
    }

    /// Returns the member of a plain record's value that holds its version: `version_in`.
    #[must_use]
    pub const fn version_in(&self) -> Option<&'static VersionIn> {
        match self.form {
            Form::Plain(plain) => plain.version_in,
            Form::Enveloped => None,
        }
    }

    /// Returns what converts the records of another program: `adapter`.
    #[must_use]
    pub const fn adapter(&self) -> Option<&'static dyn Adapter> {
        match self.form {
            Form::Plain(plain) => plain.adapter,
            Form::Enveloped => None,
        }
    }

    /// Returns the codec of new values. A record names its own codec, and is read by that.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Returns the TTL, unless the entity or the collection sets another one.
    #[must_use]
    pub const fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns whether the entity is complete without this group.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }
}
