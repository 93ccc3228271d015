//! Which object holds a key.

use std::fmt;
use std::rc::Rc;

/// Which object holds which keys, for a `DurableClient`.
///
/// Keys of one object can be committed and listed together. Keys of two objects cannot. So an
/// object should hold what changes together, such as a user or a tenant, and no more: one object
/// has one thread, and Cloudflare sees to about 1,000 simple requests a second from it.
///
/// The choice cannot change later without moving records: a key is looked for where the choice of
/// today puts it.
#[derive(Clone)]
pub struct Shards(Kind);

#[derive(Clone)]
enum Kind {
    One(Rc<str>),
    Segments(usize),
    By { of_key: Rc<Choose>, of_prefix: Option<Rc<Choose>> },
}

type Choose = dyn Fn(&str) -> String;

impl Shards {
    /// One object of this name for all keys: one client per tenant.
    pub fn one(name: impl Into<Rc<str>>) -> Self {
        Self(Kind::One(name.into()))
    }

    /// An object for each value of the first `count` segments of the key, which separate at `:`.
    ///
    /// With 1 there is an object for each entity type, and with 2 one for each entity whose prefix
    /// is one segment, such as `user:123`, with all of its groups. Below a `NamespaceStore` the
    /// namespace counts, too.
    #[must_use]
    pub const fn by_segments(count: usize) -> Self {
        Self(Kind::Segments(if count == 0 { 1 } else { count }))
    }

    /// The object that this function names for a key. It must always give the same for a key.
    pub fn by(of_key: impl Fn(&str) -> String + 'static) -> Self {
        Self(Kind::By { of_key: Rc::new(of_key), of_prefix: None })
    }

    /// The object that holds all keys with a prefix, for [`by`](Self::by), which cannot list
    /// without. It must be the object that `by` names for each of those keys.
    #[must_use]
    pub fn listed_by(mut self, of_prefix: impl Fn(&str) -> String + 'static) -> Self {
        if let Kind::By { of_prefix: listed, .. } = &mut self.0 {
            *listed = Some(Rc::new(of_prefix));
        }
        self
    }

    /// Whether one object holds all keys.
    pub(super) const fn is_one(&self) -> bool {
        matches!(self.0, Kind::One(_))
    }

    /// The name of the object that holds a key.
    pub(super) fn of_key(&self, key: &str) -> String {
        match &self.0 {
            Kind::One(name) => (**name).to_owned(),
            Kind::Segments(count) => {
                let end = key.match_indices(':').nth(count - 1).map_or(key.len(), |(end, _)| end);
                key.get(..end).unwrap_or(key).to_owned()
            }
            Kind::By { of_key, .. } => of_key(key),
        }
    }

    /// The name of the object that holds all keys with a prefix; none if several may.
    pub(super) fn of_prefix(&self, prefix: &str) -> Option<String> {
        match &self.0 {
            Kind::One(name) => Some((**name).to_owned()),
            // The last segment of a prefix may go on in the keys.
            Kind::Segments(count) => {
                let (end, _) = prefix.match_indices(':').nth(count - 1)?;
                prefix.get(..end).map(str::to_owned)
            }
            Kind::By { of_prefix, .. } => of_prefix.as_ref().map(|of_prefix| of_prefix(prefix)),
        }
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::One(name) => write!(f, "Shards::one({name:?})"),
            Kind::Segments(count) => write!(f, "Shards::by_segments({count})"),
            Kind::By { .. } => f.write_str("Shards::by(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_entity_are_in_one_object() {
        let entities = Shards::by_segments(2);
        assert_eq!(entities.of_key("user:123:profile"), "user:123");
        assert_eq!(entities.of_key("user:123"), "user:123");
        assert_eq!(entities.of_key("user"), "user");
        assert_eq!(Shards::by_segments(1).of_key("user:123:profile"), "user");
        assert_eq!(Shards::one("acme").of_key("user:123"), "acme");
        assert!(Shards::one("acme").is_one() && !entities.is_one());
    }

    #[test]
    fn a_prefix_is_of_one_object_if_all_of_its_keys_are() {
        let entities = Shards::by_segments(2);
        assert_eq!(entities.of_prefix("user:123:"), Some("user:123".to_owned()));
        assert_eq!(entities.of_prefix("user:123"), None);
        assert_eq!(entities.of_prefix("user:"), None);
        assert_eq!(Shards::by_segments(1).of_prefix("user:"), Some("user".to_owned()));
        assert_eq!(Shards::one("acme").of_prefix(""), Some("acme".to_owned()));
    }

    #[test]
    fn a_function_lists_by_another_one() {
        let last = |text: &str| text.rsplit(':').next().unwrap_or_default().to_owned();
        let shards = Shards::by(last);
        assert_eq!((shards.of_key("a:7"), shards.of_prefix("a:")), ("7".to_owned(), None));
        assert_eq!(shards.listed_by(|_| "all".to_owned()).of_prefix("a:"), Some("all".to_owned()));
    }
}
