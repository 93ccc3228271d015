//! The whole id of an entity: one id, or a tuple of them.

use super::builder::KeyBuilder;
use super::id::KvId;
use super::lookup::Lookup;
use super::parse::IdSegments;
use super::schema::IdSchema;
use super::traits::IdTraits;
use crate::maybe_send::{MaybeSend, MaybeSync};

/// The whole id of an entity: one [`KvId`], or a tuple of two to six.
pub trait EntityId: IdTraits {
    /// The form in which calls take the id: that of [`KvId::Ref`], or a tuple of these. Of an
    /// entity it is [`IdRef`](https://docs.rs/kv-runtime/latest/kv_runtime/type.IdRef.html).
    type Ref<'a>: Lookup<Self> + MaybeSend + MaybeSync;

    /// Returns the id in the form that calls take: `members.get(id.as_id_ref())`.
    fn as_id_ref(&self) -> Self::Ref<'_>;

    /// Appends the id to a key.
    #[doc(hidden)]
    fn write(&self, key: &mut KeyBuilder);

    /// Reads the id from a key's segments.
    #[doc(hidden)]
    fn parse(segments: &mut IdSegments<'_>) -> Option<Self>;
}

impl<I: KvId> EntityId for I {
    type Ref<'a> = <I as KvId>::Ref<'a>;

    fn as_id_ref(&self) -> Self::Ref<'_> {
        self.pass()
    }

    fn write(&self, key: &mut KeyBuilder) {
        key.push(self);
    }

    fn parse(segments: &mut IdSegments<'_>) -> Option<Self> {
        segments.take()
    }
}

macro_rules! tuple_ids {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: KvId),+> EntityId for ($($name,)+) {
            type Ref<'a> = ($($name::Ref<'a>,)+);

            fn as_id_ref(&self) -> Self::Ref<'_> {
                #[expect(non_snake_case, reason = "named as its type")]
                let ($($name,)+) = self;
                ($($name.pass(),)+)
            }

            fn write(&self, key: &mut KeyBuilder) {
                #[expect(non_snake_case, reason = "named as its type")]
                let ($($name,)+) = self;
                $(key.push($name);)+
            }

            fn parse(segments: &mut IdSegments<'_>) -> Option<Self> {
                Some(($(segments.take::<$name>()?,)+))
            }
        }
    )*};
}

tuple_ids! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

/// Whether keys are those of other programs: with a raw id, or behind a shared prefix.
pub const fn is_foreign(ids: &[IdSchema]) -> bool {
    match (ids.first(), ids.last()) {
        (Some(first), Some(last)) => first.joined || last.raw,
        _ => false,
    }
}

/// Returns why an entity with keys of other programs does not take this key: this library and its
/// stores keep names of this form for themselves.
pub fn taken(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("the empty key")
    } else if key.contains('!') {
        Some("keys with `!`, which are this library's own")
    } else if key.ends_with("%lease") || key.starts_with("{#index:") || key.starts_with("%7B#index:") {
        Some("keys that are named as leases or as the list index")
    } else {
        None
    }
}

/// The id in `key`, if it is a key of this group of the entity with this prefix and these ids.
// Inlined, it compares with a prefix and a group that the compiler knows.
#[inline]
pub fn parse_key<I: EntityId>(
    key: &str,
    prefix: &str,
    ids: &'static [IdSchema],
    group: Option<&str>,
) -> Option<I> {
    let mut rest = key.strip_prefix(prefix)?;
    if !ids.first().is_some_and(|id| id.joined) {
        rest = rest.strip_prefix(':')?;
    }
    if is_foreign(ids) && taken(key).is_some() {
        return None;
    }
    if let Some(group) = group {
        rest = rest.strip_suffix(group)?.strip_suffix(':')?;
    }
    let mut segments = IdSegments::of(rest, ids);
    let id = I::parse(&mut segments)?;
    segments.is_at_end().then_some(id)
}
