//! The envelope: metadata, revision and expiry before the value, for stores that keep only bytes.
//! [The wire format](https://docs.rs/kv-runtime/latest/kv_runtime/guide/wire_format/index.html) specifies it, with test vectors.
//!
//! ```text
//! FF 4B | format | flags | revision (8) | codec | version (1 to 5) | [createdAt (6)] [expiresAt (6)] [migratedAt (6)]
//!       | [minReader (1 to 5)] [length (2), foreign members as JSON] | value
//! ```
//!
//! Numbers are little-endian; versions are LEB128. `FF` begins neither JSON nor UTF-8 text, so the
//! first byte tells a record with an envelope from a value that another program wrote.

#[cfg(test)]
mod tests;

use bytes::{Buf, Bytes};

use super::{Metadata, MetadataError, NewRecord, Record, Revision};
use crate::codec::Codec;
use crate::error::{Error, Location};
use crate::timestamp::Timestamp;

/// The two bytes that begin every envelope.
pub const MAGIC: [u8; 2] = [0xFF, 0x4B];

/// The format that is written and read.
pub const FORMAT: u8 = 1;

/// Where the revision's eight bytes begin, in every envelope.
pub const REVISION_AT: usize = 4;

const CREATED_AT: u8 = 1;
const EXPIRES_AT: u8 = 1 << 1;
const MIGRATED_AT: u8 = 1 << 2;
const MIN_READER: u8 = 1 << 3;
const FOREIGN: u8 = 1 << 4;
const KNOWN_FLAGS: u8 = CREATED_AT | EXPIRES_AT | MIGRATED_AT | MIN_READER | FOREIGN;

/// The longest envelope without foreign members.
const MAX_FIXED: usize = 2 + 1 + 1 + 8 + 1 + 5 + 3 * 6 + 5;

/// Why bytes are not an envelope that this program reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It ends too early.
    #[error("its envelope is cut short")]
    Truncated,
    /// It begins as no value does, and goes on as no envelope does.
    #[error("it begins with the byte FF but is not an envelope")]
    Magic,
    /// A newer program wrote it.
    #[error(
        "its envelope has format {0}, which a newer release of this crate may have written, and this program reads format 1"
    )]
    Format(u8),
    /// It has flags that format 1 does not know.
    #[error("its envelope has unknown flags, {0:#04x}")]
    Flags(u8),
    /// A version is written in a way that no writer uses.
    #[error("its envelope has a version that is not canonical")]
    Version,
    /// The codec is not known here.
    #[error("its envelope names codec number {0}")]
    Codec(u8),
    /// The foreign members are no JSON object.
    #[error("its envelope's foreign members are damaged: {0}")]
    Foreign(#[source] MetadataError),
}

/// An envelope that was read, and the offset of the value behind it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// The metadata of the value.
    pub metadata: Metadata,
    /// When the record becomes invisible.
    pub expires_at: Option<Timestamp>,
    /// The token of the write. Nothing where there is no envelope: the value itself is the
    /// revision.
    pub token: Option<u64>,
    /// Where the value begins.
    pub value_at: usize,
}

/// Writes what a store keeps before the value of a record: the envelope, or nothing if the record is
/// [plain](NewRecord::plain). `at` is the record's location, for errors.
///
/// # Errors
///
/// [`Error::MetadataTooLong`] as [`write()`] has it, and [`Error::Unsupported`] for a plain value
/// that begins as an envelope does.
pub fn begin(
    record: &NewRecord,
    expires_at: Option<Timestamp>,
    token: u64,
    out: &mut Vec<u8>,
    at: impl Fn() -> Box<Location>,
) -> Result<(), Error> {
    if record.is_plain {
        return check_plain(record, at);
    }
    write(&record.metadata, expires_at, token, out).map_err(|len| too_long(len, at))
}

/// Fails as [`begin`] does.
pub fn check_new(record: &NewRecord, at: impl Fn() -> Box<Location>) -> Result<(), Error> {
    if record.is_plain {
        return check_plain(record, at);
    }
    check(&record.metadata).map_err(|len| too_long(len, at))
}

fn check_plain(record: &NewRecord, at: impl Fn() -> Box<Location>) -> Result<(), Error> {
    if record.value.first() == Some(&MAGIC[0]) {
        let capability = "a plain record whose value begins with the byte FF, as an envelope does";
        return Err(Error::Unsupported { at: at(), capability });
    }
    Ok(())
}

fn too_long(len: usize, at: impl Fn() -> Box<Location>) -> Error {
    Error::MetadataTooLong { at: at(), len, max: usize::from(u16::MAX) }
}

/// Fails as [`write()`] does.
pub fn check(metadata: &Metadata) -> Result<(), usize> {
    match metadata.foreign_json().map(|json| json.len()) {
        Some(len) if u16::try_from(len).is_err() => Err(len),
        _ => Ok(()),
    }
}

