//! What the compiler says of `list().await`.
//!
//! A list is no future. It has an impl of `Future` that never applies, for the sake of its message.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use kv_store::Result;

use super::{IdPage, List, ListIds, Page};
use crate::entity::KvEntity;

/// A list that nobody has read. Of another type than the list: otherwise the compiler takes the
/// message of `Future`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unread<E>(PhantomData<E>);

/// Nothing is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a list is read by `page` or `stream`",
    label = "write `.page()` before the `.await`, or use `.stream()` without one",
    note = "`list().page().await?` gives the first entities and a cursor; `list().stream()` gives all, one by one"
)]
pub trait Awaited {}

#[doc(hidden)]
impl<E, S> Future for List<E, S>
where
    Unread<E>: Awaited,
{
    type Output = Result<Page<E>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

#[doc(hidden)]
impl<E: KvEntity, S> Future for ListIds<E, S>
where
    Unread<E>: Awaited,
{
    type Output = Result<IdPage<E::Id>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}
