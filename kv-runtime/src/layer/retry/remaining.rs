//! A batch over several attempts: what is left of it, and what an error says of the whole.

use std::collections::HashSet;

use kv_store::store::{Batch, Write};
use kv_store::{Error, Location};

/// What is left to do of a batch.
pub(super) struct Remaining {
    /// With the places that they had at the beginning.
    left: Vec<(usize, Write)>,
    len: usize,
}

impl Remaining {
    pub(super) fn of(batch: Batch) -> Self {
        Self { len: batch.len(), left: batch.into_iter().enumerate().collect() }
    }

    pub(super) fn writes(&self) -> Vec<Write> {
        self.left.iter().map(|(_, write)| write.clone()).collect()
    }

    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Takes out what an attempt has done before it failed with this error, and gives the error's
    /// cause.
    pub(super) fn after(&mut self, error: &Error) -> Error {
        let Error::Partial { written, also, source, .. } = error else { return error.clone() };
        self.remove(|position| position < *written || also.contains(&position));
        (**source).clone()
    }

    fn remove(&mut self, is_done: impl Fn(usize) -> bool) {
        // Of two of one key the later one is to remain: if it is done, the earlier one must not be
        // made after it.
        let mut done = HashSet::new();
        let mut position = self.left.len();
        let mut kept = Vec::with_capacity(position);
        while let Some((at, item)) = self.left.pop() {
            position -= 1;
            let key = item.key().as_str();
            if is_done(position) {
                done.insert(key.to_owned());
            } else if !done.contains(key) {
                kept.push((at, item));
            }
        }
        kept.reverse();
        self.left = kept;
    }

    /// The places of what is left of which an attempt could not say whether it was written.
    pub(super) fn unknown_after(&self, error: &Error) -> Vec<usize> {
        match error {
            Error::Partial { unknown, .. } => {
                unknown.iter().filter_map(|position| self.left.get(*position)).map(|(at, _)| *at).collect()
            }
            error if error.is_unknown() => self.left.iter().map(|(at, _)| *at).collect(),
            _ => Vec::new(),
        }
    }

    /// How the whole batch ended that failed with this cause.
    pub(super) fn failure(&self, at: Option<&Location>, mut unknown: Vec<usize>, cause: Error) -> Error {
        if self.left.len() == self.len && unknown.len() == if cause.is_unknown() { self.len } else { 0 } {
            return cause;
        }
        let undone: HashSet<usize> = self.left.iter().map(|(position, _)| *position).collect();
        let written = self.left.first().map_or(self.len, |(position, _)| *position);
        let also = (written..self.len).filter(|position| !undone.contains(position)).collect();
        unknown.retain(|position| undone.contains(position));
        let at = Box::new(at.cloned().unwrap_or_default());
        Error::Partial { at, written, also, unknown, source: Box::new(cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kv_store::SharedError;
    use kv_store::key::Key;

    fn partial(written: usize, also: &[usize]) -> Error {
        let at = Location::store("test");
        let source = Box::new(Error::store(at.clone(), "write", true, std::fmt::Error));
        Error::Partial { at, written, also: also.to_vec(), unknown: Vec::new(), source }
    }

    fn batch(keys: &[&str]) -> Remaining {
        Remaining::of(Batch::deletes(keys.iter().map(|key| Key::from_text(*key))))
    }

    fn left(batch: &Remaining) -> String {
        batch.writes().iter().map(|write| write.key().as_str()).collect()
    }

    fn result(batch: &Remaining) -> (usize, Vec<usize>) {
        match batch.failure(None, Vec::new(), partial(0, &[])) {
            Error::Partial { written, also, .. } => (written, also),
            error => panic!("{error}"),
        }
    }

    #[test]
    fn only_the_rest_is_done_again_and_places_are_those_of_the_whole() {
        let mut batch = batch(&["a", "b", "c", "d", "e", "f"]);
        assert!(batch.after(&partial(1, &[3])).is_retryable());
        assert_eq!(left(&batch), "bcef");
        assert_eq!(result(&batch), (1, vec![3]));
        batch.after(&partial(0, &[2]));
        assert_eq!(left(&batch), "bcf");
        assert_eq!(result(&batch), (1, vec![3, 4]));
        batch.after(&partial(2, &[]));
        assert_eq!(result(&batch), (5, vec![]));
        batch.after(&partial(1, &[]));
        assert!(batch.is_done());
    }

    #[test]
    fn an_earlier_write_is_not_made_after_a_later_one_of_its_key() {
        let mut batch = batch(&["a", "b", "a", "c", "b"]);
        batch.after(&partial(0, &[2]));
        assert_eq!(left(&batch), "bcb");
        assert_eq!(result(&batch), (1, vec![2]));
    }

    #[test]
    fn what_is_unknown_keeps_its_places_of_the_whole() {
        let mut batch = batch(&["a", "b", "c", "d", "e"]);
        batch.after(&partial(1, &[2]));
        assert_eq!(left(&batch), "bde");
        let at = Location::store("test");
        let lost = Error::OutcomeUnknown { at: at.clone(), source: SharedError::new(std::fmt::Error) };
        let source = Box::new(lost.clone());
        let error = Error::Partial { at, written: 1, also: Vec::new(), unknown: vec![2], source };
        assert!(!error.is_retryable());
        let unknown = batch.unknown_after(&error);
        let cause = batch.after(&error);
        let whole = batch.failure(None, unknown, cause);
        let Error::Partial { written: 3, also, unknown, .. } = &whole else { panic!("{whole}") };
        assert_eq!((&also[..], &unknown[..]), (&[][..], &[4][..]));
        assert!(whole.to_string().contains("1 may have been written"), "{whole}");
        // Of a batch that is unknown as a whole every place is.
        assert_eq!(batch.unknown_after(&lost), [3, 4]);
    }

    #[test]
    fn an_error_of_nothing_done_is_itself() {
        let whole = batch(&["a", "b"]);
        let error = whole.failure(
            None,
            Vec::new(),
            Error::store(Location::store("test"), "write", true, std::fmt::Error),
        );
        assert!(matches!(error, Error::Store { .. }));
    }
}
