//! The rules about ids.

use syn::Type;

use crate::ctxt::Ctxt;
use crate::model::Entity;

pub(super) fn check(cx: &Ctxt, entity: &Entity<'_>) {
    ids_are_there(cx, entity);
    ids_stand_alone(cx, entity);
    id_words_are_on_ids(cx, entity);
    raw_ids_end_the_key(cx, entity);
    shard_ids_lead(cx, entity);
}

/// A key has one to six ids: so many the runtime's tuples take.
fn ids_are_there(cx: &Ctxt, entity: &Entity<'_>) {
    const MOST: usize = 6;
    if entity.ids.is_empty() && !entity.may_have_another_id {
        cx.error(entity.ident, "an entity needs an id: mark the field that is its key with `#[kv(id)]`");
    }
    for field in entity.ids.iter().skip(MOST) {
        if let Some(key) = field.attr.id.key() {
            cx.error(key, format_args!("an entity has at most {MOST} ids"));
        }
    }
}

/// An id is in the key of every group and in no value, so nothing that is said of values fits it.
fn ids_stand_alone(cx: &Ctxt, entity: &Entity<'_>) {
    for attr in entity.ids.iter().map(|field| &field.attr) {
        if let Some(key) = attr.group.key() {
            cx.error(key, "an id is in the key of every group, so it belongs to none");
        }
        if let Some(key) = attr.skip.key() {
            cx.error(key, "an id is the key, so it cannot be skipped");
        }
        if let Some(key) = attr.expires_at.key() {
            cx.error(key, "an id never changes, so it cannot be the expiry");
        }
    }
    for field in &entity.ids {
        if let Type::Tuple(tuple) = &field.ty {
            cx.error(tuple, "a composite id is several fields: mark each of them `#[kv(id)]`");
        }
    }
}

/// `ordered`, `secret`, `raw` and `shard` say how an id is written, shown and placed.
fn id_words_are_on_ids(cx: &Ctxt, entity: &Entity<'_>) {
    for field in entity.stored_fields().chain(&entity.skipped) {
        let attr = &field.attr;
        let keys = [attr.ordered.key(), attr.secret.key(), attr.raw.key(), attr.shard.key()];
        for key in keys.into_iter().flatten() {
            cx.error(key, format_args!("`{key}` belongs on an id: `#[kv(id, {key})]`"));
        }
    }
}

/// A raw id is the rest of the key, so nothing can follow it.
fn raw_ids_end_the_key(cx: &Ctxt, entity: &Entity<'_>) {
    let last = entity.ids.len().saturating_sub(1);
    for (at, field) in entity.ids.iter().enumerate() {
        let Some(key) = field.attr.raw.key() else { continue };
        if at < last {
            cx.error(key, "a raw id is the rest of the key, so it is the last id");
        }
        if let Some(ordered) = field.attr.ordered.key() {
            cx.error(ordered, "a raw id is text as it is, so it cannot be `ordered`");
        }
        if entity.groups.len() > 1 {
            let message = "a raw id is the rest of the key, so a group behind it could not be told: an entity with one has \
                           one group";
            cx.error(key, message);
        }
    }
}

/// Everything under the shard id is placed together, so all keys of the shard begin with it. Keys of
/// other programs are stored as these write them.
fn shard_ids_lead(cx: &Ctxt, entity: &Entity<'_>) {
    let mut has_one = false;
    for (at, field) in entity.ids.iter().enumerate() {
        let Some(key) = field.attr.shard.key() else { continue };
        if has_one {
            cx.error(key, "an entity has one shard id");
        } else if at > 0 {
            let first = entity.ids[0].ident;
            cx.error(
                key,
                format_args!("the shard id is the first id: mark `{first}`, or move this field before it"),
            );
        } else if entity.has_shared_prefix() || entity.ids.iter().any(|field| field.attr.raw.is_written()) {
            let message = "keys of other programs are stored as they are, and a shard needs another spelling: remove \
                           `shard`, or `raw` and `shared_prefix`";
            cx.error(key, message);
        }
        has_one = true;
    }
}
