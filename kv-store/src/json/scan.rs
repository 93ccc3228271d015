//! The members of an object whose text is known to be JSON, faster than by a parser: a text that was
//! read or written before is only split.

use std::borrow::Cow;

use super::raw::{RawMember, RawObject, WHITESPACE, offset};

impl<'a> RawObject<'a> {
    /// The object that is the whole of this text; none if it is anything else. Members that are
    /// spelt as those of `like`, in its order, are compared and not looked through.
    pub fn split(text: &'a str, like: Option<&RawObject<'_>>) -> Option<Self> {
        let text = text.trim_matches(WHITESPACE);
        if !text.starts_with('{') {
            return None;
        }
        match members(text, like) {
            Some(members) => Some(Self { text, members }),
            // A name has an escape.
            None => Self::read(text),
        }
    }
}

fn members<'a>(text: &'a str, like: Option<&RawObject<'_>>) -> Option<Vec<RawMember<'a>>> {
    let mut members = Vec::with_capacity(like.map_or(8, |like| like.members.len() + 4));
    let mut hints =
        like.into_iter().flat_map(|like| like.members.iter().map(|member| member.whole(like.text)));
    let mut input = Input { bytes: text.as_bytes(), at: 1 };
    loop {
        let from = input.at;
        input.skip(|byte| is_space(byte) || byte == b',');
        if input.peek()? == b'}' {
            return Some(members);
        }
        let rest = text.get(input.at..)?;
        let hint = hints.next().filter(|(whole, ..)| rest.starts_with(whole) && ends(rest, whole.len()));
        let (name, value) = match hint {
            Some((whole, name_len, value_len)) => {
                input.at += whole.len();
                (rest.get(1..=name_len)?, whole.len() - value_len..whole.len())
            }
            None => {
                let begin = input.at;
                let name = rest.get(1..input.string()? - begin - 1)?;
                input.skip(|byte| is_space(byte) || byte == b':');
                let value = input.at - begin;
                input.value()?;
                (name, value..input.at - begin)
            }
        };
        let value = rest.get(value)?;
        let lead = text.get(from..offset(text, value))?;
        members.push(RawMember { name: Cow::Borrowed(name), value, lead });
    }
}

/// Whether a value of this length has ended: a number goes on with digits.
fn ends(rest: &str, len: usize) -> bool {
    rest.as_bytes().get(len).is_some_and(|byte| is_space(*byte) || b",}".contains(byte))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

impl<'a> RawMember<'a> {
    /// The member from its name on, the length of the name, and that of the value. The length of a
    /// name with an escape is not that of its text, and then this is no part of any object.
    fn whole(&self, object: &'a str) -> (&'a str, usize, usize) {
        let lead = self.lead.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        let from = offset(object, lead);
        let whole = object.get(from..offset(object, self.value) + self.value.len());
        let is_plain = matches!(self.name, Cow::Borrowed(_));
        (whole.filter(|_| is_plain).unwrap_or("\0"), self.name.len(), self.value.len())
    }
}

/// Bytes of JSON, and how many were looked at.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.at += 1;
        }
    }

    /// Goes behind a name, and says where that is; none if the name has an escape.
    fn string(&mut self) -> Option<usize> {
        let rest = self.bytes.get(self.at + 1..)?;
        let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        self.at += len + 2;
        (rest[len] == b'"').then_some(self.at)
    }

    /// Goes behind a value.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    let rest = self.bytes.get(self.at + 1..)?;
                    self.at += super::raw::text_len(rest) + 2;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                _ => self.skip(|byte| !is_space(byte) && !b",}]".contains(&byte)),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members_of(object: &RawObject<'_>) -> String {
        let member = |member: &RawMember<'_>| {
            (member.name.to_string(), member.value.to_owned(), member.lead.to_owned())
        };
        format!("{:?} {:?}", object.text, object.members.iter().map(member).collect::<Vec<_>>())
    }

    #[test]
    fn a_split_object_is_the_parsed_one() {
        let texts = [
            "{}",
            " { } ",
            r#"{"a":1,"b":"x\\\"y","c":[1,{"d":"}"}],"é":null}"#,
            " { \"a\" : 1 ,\n\"b\":[ 1, {} ] , \"c\":-1.5e3} ",
            r#"{"a":12,"b":"x","c":[]}"#,
            r#"{"b":"x","a":1}"#,
            r#"{"\u0061":1,"b":2}"#,
            r#"{"a":1,"a":2,"":{}}"#,
        ];
        for text in texts {
            let parsed = RawObject::read(text).expect("is an object");
            assert_eq!(
                RawObject::split(text, None).map(|object| members_of(&object)),
                Some(members_of(&parsed))
            );
            for like in texts.into_iter().filter_map(RawObject::read) {
                let object = RawObject::split(text, Some(&like)).expect("is an object");
                assert_eq!(members_of(&object), members_of(&parsed), "{}", like.text);
            }
        }
        assert!(RawObject::split("[1]", None).is_none() && RawObject::split("5", None).is_none());
    }
}
