//! Streams over the pages of a list.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use kv_store::__private::{
    Entries,
    coop::{self, Hold},
};
use kv_store::store::{Content, Cursor, Store, StoreExt};
use kv_store::{Error, MaybeSend, Result};
use tracing::Instrument;

use super::builder::{List, ListIds, PAGE};
use super::keys::{ListedKey, id_in, query};
use super::raw::{self, Anchor};
use super::{page, secret};
use crate::collection::Collection;
use crate::entity::KvEntity;

#[cfg(not(target_arch = "wasm32"))]
type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;
#[cfg(target_arch = "wasm32")]
type BoxStream<T> = Pin<Box<dyn Stream<Item = T>>>;

/// The entities of a list, fetched page by page: [`List::stream`]. It is a [`Stream`], and
/// [`next`](Self::next) needs no other crate.
pub struct ListStream<E>(BoxStream<Result<E>>);

/// The ids of a list, fetched page by page: [`ListIds::stream`](super::ListIds::stream).
pub struct IdStream<I>(BoxStream<Result<I>>);

impl<E: KvEntity, S: Store> List<E, S> {
    /// Returns all entities from the cursor on, fetched page by page: memory does not grow with
    /// their number or size.
    ///
    /// An entity that cannot be read is an `Err` and the stream goes on; if the store fails, that
    /// error is the last item. The stream yields to other tasks after each page.
    #[must_use]
    pub fn stream(self) -> ListStream<E> {
        entities(self)
    }
}

impl<E: KvEntity, S: Store> ListIds<E, S> {
    /// Returns all ids from the cursor on, as [`List::stream`] does.
    #[must_use]
    pub fn stream(self) -> IdStream<E::Id> {
        ids(self.0)
    }
}

fn entities<E: KvEntity, S: Store>(list: List<E, S>) -> ListStream<E> {
    let (limit, cursor) = (list.limit, list.cursor.clone());
    let decoding = list.collection.clone();
    let fetch = move |cursor, limit| {
        let list = list.clone();
        async move {
            let span = list.span("list");
            fetch_entities(&list, cursor, limit).instrument(span).await
        }
    };
    ListStream(paged(limit, cursor, fetch, move |page: &mut Undecoded<E::Id>| page.next(&decoding)))
}

fn ids<E: KvEntity, S: Store>(list: List<E, S>) -> IdStream<E::Id> {
    let (limit, cursor) = (list.limit, list.cursor.clone());
    let fetch = move |cursor, limit| {
        let list = list.clone().cursor(cursor).limit(limit);
        async move {
            let page = list.ids().page().await?;
            Ok((page.ids.into_iter(), page.cursor))
        }
    };
    IdStream(paged(limit, cursor, fetch, |ids: &mut std::vec::IntoIter<E::Id>| {
        Some((Ok(ids.next()?), size_of::<E::Id>()))
    }))
}

/// A page that is not decoded yet. Each entity is decoded when it is asked for. Decoding a thousand
/// at once would take much memory, and they would have left the processor's caches when they are
/// used.
enum Undecoded<I> {
    /// The records of an entity with one group.
    Entries(Entries),
    Groups(std::vec::IntoIter<Anchor<I>>, std::vec::IntoIter<Error>),
}

