//! The difference of two encodings of a value, applied to the text that is stored.
//!
//! What neither encoding has is somebody else's and stays, byte for byte, at every level of
//! objects. A tagged enum that changes its variant is replaced as a whole. Of an array, elements
//! that are equal before and after keep their text.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use kv_store::__private::json::{RawMember, RawObject, elements, json_of_text, offset};

/// A value as this program writes it, and the offsets of the members that are tags of enums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tagged<'a> {
    pub(crate) text: &'a str,
    pub(crate) tags: &'a [usize],
}

impl<'a> From<&'a str> for Tagged<'a> {
    /// A value without tags.
    fn from(text: &'a str) -> Self {
        Self { text, tags: &[] }
    }
}

/// The stored text with a difference in it.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    pub(crate) text: String,
    /// What is kept although the encodings do not have it.
    pub(crate) kept: Vec<Kept<'a>>,
}

/// A member that is kept, or an array of which some elements are.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    /// The offset of its text in the stored text.
    pub(crate) index: usize,
    /// The name of a member of the value itself.
    pub(crate) name_in_value: Option<Cow<'a, str>>,
}

/// Applies the difference from `before` to `after` to `stored`. A member that `stored` lacks, as it
/// is read as a default, stays absent unless it was changed.
pub(crate) fn merge<'a>(stored: &'a str, before: Tagged<'a>, after: Tagged<'a>) -> Merged<'a> {
    let (out, kept) = (String::with_capacity(stored.len() + after.text.len() / 4), Vec::new());
    let mut merge = Merge { stored, before, after, only: None, fills: false, out, kept };
    merge.value(stored, before.text, after.text);
    Merged { text: merge.out, kept: merge.kept }
}

/// As [`merge`], but of what the encodings do not have only this is kept. With `fills` every member
/// of `after` is written.
pub(crate) fn merge_only<'a>(
    stored: &'a str,
    before: Tagged<'a>,
    after: Tagged<'a>,
    only: &[usize],
    fills: bool,
) -> Merged<'a> {
    let (out, kept) = (String::with_capacity(stored.len()), Vec::new());
    let mut merge = Merge { stored, before, after, only: Some(only), fills, out, kept };
    merge.composite(stored, before.text, after.text);
    Merged { text: merge.out, kept: merge.kept }
}

struct Merge<'a, 'o> {
    stored: &'a str,
    before: Tagged<'a>,
    after: Tagged<'a>,
    only: Option<&'o [usize]>,
    fills: bool,
    out: String,
    kept: Vec<Kept<'a>>,
}

impl<'a> Merge<'a, '_> {
    fn value(&mut self, stored: &'a str, before: &'a str, after: &'a str) {
        if before == after {
            self.out.push_str(stored);
        } else {
            self.composite(stored, before, after);
        }
    }

    fn composite(&mut self, stored: &'a str, before: &'a str, after: &'a str) {
        if let Some(before) = RawObject::split(before, None)
            && let Some(after) = RawObject::split(after, Some(&before))
            && let Some(stored) = RawObject::split(stored, Some(&before))
        {
            self.object(&stored, &before, &after);
            return;
        }
        match (elements(stored), elements(before), elements(after)) {
            (Some(stored_elements), Some(before), Some(now)) if stored_elements.len() == before.len() => {
                self.array((stored, &stored_elements), &before, (after, &now));
            }
            _ => self.out.push_str(after),
        }
    }

    fn object(&mut self, stored: &RawObject<'a>, before: &RawObject<'a>, after: &RawObject<'a>) {
        let is_value = offset(self.after.text, after.text) == 0;
        // The value itself is a struct, so a tag in it is that of a flattened enum.
        if !is_value && tag(self.before, before) != tag(self.after, after) {
            self.out.push_str(after.text);
            return;
        }
        let (found, old, new) = (Names::of(stored), Names::of(before), Names::of(after));
        self.out.push('{');
        let mut is_first = true;
        for (index, member) in stored.members.iter().enumerate() {
            let (was, is) = (old.get(&member.name, index), new.get(&member.name, index));
            let name = || is_value.then(|| member.name.clone());
            let is_known = was.is_some() || is.is_some();
            // Of a known member that is there twice, a map has the last.
            if is_known && (is.is_none() || !found.is_last(member)) {
                continue;
            }
            if !is_known && !self.keeps(member.value, name) {
                continue;
            }
            let (comma, lead) = member.lead(is_first);
            self.out.extend([comma, lead]);
            is_first = false;
            match (was, is) {
                (Some(was), Some(is)) => self.value(member.value, was, is),
                (None, Some(is)) => self.out.push_str(is),
                (_, None) => self.out.push_str(member.value),
            }
        }
        for (index, member) in after.members.iter().enumerate() {
            let is_default = || !self.fills && old.get(&member.name, index) == Some(member.value);
            if found.last(&member.name).is_some() || is_default() {
                continue;
            }
            let (comma, lead) = member.lead(is_first);
            self.out.extend([comma, lead, member.value]);
            is_first = false;
        }
        self.out.push_str(stored.tail());
    }

    /// Elements that are equal before and after keep their text. They are matched by position, from
    /// both ends.
    fn array(&mut self, (whole, stored): (&'a str, &[&'a str]), before: &[&str], after: (&str, &[&str])) {
        let (after_whole, after) = after;
        let same_length = before.len() == after.len();
        let ahead = before.iter().zip(after).take_while(|(was, is)| was == is).count();
        let rest = before.len().min(after.len()) - ahead;
        let behind = before.iter().rev().zip(after.iter().rev()).take(rest);
        let behind = behind.take_while(|(was, is)| was == is).count();
        let old_index = |index: usize| {
            if same_length || index < ahead {
                Some(index)
            } else {
                let from_end = after.len() - index;
                (from_end <= behind).then(|| before.len() - from_end)
            }
        };
        let mut keeps_any = false;
        let texts = after.iter().enumerate().map(|(index, is)| {
            let old = old_index(index).filter(|old| before.get(*old) == Some(is));
            match old.and_then(|old| stored.get(old)) {
                Some(text) if text != is && covers(text, is) => {
                    keeps_any = true;
                    *text
                }
                _ => *is,
            }
        });
        let texts: Vec<&str> = texts.collect();
        if keeps_any && self.keeps(whole, || None) {
            self.out.push('[');
            self.out.push_str(&texts.join(","));
            self.out.push(']');
        } else {
            self.out.push_str(after_whole);
        }
    }

    /// Whether this part of the stored text is kept, though neither encoding has it.
    fn keeps(&mut self, part: &str, name_in_value: impl FnOnce() -> Option<Cow<'a, str>>) -> bool {
        let index = offset(self.stored, part);
        let keeps = self.only.is_none_or(|only| only.contains(&index));
        if keeps {
            self.kept.push(Kept { index, name_in_value: name_in_value() });
        }
        keeps
    }
}

