//! What constant evaluation proves of a predecessor, so that a gap is found by the compiler and not
//! by a record.
//!
//! Steps alone are checked by the macro. What only constants know is where a predecessor ends.

#[cfg(test)]
mod tests;

use kv_store::key::IdSchema;

use super::{EntitySchema, GroupSchema};
use crate::codec::Codec;
use crate::const_message::{Message, same};

/// Fails, in constant evaluation, unless `previous` is an earlier version of the same records as a
/// group of `entity`, and the group's own steps lead from there to the current version.
#[track_caller]
pub const fn assert_follows(entity: &EntitySchema, group: usize, previous: &EntitySchema) {
    let this = &entity.groups()[group];
    let message = predecessor(entity, this, previous);
    if !same(entity.prefix(), previous.prefix()) {
        let message =
            message.add("has the prefix ").name(previous.prefix()).add(" and not ").name(entity.prefix());
        message.add(", so its records are others").panic();
    }
    let [before] = previous.groups() else {
        message
            .add("has several groups: name as the predecessor of a group an entity that has it alone")
            .panic();
    };
    assert_same_group(message, this, before);
    assert_same_ids(predecessor(entity, this, previous), entity.ids(), previous.ids());
    assert_version(predecessor(entity, this, previous), this, before);
    assert_written(entity, this, previous, before);
    assert_whole(entity, this, previous, before.version());
}

/// ``User`, group `profile`: the predecessor `UserV1` ``
const fn predecessor(entity: &EntitySchema, group: &GroupSchema, previous: &EntitySchema) -> Message {
    of_group(entity, group).add("the predecessor ").name(previous.name()).add(" ")
}

const fn of_group(entity: &EntitySchema, group: &GroupSchema) -> Message {
    let message = Message::new().name(entity.family());
    match group.name {
        Some(name) => message.add(", group ").name(name).add(": "),
        None => message.add(": "),
    }
}

#[track_caller]
const fn assert_same_group(message: Message, this: &GroupSchema, before: &GroupSchema) {
    let is_same = match (this.name(), before.name()) {
        (Some(this), Some(before)) => same(this, before),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        let message = match before.name() {
            Some(name) => message.add("is the group ").name(name),
            None => message.add("has a group without a name"),
        };
        message.add(", so its records are others").panic();
    }
}

#[track_caller]
const fn assert_same_ids(message: Message, these: &[IdSchema], before: &[IdSchema]) {
    // That they are of one type is asked for by the generated code.
    let mut at = 0;
    while at < these.len() && at < before.len() {
        if these[at].is_ordered() != before[at].is_ordered() {
            let message = message.add("writes its id ").name(before[at].name()).add(" otherwise in keys: ");
            message.add("make both `ordered`, or none of them").panic();
        }
        if these[at].is_raw() != before[at].is_raw() || these[at].is_joined() != before[at].is_joined() {
            let message = message.add("writes its id ").name(before[at].name()).add(" otherwise in keys: ");
            message.add("give both the same `raw` and `shared_prefix`").panic();
        }
        if these[at].is_shard() != before[at].is_shard() {
            let message = message.add("writes its id ").name(before[at].name()).add(" otherwise in keys: ");
            message.add("make both `shard`, or none of them").panic();
        }
        at += 1;
    }
}

#[track_caller]
const fn assert_version(message: Message, this: &GroupSchema, before: &GroupSchema) {
    if before.version() >= this.version() {
        let message = message.add("has version ").number(before.version() as usize);
        message.add(", which is not below ").number(this.version() as usize).panic();
    }
    if before.version() < this.oldest() {
        let message = message.add("has version ").number(before.version() as usize).add(", and `oldest` is ");
        message.number(this.oldest() as usize).add(", so it reads no record: remove it").panic();
    }
}

/// A version that is written through the predecessor and below its own is one that it can write.
#[track_caller]
const fn assert_written(
    entity: &EntitySchema,
    this: &GroupSchema,
    previous: &EntitySchema,
    before: &GroupSchema,
) {
    let version = this.write_version();
    if version < before.version() && version < before.write_version() {
        let message = of_group(entity, this).add("version ").number(version as usize);
        let message = message.add(" is written through the predecessor ").name(previous.name());
        message
            .add(", which then must have `write_version = ")
            .number(version as usize)
            .add("` as well")
            .panic();
    }
}

/// A record as new as the predecessor becomes one of today's by its conversion; those that are
/// newer need steps, and those that are older none.
#[track_caller]
const fn assert_whole(entity: &EntitySchema, group: &GroupSchema, previous: &EntitySchema, before: u32) {
    let mut at = 0;
    while at < group.steps.len() {
        let to = group.steps[at].to();
        if to <= before {
            let message = of_group(entity, group).add("the declarations of version ").number(to as usize);
            let message = message.add(" are never used: the predecessor ").name(previous.name());
            message.add(" reads records up to version ").number(before as usize).add("; remove them").panic();
        }
        at += 1;
    }
    let mut from = before + 1;
    while from < group.version {
        if !has_step_to(group, from + 1) {
            let message = of_group(entity, group).add("there is no step from version ").number(from as usize);
            let message =
                message.add(" to ").number(from as usize + 1).add(": the predecessor ").name(previous.name());
            let message = message
                .add(" leads from version ")
                .number(before as usize)
                .add(" to today's, and records of version ");
            let message = message.number(from as usize).add(" have no way; ");
            let message = match group.codec {
                Codec::Json => message
                    .add("write a `step`, or `renamed`, `added` or `removed`, or name a later predecessor"),
                _ => message.add("name a predecessor of version ").number(group.version as usize - 1),
            };
            message.panic();
        }
        from += 1;
    }
}

/// Fails, in constant evaluation, if a group of several is written as its predecessor: that is made
/// of a whole entity.
#[track_caller]
pub const fn assert_not_written(entity: &EntitySchema, group: usize, previous: &EntitySchema) {
    let this = &entity.groups()[group];
    let [before, ..] = previous.groups() else { return };
    if this.write_version() <= before.version() {
        let message = of_group(entity, this).add("version ").number(this.write_version() as usize);
        let message = message.add(" is written through the predecessor ").name(previous.name());
        message.add(", which one group of several cannot be: put the group in an entity of its own, or write a later version").panic();
    }
}

const fn has_step_to(group: &GroupSchema, version: u32) -> bool {
    let mut at = 0;
    while at < group.steps.len() {
        if group.steps[at].to() == version {
            return true;
        }
        at += 1;
    }
    false
}