async fn fetch_entities<E: KvEntity, S: Store>(
    list: &List<E, S>,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<(Undecoded<E::Id>, Option<Cursor>)> {
    let List { collection, prefix, max_bytes, .. } = list;
    collection.check_foreign(prefix, true)?;
    let cursor = secret::stored(collection, prefix, cursor)?;
    let (page, cursor) = if E::SCHEMA.groups().len() == 1 {
        let query = query::<E>(prefix, cursor, limit, Content::Records).with_max_bytes(*max_bytes);
        let found = collection.store().page(&query).await;
        let mut found = found.map_err(|error| error.of_entity(E::SCHEMA.name()))?;
        let cursor = found.cursor.take();
        (Undecoded::Entries(found.into_entries()), cursor)
    } else {
        let found = raw::page(collection, prefix, cursor, limit, *max_bytes).await?;
        (Undecoded::Groups(found.anchors.into_iter(), found.failed.into_iter()), found.cursor)
    };
    Ok((page, secret::printable(collection, prefix, cursor)))
}

impl<I> Undecoded<I> {
    /// Returns the next entity, and how many bytes it had.
    fn next<E: KvEntity<Id = I>, S: Store>(
        &mut self,
        collection: &Collection<E, S>,
    ) -> Option<(Result<E>, usize)> {
        match self {
            Self::Entries(entries) => loop {
                let (key, entry) = entries.next()?;
                let ListedKey::Entity(id) = id_in::<E>(key) else { continue };
                let len = key.len() + entry.value_len();
                match page::listed(collection, key, id, entry.lend()) {
                    Ok(None) => {}
                    Ok(Some(entity)) => return Some((Ok(entity), len)),
                    Err(error) => return Some((Err(*error), len)),
                }
            },
            Self::Groups(anchors, failed) => match anchors.next() {
                Some(anchor) => {
                    let len = anchor.bytes();
                    Some((page::whole(collection, anchor), len))
                }
                None => failed.next().map(|error| (Err(error), 0)),
            },
        }
    }
}

struct State<P, F, D> {
    fetch: F,
    /// Takes the next item out of a page, with its number of bytes.
    take: D,
    page: Option<P>,
    /// How many items may still be returned.
    left: usize,
    hold: Hold,
    /// Whether a page was fetched.
    has_begun: bool,
    /// `None` after the last page; otherwise the cursor of the next one. The first page may have
    /// none.
    next: Option<Option<Cursor>>,
}

fn paged<T, P, F, Fut, D>(
    limit: Option<usize>,
    cursor: Option<Cursor>,
    fetch: F,
    take: D,
) -> BoxStream<Result<T>>
where
    T: MaybeSend + 'static,
    P: MaybeSend + 'static,
    F: Fn(Option<Cursor>, usize) -> Fut + MaybeSend + 'static,
    Fut: Future<Output = Result<(P, Option<Cursor>)>> + MaybeSend + 'static,
    D: Fn(&mut P) -> Option<(Result<T>, usize)> + MaybeSend + 'static,
{
    let left = limit.unwrap_or(usize::MAX);
    let (hold, next) = (Hold::begin(), Some(cursor));
    let state = State { fetch, take, page: None, left, hold, has_begun: false, next };
    Box::pin(futures_util::stream::unfold(state, async |mut state| {
        loop {
            if let Some((item, bytes)) = state.page.as_mut().and_then(|page| (state.take)(page)) {
                state.left = state.left.saturating_sub(1);
                state.hold.yield_after(bytes).await;
                return Some((item, state));
            }
            state.page = None;
            let cursor = state.next.take().filter(|_| state.left > 0)?;
            if std::mem::replace(&mut state.has_begun, true) {
                coop::yield_now().await;
                state.hold = Hold::begin();
            }
            match (state.fetch)(cursor, state.left.min(PAGE)).await {
                Ok((page, cursor)) => {
                    state.next = cursor.map(Some);
                    state.page = Some(page);
                }
                Err(error) => return Some((Err(error), state)),
            }
        }
    }))
}

macro_rules! stream {
    ($name:ident) => {
        impl<T: MaybeSend + 'static> $name<T> {
            /// Returns a stream over the items of pages.
            pub(crate) fn of_pages<F, Fut>(limit: Option<usize>, cursor: Option<Cursor>, fetch: F) -> Self
            where
                F: Fn(Option<Cursor>, usize) -> Fut + MaybeSend + 'static,
                Fut: Future<Output = Result<(Vec<Result<T>>, Option<Cursor>)>> + MaybeSend + 'static,
            {
                let take = |items: &mut std::vec::IntoIter<Result<T>>| Some((items.next()?, size_of::<T>()));
                let fetch = move |cursor, limit| {
                    let page = fetch(cursor, limit);
                    async move {
                        let (items, cursor) = page.await?;
                        Ok((items.into_iter(), cursor))
                    }
                };
                Self(paged(limit, cursor, fetch, take))
            }
        }

        impl<T> $name<T> {
            /// Returns the next item, or `None` at the end.
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