/// Writes the envelope of a record. `Err` gives the length of foreign members that are longer than
/// the 65,535 bytes which it has room for.
pub fn write(
    metadata: &Metadata,
    expires_at: Option<Timestamp>,
    token: u64,
    out: &mut Vec<u8>,
) -> Result<(), usize> {
    let foreign = metadata.foreign_json();
    let foreign_len = match &foreign {
        Some(json) => u16::try_from(json.len()).map_err(|_| json.len())?,
        None => 0,
    };
    let flag = |flag: u8, set: bool| if set { flag } else { 0 };
    let flags = flag(CREATED_AT, metadata.created_at.is_some())
        | flag(EXPIRES_AT, expires_at.is_some())
        | flag(MIGRATED_AT, metadata.migrated_at.is_some())
        | flag(MIN_READER, metadata.min_reader.is_some())
        | flag(FOREIGN, foreign.is_some());
    out.reserve(MAX_FIXED + 2 + usize::from(foreign_len));
    out.extend_from_slice(&[MAGIC[0], MAGIC[1], FORMAT, flags]);
    out.extend_from_slice(&token.to_le_bytes());
    out.push(metadata.codec.number());
    write_leb128(metadata.version.max(1), out);
    for time in [metadata.created_at, expires_at, metadata.migrated_at].into_iter().flatten() {
        out.extend_from_slice(&time.as_millis().to_le_bytes()[..6]);
    }
    if let Some(min_reader) = metadata.min_reader {
        write_leb128(min_reader.max(1), out);
    }
    if let Some(json) = foreign {
        out.extend_from_slice(&foreign_len.to_le_bytes());
        out.extend_from_slice(json.as_bytes());
    }
    Ok(())
}

/// Reads the envelope of a record. Bytes that do not begin with [`MAGIC`]'s first byte are a value
/// without one: version 1 in JSON. The value itself is not looked at, so `bytes` may be a beginning
/// of the record that is long enough.
pub fn read(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    if bytes.first() != Some(&MAGIC[0]) {
        return Ok(Envelope { metadata: Metadata::default(), expires_at: None, token: None, value_at: 0 });
    }
    let mut input = Input { bytes, at: 0 };
    if input.take()? != MAGIC {
        return Err(EnvelopeError::Magic);
    }
    let [format] = input.take()?;
    if format != FORMAT {
        return Err(EnvelopeError::Format(format));
    }
    let [flags] = input.take()?;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(EnvelopeError::Flags(flags));
    }
    let token = u64::from_le_bytes(input.take()?);
    let [codec] = input.take()?;
    let codec = Codec::from_number(codec).ok_or(EnvelopeError::Codec(codec))?;
    let mut metadata = Metadata::new(input.version()?, codec);
    let mut time = |flag: u8| if flags & flag == 0 { Ok(None) } else { input.time().map(Some) };
    metadata.created_at = time(CREATED_AT)?;
    let expires_at = time(EXPIRES_AT)?;
    metadata.migrated_at = time(MIGRATED_AT)?;
    if flags & MIN_READER != 0 {
        metadata.min_reader = Some(input.version()?);
    }
    if flags & FOREIGN != 0 {
        let len = usize::from(u16::from_le_bytes(input.take()?));
        metadata.set_foreign_json(input.slice(len)?).map_err(EnvelopeError::Foreign)?;
    }
    Ok(Envelope { metadata, expires_at, token: Some(token), value_at: input.at })
}

/// A whole record from what a store keeps under its key.
pub fn open(mut bytes: Bytes) -> Result<Record, EnvelopeError> {
    let envelope = read(&bytes)?;
    let revision = match envelope.token {
        Some(token) => Revision::from_token(token),
        None => Revision::from_plain(bytes.clone()),
    };
    // Unlike a slice, this shares nothing that was not shared before.
    bytes.advance(envelope.value_at);
    Ok(Record::new(bytes, envelope.metadata, revision).with_expires_at(envelope.expires_at))
}

impl EnvelopeError {
    /// The error of a store that met it under a key.
    #[must_use]
    pub fn into_error(self, at: Box<Location>) -> Error {
        match self {
            Self::Codec(number) => Error::UnknownCodec { at, codec: format!("number {number}") },
            damage => Error::Malformed { at, what: damage.to_string().into() },
        }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EnvelopeError> {
        let taken =
            self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()).ok_or(EnvelopeError::Truncated)?;
        self.at += N;
        Ok(*taken)
    }

    fn slice(&mut self, len: usize) -> Result<&'a [u8], EnvelopeError> {
        let slice = self.bytes.get(self.at..self.at + len).ok_or(EnvelopeError::Truncated)?;
        self.at += len;
        Ok(slice)
    }

    fn time(&mut self) -> Result<Timestamp, EnvelopeError> {
        let [a, b, c, d, e, f] = self.take()?;
        Ok(Timestamp::from_millis(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])))
    }

    /// LEB128 of at most five bytes, with no byte more than it takes, and not 0.
    fn version(&mut self) -> Result<u32, EnvelopeError> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                let canonical = byte != 0 || shift == 0;
                let version = u32::try_from(number).ok().filter(|version| *version != 0 && canonical);
                return version.ok_or(EnvelopeError::Version);
            }
        }
        Err(EnvelopeError::Version)
    }
}

fn write_leb128(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
