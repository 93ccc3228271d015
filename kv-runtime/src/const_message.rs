//! Error messages of constant evaluation, put together without an allocator.

/// The text of a panic at compile time.
pub(crate) struct Message {
    text: [u8; 512],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { text: [0; 512], len: 0 }
    }

    pub(crate) const fn add(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        // Names that do not fit leave the message as it is rather than cut a character in two.
        if self.len + bytes.len() <= self.text.len() {
            let mut at = 0;
            while at < bytes.len() {
                self.text[self.len] = bytes[at];
                self.len += 1;
                at += 1;
            }
        }
        self
    }

    /// A name in backquotes.
    pub(crate) const fn name(self, name: &str) -> Self {
        self.add("`").add(name).add("`")
    }

    pub(crate) const fn number(self, number: usize) -> Self {
        let more = if number > 9 { self.number(number / 10) } else { self };
        let digit = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"][number % 10];
        more.add(digit)
    }

    /// Panics. The compiler shows the error at the place that called the caller.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how constant evaluation reports an error")]
    pub(crate) const fn panic(&self) -> ! {
        match std::str::from_utf8(self.text.split_at(self.len).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("these entities do not fit together"),
        }
    }
}

/// Whether two texts are one.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    same_bytes(a.as_bytes(), b.as_bytes())
}

pub(crate) const fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
