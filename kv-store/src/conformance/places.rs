//! The location of an error, as a store reports it.

use super::harness::Harness;
use super::suite::{Checked, Ended, Suite, Test, key};
use crate::error::Location;
use crate::store::{Cursor, ListQuery, Store, StoreExt};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        other_errors_tell_the_namespace_too: "a wrapper MUST return the info of the store inside: what the store's own errors tell of a namespace, its info adds to others",
    );
}

/// A wrapper that makes another info still returns the wrapped store's errors, which know the
/// namespace.
async fn other_errors_tell_the_namespace_too<H: Harness>(t: Test<'_, H>) -> Checked {
    let query = ListQuery::new(key("a:")).with_cursor(Some(Cursor::from_text("of no list")));
    let Err(own) = t.store.page(&query).await else {
        return Err(Ended::failed("a cursor of no list was taken".to_owned()));
    };
    let own = own.location().and_then(|at| at.namespace.as_deref());
    let mut other = Location::of(t.store.name(), query.prefix());
    t.store.info().locate(&mut other);
    let other = other.namespace.as_deref();
    check!(own == other, "the store's own errors tell of the namespace {own:?}, and its info of {other:?}");
    Ok(())
}
