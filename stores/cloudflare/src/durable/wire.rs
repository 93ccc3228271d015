//! Requests and responses as bytes, between a Worker and an object.
//!
//! ```text
//! message = format (1) | kind (1) | fields
//! list    = count (4) | items             text, bytes = length (4) | bytes
//! ```
//!
//! Numbers are little-endian. A Worker and its objects may run two releases while a deployment
//! goes on: a reader that does not know the format, or a kind, says so instead of guessing. A new
//! field or kind takes a new format.

#[cfg(test)]
mod tests;

use std::time::Duration;

use kv_store::Timestamp;
use kv_store::record::Expiry;
use kv_store::store::Content;

use super::message::{
    Change, ChangeKind, Check, Expected, Failure, FailureKind, Range, Request, Response, Row,
};

/// The format that is written and read.
const FORMAT: u8 = 1;

/// What lies before the fields.
const HEAD: usize = 2;

/// Bytes that are no message of this format.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("it is not a message of format 1")]
pub(super) struct Unreadable;

type Read<T> = Result<T, Unreadable>;

impl Request {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Get(keys) => Output::of(1).list(keys, |out, key| out.text(key)),
            Self::Write(changes) => Output::of(2).list(changes, Output::change),
            Self::Commit(checks, changes) => {
                Output::of(3).list(checks, Output::check).list(changes, Output::change)
            }
            Self::List(range) => Output::of(4).range(range),
        }
        .0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Read<Self> {
        let (kind, mut input) = Input::open(bytes)?;
        let request = match kind {
            1 => Self::Get(input.list(Input::text)?),
            2 => Self::Write(input.list(Input::change)?),
            3 => Self::Commit(input.list(Input::check)?, input.list(Input::change)?),
            4 => Self::List(input.range()?),
            _ => return Err(Unreadable),
        };
        input.end(request)
    }
}

impl Response {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Rows(rows) => Output::of(1).list(rows, |out, row| out.option(row.as_ref(), Output::row)),
            Self::Done => Output::of(2),
            Self::Conflict(position) => Output::of(3).number(*position),
            Self::Page(rows, next) => Output::of(4)
                .list(rows, |out, (key, row)| out.text(key).row(row))
                .option(next.as_ref(), |out, next| out.text(next)),
            Self::Failed(Failure { kind, message }) => Output::of(5).byte(*kind as u8).text(message),
        }
        .0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Read<Self> {
        let (kind, mut input) = Input::open(bytes)?;
        let response = match kind {
            1 => Self::Rows(input.list(|input| input.option(Input::row))?),
            2 => Self::Done,
            3 => Self::Conflict(input.number()?),
            4 => {
                let rows = input.list(|input| Ok((input.text()?, input.row()?)))?;
                Self::Page(rows, input.option(Input::text)?)
            }
            5 => Self::Failed(Failure { kind: input.failure_kind()?, message: input.text()? }),
            _ => return Err(Unreadable),
        };
        input.end(response)
    }
}

struct Output(Vec<u8>);

impl Output {
    fn of(kind: u8) -> Self {
        Self(vec![FORMAT, kind])
    }

    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        // An isolate has 128 MB, so no length needs more than 32 bits.
        let mut out = self.number(bytes.len() as u32);
        out.0.extend_from_slice(bytes);
        out
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    fn list<T>(self, items: &[T], each: impl FnMut(Self, &T) -> Self) -> Self {
        items.iter().fold(self.number(items.len() as u32), each)
    }

    fn option<T>(self, item: Option<&T>, write: impl FnOnce(Self, &T) -> Self) -> Self {
        match item {
            Some(item) => write(self.byte(1), item),
            None => self.byte(0),
        }
    }

    fn expiry(self, expiry: Expiry) -> Self {
        // Rounded up, as an expiry is, and no longer than time itself.
        let millis = |ttl: Duration| Timestamp::from_millis(0).saturating_add(ttl).as_millis();
        match expiry {
            Expiry::Never => self.byte(0),
            Expiry::After(ttl) => self.byte(1).long(millis(ttl)),
            Expiry::AtLeast(ttl) => self.byte(2).long(millis(ttl)),
            Expiry::At(at) => self.byte(3).long(at.as_millis()),
        }
    }

