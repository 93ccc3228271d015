//! Streams over the pages of a list.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{List, PAGE};
use crate::coop;
use crate::entity::KvEntity;
use crate::error::Result;
use crate::maybe_send::MaybeSend;
use crate::store::{Cursor, Store};

#[cfg(not(target_arch = "wasm32"))]
type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;
#[cfg(target_arch = "wasm32")]
type BoxStream<T> = Pin<Box<dyn Stream<Item = T>>>;

/// All entities of a list, fetched page by page: [`List::stream`]. It is a [`Stream`]; [`next`](Self::next) needs no further crate.
pub struct ListStream<E>(BoxStream<Result<E>>);

/// All ids of a list, fetched page by page: [`ListIds::stream`](super::ListIds::stream).
pub struct IdStream<I>(BoxStream<Result<I>>);

pub(super) fn entities<E: KvEntity, S: Store>(list: List<E, S>) -> ListStream<E> {
    ListStream(paged(list.limit, list.cursor.clone(), move |cursor, limit| {
        let list = list.clone().cursor(cursor).limit(limit);
        async move {
            let page = list.page().await?;
            let failed = page.failed.into_iter().map(Err);
            Ok((page.entities.into_iter().map(Ok).chain(failed).collect(), page.cursor))
        }
    }))
}

pub(super) fn ids<E: KvEntity, S: Store>(list: List<E, S>) -> IdStream<E::Id> {
    IdStream(paged(list.limit, list.cursor.clone(), move |cursor, limit| {
        let list = list.clone().cursor(cursor).limit(limit);
        async move {
            let page = list.ids().page().await?;
            Ok((page.ids.into_iter().map(Ok).collect(), page.cursor))
        }
    }))
}

/// What a page fetch gives: its items, and where the list goes on.
type Fetched<T> = Result<(VecDeque<Result<T>>, Option<Cursor>)>;

struct State<T, F> {
    fetch: F,
    items: VecDeque<Result<T>>,
    /// How many items may still be shown.
    left: usize,
    /// Whether a page was fetched.
    has_begun: bool,
    /// Nothing after the last page; otherwise the cursor of the next one, which the first page may lack.
    next: Option<Option<Cursor>>,
}

fn paged<T, F, Fut>(limit: Option<usize>, cursor: Option<Cursor>, fetch: F) -> BoxStream<Result<T>>
where
    T: MaybeSend + 'static,
    F: Fn(Option<Cursor>, usize) -> Fut + MaybeSend + 'static,
    Fut: Future<Output = Fetched<T>> + MaybeSend + 'static,
{
    let left = limit.unwrap_or(usize::MAX);
    let state = State { fetch, items: VecDeque::new(), left, has_begun: false, next: Some(cursor) };
    Box::pin(futures_util::stream::unfold(state, async |mut state| {
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some((item, state));
            }
            let cursor = state.next.take().filter(|_| state.left > 0)?;
            if std::mem::replace(&mut state.has_begun, true) {
                coop::yield_now().await;
            }
            match (state.fetch)(cursor, state.left.min(PAGE)).await {
                Ok((items, cursor)) => {
                    state.left -= items.len().min(state.left);
                    state.next = cursor.map(Some);
                    state.items = items;
                }
                Err(error) => return Some((Err(error), state)),
            }
        }
    }))
}

macro_rules! stream {
    ($name:ident) => {
        impl<T> $name<T> {
            /// The next item, or nothing at the end.
            pub async fn next(&mut self) -> Option<Result<T>> {
                poll_fn(|context| self.0.as_mut().poll_next(context)).await
            }
        }

        impl<T> Stream for $name<T> {
            type Item = Result<T>;

            fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.0.as_mut().poll_next(context)
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

stream!(ListStream);
stream!(IdStream);