/// The tag of an object that is an enum, and its value. serde's derive writes it first. A tag behind
/// other members is that of a flattened enum, and the object is a struct's.
fn tag<'m, 'a>(value: Tagged<'a>, object: &'m RawObject<'a>) -> Option<(&'m str, &'a str)> {
    let first = object.members.first().filter(|_| !value.tags.is_empty())?;
    let is_tag = value.tags.binary_search(&first.start(value.text)).is_ok();
    is_tag.then_some((&*first.name, first.value))
}

/// Whether the stored text says what the encoded one says, and perhaps more.
fn covers(stored: &str, encoded: &str) -> bool {
    if stored == encoded {
        return true;
    }
    if let (Some(stored), Some(encoded)) = (RawObject::split(stored, None), RawObject::split(encoded, None)) {
        let stored = Names::of(&stored);
        let is_covered =
            |value: &str, stored: Option<&str>| stored.is_none_or(|stored| covers(stored, value));
        return encoded.members.iter().all(|member| is_covered(member.value, stored.last(&member.name)));
    }
    if let (Some(stored), Some(encoded)) = (elements(stored), elements(encoded)) {
        let mut both = stored.iter().zip(&encoded);
        return stored.len() == encoded.len() && both.all(|(stored, encoded)| covers(stored, encoded));
    }
    let value = |text| json_of_text::<Value>(text).ok();
    value(stored).is_some_and(|stored| value(encoded) == Some(stored))
}

/// The members of an object by their names.
enum Names<'m, 'a> {
    Few(&'m RawObject<'a>),
    Many(HashMap<&'m str, &'a str>),
}

/// So many names are looked through faster than hashed.
const FEW: usize = 16;

impl<'m, 'a> Names<'m, 'a> {
    fn of(object: &'m RawObject<'a>) -> Self {
        if object.members.len() <= FEW {
            return Self::Few(object);
        }
        Self::Many(object.members.iter().map(|member| (&*member.name, member.value)).collect())
    }