    fn change(self, change: &Change) -> Self {
        let out = self.text(&change.key);
        match &change.kind {
            ChangeKind::Put(record, expiry) => out.byte(0).bytes(record).expiry(*expiry),
            ChangeKind::Update(record, expiry) => out.byte(1).bytes(record).expiry(*expiry),
            ChangeKind::Touch(expiry) => out.byte(2).expiry(*expiry),
            ChangeKind::Delete => out.byte(3),
        }
    }

    fn check(self, check: &Check) -> Self {
        let out = self.text(&check.key);
        match &check.expect {
            Expected::Absent => out.byte(0),
            Expected::Present => out.byte(1),
            Expected::Token(token) => out.byte(2).long(*token),
            Expected::Plain(record) => out.byte(3).bytes(record),
        }
    }

    fn range(self, range: &Range) -> Self {
        let content = match range.content {
            Content::Keys => 0,
            Content::Heads => 1,
            // `Content::Records`, and any part that this store cannot return alone.
            _ => 2,
        };
        self.text(&range.prefix)
            .text(&range.suffix)
            .option(range.after.as_ref(), |out, after| out.text(after))
            .number(range.limit)
            .number(range.max_bytes)
            .byte(content)
    }

    fn row(self, row: &Row) -> Self {
        self.bytes(&row.record).option(row.expires_at.as_ref(), |out, at| out.long(at.as_millis()))
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn open(bytes: &'a [u8]) -> Read<(u8, Self)> {
        match bytes.split_first_chunk::<HEAD>() {
            Some(([FORMAT, kind], fields)) => Ok((*kind, Self(fields))),
            _ => Err(Unreadable),
        }
    }

    fn end<T>(&self, read: T) -> Read<T> {
        if self.0.is_empty() { Ok(read) } else { Err(Unreadable) }
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Read<Vec<u8>> {
        let len = self.number()? as usize;
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken.to_vec())
    }

    fn text(&mut self) -> Read<String> {
        String::from_utf8(self.bytes()?).map_err(|_| Unreadable)
    }

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.number()? as usize;
        // Each item has a byte at the least, so a count that lies reserves no more than was sent.
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            items.push(each(self)?);
        }
        Ok(items)
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Unreadable),
        }
    }

    fn expiry(&mut self) -> Read<Expiry> {
        Ok(match self.byte()? {
            0 => Expiry::Never,
            1 => Expiry::After(Duration::from_millis(self.long()?)),
            2 => Expiry::AtLeast(Duration::from_millis(self.long()?)),
            3 => Expiry::At(Timestamp::from_millis(self.long()?)),
            _ => return Err(Unreadable),
        })
    }

    fn change(&mut self) -> Read<Change> {
        let key = self.text()?;
        let kind = match self.byte()? {
            0 => ChangeKind::Put(self.bytes()?, self.expiry()?),
            1 => ChangeKind::Update(self.bytes()?, self.expiry()?),
            2 => ChangeKind::Touch(self.expiry()?),
            3 => ChangeKind::Delete,
            _ => return Err(Unreadable),
        };
        Ok(Change { key, kind })
    }

    fn check(&mut self) -> Read<Check> {
        let key = self.text()?;
        let expect = match self.byte()? {
            0 => Expected::Absent,
            1 => Expected::Present,
            2 => Expected::Token(self.long()?),
            3 => Expected::Plain(self.bytes()?),
            _ => return Err(Unreadable),
        };
        Ok(Check { key, expect })
    }

    fn range(&mut self) -> Read<Range> {
        Ok(Range {
            prefix: self.text()?,
            suffix: self.text()?,
            after: self.option(Self::text)?,
            limit: self.number()?,
            max_bytes: self.number()?,
            content: match self.byte()? {
                0 => Content::Keys,
                1 => Content::Heads,
                2 => Content::Records,
                _ => return Err(Unreadable),
            },
        })
    }

    fn row(&mut self) -> Read<Row> {
        let record = self.bytes()?;
        Ok(Row { record, expires_at: self.option(|input| input.long().map(Timestamp::from_millis))? })
    }

    fn failure_kind(&mut self) -> Read<FailureKind> {
        Ok(match self.byte()? {
            1 => FailureKind::Full,
            2 => FailureKind::Quota,
            3 => FailureKind::Form,
            _ => FailureKind::Engine,
        })
    }
}
