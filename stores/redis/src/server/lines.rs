//! Answers whose lines are text.
//!
//! An error of a server may quote the arguments of the command that it refused, and those may be
//! any bytes. The parser of the `redis` crate takes a line that is not UTF-8 for a broken
//! connection, which would fail every other call on it. So this reader replaces such bytes, in
//! lines alone: values keep theirs.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose lines hold ASCII alone.
pub(super) struct TextLines<S> {
    stream: S,
    state: ParserState,
}

/// Where in an answer the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ParserState {
    /// At the first byte of an answer or of an array's element.
    Start,
    /// In a line. `length` is what a counted line has said so far of the bytes behind it.
    Line { length: Option<u64> },
    /// In a value, with so many bytes to come.
    Value { left: u64 },
}

impl<S> TextLines<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, state: ParserState::Start }
    }
}

impl ParserState {
    /// Replaces what is no text in the lines of these bytes, and returns where they end.
    fn clean(mut self, bytes: &mut [u8]) -> Self {
        let mut rest = bytes;
        while let [first, ..] = rest {
            let taken = match self {
                Self::Start => {
                    let is_counted = matches!(first, b'$' | b'=' | b'!');
                    self = Self::Line { length: is_counted.then_some(0) };
                    0
                }
                Self::Line { length } => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    let len = end.map_or(rest.len(), |end| end + 1);
                    let length = clean_line(&mut rest[..len], length);
                    self = match (end, length) {
                        (None, length) => Self::Line { length },
                        // Behind the value comes the end of a line.
                        (Some(_), Some(length)) => Self::Value { left: length.saturating_add(2) },
                        (Some(_), None) => Self::Start,
                    };
                    len
                }
                Self::Value { left } => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - len as u64;
                    self = if left == 0 { Self::Start } else { Self::Value { left } };
                    len
                }
            };
            rest = &mut rest[taken..];
        }
        self
    }
}

/// Replaces what is no text, and returns the length that the line has stated up to here.
fn clean_line(line: &mut [u8], mut length: Option<u64>) -> Option<u64> {
    for byte in line {
        if !byte.is_ascii() {
            *byte = b'?';
        }
        length = match (length, *byte) {
            (Some(length), digit @ b'0'..=b'9') => {
                Some(length.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
            }
            // `$-1` is nothing, with no value behind it.
            (_, b'-') => None,
            (length, _) => length,
        };
    }
    length
}

impl<S: AsyncRead + Unpin> AsyncRead for TextLines<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Ok(())) = read {
            let state = self.state;
            self.state = state.clean(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TextLines<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cleaned(parts: &[&[u8]]) -> Vec<u8> {
        let mut state = ParserState::Start;
        let mut all = Vec::new();
        for part in parts {
            let mut part = part.to_vec();
            state = state.clean(&mut part);
            all.extend(part);
        }
        all
    }

    #[test]
    fn lines_are_text_and_values_keep_their_bytes() {
        let answers = b"-ERR \xFFK\x80\r\n*3\r\n$4\r\n\xFF\n\r\xFE\r\n$-1\r\n$0\r\n\r\n+\xC3\xA9\r\n";
        let expected = b"-ERR ?K?\r\n*3\r\n$4\r\n\xFF\n\r\xFE\r\n$-1\r\n$0\r\n\r\n+??\r\n";
        assert_eq!(cleaned(&[answers]), expected);
        let bytes: Vec<&[u8]> = answers.chunks(1).collect();
        assert_eq!(cleaned(&bytes), expected);
    }

    proptest! {
        #[test]
        fn parts_give_what_the_whole_gives(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6),
            cuts in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let mut answers = Vec::new();
            for value in &values {
                answers.extend(format!("-E\u{e9}\r\n${}\r\n", value.len()).into_bytes());
                answers.extend(value);
                answers.extend(b"\r\n");
            }
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(answers.len())).collect();
            ends.extend([0, answers.len()]);
            ends.sort_unstable();
            let parts: Vec<&[u8]> = ends.windows(2).map(|pair| &answers[pair[0]..pair[1]]).collect();
            let whole = cleaned(&[&answers]);
            prop_assert_eq!(&cleaned(&parts), &whole);
            for value in &values {
                prop_assert!(value.is_empty() || whole.windows(value.len()).any(|part| part == value));
            }
        }
    }
}