    /// The value of the last member of this name.
    fn last(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::Few(object) => {
                let found = object.members.iter().rfind(|member| member.name == name);
                found.map(|member| member.value)
            }
            Self::Many(names) => names.get(name).copied(),
        }
    }

    /// Whether no member behind this one has its name.
    fn is_last(&self, member: &RawMember<'_>) -> bool {
        self.last(&member.name).is_some_and(|value| std::ptr::eq(value, member.value))
    }

    /// The value of a member, which is likely at this place.
    fn get(&self, name: &str, index: usize) -> Option<&'a str> {
        match self {
            Self::Few(object) => {
                let likely = object.members.get(index).filter(|member| member.name == name);
                let found = likely.or_else(|| object.members.iter().find(|member| member.name == name));
                found.map(|member| member.value)
            }
            Self::Many(names) => names.get(name).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(stored: &str, before: &str, after: &str) -> String {
        merge(stored, before.into(), after.into()).text
    }

    #[test]
    fn what_is_unknown_survives_as_it_is_written() {
        let stored = r#"{ "a": 1, "new": {"x": 1e400}, "nested": {"b":1,"n\u0065w":123456789012345678901234567890}, "list": [1, {"new": 1}], "gone": 1 }"#;
        let before = r#"{"a":1,"nested":{"b":1},"list":[1,{}],"gone":1,"absent":0}"#;
        let after = r#"{"a":2,"nested":{"b":2,"c":3},"list":[1,{}],"absent":0}"#;
        assert_eq!(
            merged(stored, before, after),
            r#"{ "a": 2, "new": {"x": 1e400}, "nested": {"b":2,"n\u0065w":123456789012345678901234567890,"c":3}, "list": [1, {"new": 1}] }"#
        );
    }

    #[test]
    fn members_come_and_go_at_every_place() {
        for (stored, before, after, expected) in [
            (r#"{"a":1,"x":2}"#, r#"{"a":1}"#, "{}", r#"{"x":2}"#),
            (r#"{"x":2, "a":1}"#, r#"{"a":1}"#, "{}", r#"{"x":2}"#),
            ("{}", "{}", r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{ "x":1 }"#, "{}", r#"{"a":1}"#, r#"{ "x":1,"a":1 }"#),
            (r#"{"a":null,"x":1}"#, "{}", r#"{"a":5}"#, r#"{"a":5,"x":1}"#),
            // A map has the last one of a member that is there twice, and all of one that is not known stay.
            (r#"{"a":1,"a":2,"x":1}"#, r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":3,"x":1}"#),
            (r#"{"x":1,"a":1,"x":2}"#, r#"{"a":1}"#, r#"{"a":3}"#, r#"{"x":1,"a":3,"x":2}"#),
            (r#"[{"a":1,"x":1,"x":2},1]"#, r#"[{"a":1},1]"#, r#"[{"a":1},2]"#, r#"[{"a":1,"x":1,"x":2},2]"#),
            ("[1]", r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":3}"#),
        ] {
            assert_eq!(merged(stored, before, after), expected, "{stored}");
        }
    }

    #[test]
    fn elements_that_are_left_alone_keep_what_is_unknown() {
        let stored = r#"[{"a":1,"x":1},{"a":2,"x":2},{"a":3,"x":3}]"#;
        let before = r#"[{"a":1},{"a":2},{"a":3}]"#;
        for (after, expected) in [
            (r#"[{"a":1},{"a":9},{"a":3}]"#, r#"[{"a":1,"x":1},{"a":9},{"a":3,"x":3}]"#),
            (r#"[{"a":1},{"a":3}]"#, r#"[{"a":1,"x":1},{"a":3,"x":3}]"#),
            (
                r#"[{"a":0},{"a":1},{"a":2},{"a":3}]"#,
                r#"[{"a":0},{"a":1,"x":1},{"a":2,"x":2},{"a":3,"x":3}]"#,
            ),
            ("[]", "[]"),
        ] {
            assert_eq!(merged(stored, before, after), expected);
        }
        // A set that was read in another order cannot be matched by position.
        assert_eq!(merged(r#"["a","b","c"]"#, r#"["c","a","b"]"#, r#"["a","b"]"#), r#"["a","b"]"#);
    }

    #[test]
    fn a_changed_variant_replaces_the_value() {
        let (before, after) = (r#"{"s":{"t":"C","r":1},"n":1}"#, r#"{"s":{"t":"R","w":2},"n":1}"#);
        let (old, new) = (Tagged { text: before, tags: &[6] }, Tagged { text: after, tags: &[6] });
        let stored = r#"{"s":{"t":"C","r":1,"unit":"cm"},"n":1,"x":1}"#;
        assert_eq!(merge(stored, old, new).text, r#"{"s":{"t":"R","w":2},"n":1,"x":1}"#);
        let same = Tagged { text: r#"{"s":{"t":"C","r":2},"n":1}"#, tags: &[6] };
        assert_eq!(merge(stored, old, same).text, r#"{"s":{"t":"C","r":2,"unit":"cm"},"n":1,"x":1}"#);
    }

    #[test]
    fn only_what_is_asked_for_is_kept() {
        let stored = r#"{"full":"Ada","x":1}"#;
        let (before, after) = (r#"{"name":"Ada"}"#.into(), r#"{"name":"Bob"}"#.into());
        let all = merge(stored, before, after);
        assert_eq!(all.text, r#"{"full":"Ada","x":1,"name":"Bob"}"#);
        let kept: Vec<_> = all.kept.iter().map(|kept| (kept.index, kept.name_in_value.as_deref())).collect();
        assert_eq!(kept, [(8, Some("full")), (18, Some("x"))]);
        let only = |after, kept: &[usize], fills| merge_only(stored, before, after, kept, fills).text;
        assert_eq!(only(after, &[], false), r#"{"name":"Bob"}"#);
        assert_eq!(only(after, &[18], false), r#"{"x":1,"name":"Bob"}"#);
        assert_eq!(only(before, &[18], false), r#"{"x":1}"#);
        assert_eq!(only(before, &[18], true), r#"{"x":1,"name":"Ada"}"#);
    }
}
