//! Names of files: a key, in which every byte but small letters, digits, `-` and `_` is `%` and two
//! hexadecimal digits. So no file system takes two keys for one.

/// A file's name has at most 255 bytes, and a byte of a key takes up to three.
pub(crate) const LONGEST_KEY: usize = 84;

/// What the names of unfinished files begin with. No key's does.
pub(crate) const UNFINISHED: &str = "#";

pub(crate) fn of(key: &str) -> String {
    key.bytes().fold(String::from("k"), |name, byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name + char::from(byte).encode_utf8(&mut [0; 4]),
        byte => format!("{name}%{byte:02x}"),
    })
}

/// The key of a file, if the name is one that [`of`] gives.
pub(crate) fn key_of(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix('k')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(first) = rest.bytes().next() {
        let (byte, behind) = match first {
            b'%' => (u8::from_str_radix(rest.get(1..3)?, 16).ok()?, rest.get(3..)?),
            byte => (byte, rest.get(1..)?),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok().filter(|key| of(key) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_other_files_have_none() {
        for key in ["", "user:7:profile", "A/b\\c", "%41", "..", "köln", &"\u{10FFFF}".repeat(21)] {
            assert_eq!(key_of(&of(key)).as_deref(), Some(key));
            assert!(of(key).len() <= 255);
        }
        for name in ["", "user", "kA", "k%4", "k%zz", "k%41b%", "#1.2", "k%3A", "k%ff"] {
            assert_eq!(key_of(name), None, "{name}");
        }
    }
}
