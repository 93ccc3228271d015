//! Checks that a value will be read back: decodes the value that was just encoded, and encodes it
//! again.

use kv_store::{Error, Location};
use serde::de::DeserializeOwned;

use super::decode::Result as Decoded;
use super::group::{Group, encode_exactly};
use crate::codec::{self, Codec, CodecError, RawObject, encode_tagged, sorted};
use crate::entity::{FieldText, GroupSource, KvEntity, ShapeVisitor};
use crate::migrate::StepFrom;

/// Fails if a group's encoded value is decoded as another value, or not at all.
pub(super) fn prove<E: KvEntity>(
    entity: &E,
    group: usize,
    codec: Codec,
    value: &[u8],
) -> Result<(), CodecError> {
    let mut source = Written { entity, group, codec, value };
    let again = match E::from_groups(entity.id(), &mut source) {
        Ok(again) => again,
        Err(error) => match *error {
            Error::Decode { source, .. } => return Err(unreadable(codec, source)),
            // Of another group, which has its own proof.
            _ => return Ok(()),
        },
    };
    let rewritten = encode_exactly(codec, &Group { entity: &again, group });
    match rewritten {
        Ok(rewritten) if is_same(codec, value, &rewritten) => Ok(()),
        _ => Err(changed(member_that_changed(entity, &again, group))),
    }
}

/// Returns the error of a value that could not be decoded. The message of a binary codec suffices.
fn unreadable(codec: Codec, source: CodecError) -> CodecError {
    match codec {
        Codec::Json => {
            CodecError::new(format!("it could not be read back: {}", codec::without_place(source)))
        }
        _ => source,
    }
}

fn changed(member: Option<&'static str>) -> CodecError {
    let prefix = member.map(|member| format!("in `{member}`: ")).unwrap_or_default();
    CodecError::new(format!(
        "{prefix}it would be read back as another value; its serde attributes or functions (`skip`, `with`, `default`) write another \
         thing than they read"
    ))
}

/// Returns whether two encodings are of the same value. Hash maps and hash sets have another order
/// each time.
fn is_same(codec: Codec, value: &[u8], again: &[u8]) -> bool {
    if value == again {
        return true;
    }
    match codec {
        Codec::Json => match (std::str::from_utf8(value), std::str::from_utf8(again)) {
            (Ok(value), Ok(again)) => sorted(value) == sorted(again),
            _ => false,
        },
        // Without names the same parts in another order are the same bytes in another order.
        _ => {
            let counted = |bytes: &[u8]| {
                let mut counts = [0_usize; 256];
                bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
                counts
            };
            counted(value) == counted(again)
        }
    }
}

/// Returns the member that differs, if the struct names it.
fn member_that_changed<E: KvEntity>(entity: &E, again: &E, group: usize) -> Option<&'static str> {
    let (was, is) =
        (encode_tagged(&Group { entity, group }).ok()?, encode_tagged(&Group { entity: again, group }).ok()?);
    let (was, is) = (RawObject::read(&was.text)?, RawObject::read(&is.text)?);
    let value = |object: &RawObject<'_>, name: &str| {
        object.members.iter().find(|member| member.name == name).map(|member| sorted(member.value))
    };
    names::<E>(group).iter().copied().find(|name| value(&was, name) != value(&is, name))
}

/// Returns the names of the members that a group's struct reads, aliases included. Returns `None`
/// if it reads any name (`flatten`).
pub(super) fn names<E: KvEntity>(group: usize) -> &'static [&'static str] {
    struct Names {
        group: usize,
        names: &'static [&'static str],
    }
    impl ShapeVisitor for Names {
        fn group<T: DeserializeOwned>(&mut self, group: usize, _: &[FieldText]) {
            if group == self.group {
                self.names = codec::member_names::<T>();
            }
        }

        fn previous<P: KvEntity>(&mut self, _: usize) {}
    }
    let mut names = Names { group, names: &[] };
    E::visit_shape(&mut names);
    names.names
}

/// Provides one group as it was encoded, and the others from the entity.
struct Written<'a, E> {
    entity: &'a E,
    group: usize,
    codec: Codec,
    value: &'a [u8],
}

impl<E: KvEntity> GroupSource for Written<'_, E> {
    type Error = Box<Error>;

    fn required<T: DeserializeOwned>(&mut self, group: usize) -> Decoded<T> {
        let undecoded = |codec, source| Box::new(Error::Decode { at: Box::default(), codec, source });
        if group == self.group {
            return codec::decode(self.codec, self.value).map_err(|source| undecoded(self.codec, source));
        }
        let other = || {
            let codec = E::SCHEMA.groups.get(group)?.codec();
            let value = encode_exactly(codec, &Group { entity: self.entity, group }).ok()?;
            codec::decode(codec, &value).ok()
        };
        other().ok_or_else(|| Box::new(Error::NotFound { at: Box::<Location>::default() }))
    }

    fn optional<T: DeserializeOwned>(&mut self, group: usize, _: impl FnOnce() -> T) -> Decoded<T> {
        self.required(group)
    }

    fn previous<P: KvEntity, N: StepFrom<P> + KvEntity>(
        &mut self,
        _: usize,
        _: impl FnOnce() -> P::Id,
    ) -> Decoded<Option<N>> {
        Ok(None)
    }
}
