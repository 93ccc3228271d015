//! Streams over the pages of a list.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use kv_store::__private::PageCopy;
use kv_store::store::{Content, Cursor, ListQuery, Sharing, Store};
use kv_store::{Error, MaybeSend, Result};

use super::builder::{List, ListIds, PAGE};
use super::keys::{ListedKey, id_in, query};
use super::paged::{BoxStream, Fetched, paged};
use super::raw::{self, Anchor};
use super::{page, secret};
use crate::collection::Collection;
use crate::entity::KvEntity;
use crate::small::Instrument;

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
    /// error is the last item. The stream yields to other tasks after each thousand entities, and
    /// every few milliseconds.
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

/// How many entities a stream fetches at a time from a store in this process. They fit into the
/// processor's caches, and to begin another page costs little.
const NEAR: usize = 128;

fn entities<E: KvEntity, S: Store>(list: List<E, S>) -> ListStream<E> {
    let (limit, cursor) = (list.limit, list.cursor.clone());
    let decoding = list.collection.clone();
    let most = match list.collection.info().capabilities().sharing {
        Sharing::Exclusive => NEAR,
        _ => PAGE,
    };
    let fetch = move |cursor, limit: usize, spent| {
        let list = list.clone();
        async move {
            let span = list.span("list");
            fetch_entities(&list, cursor, limit.min(most), spent).instrument(span).await
        }
    };
    ListStream(paged(limit, cursor, fetch, move |page: &mut Undecoded<E::Id>, bytes: &mut usize| {
        page.next(&decoding, bytes)
    }))
}

fn ids<E: KvEntity, S: Store>(list: List<E, S>) -> IdStream<E::Id> {
    let (limit, cursor) = (list.limit, list.cursor.clone());
    let fetch = move |cursor, limit, _| {
        let list = list.clone().cursor(cursor).limit(limit);
        async move {
            let page = list.ids().page().await?;
            Ok((page.ids.into_iter(), page.cursor))
        }
    };
    IdStream(paged(limit, cursor, fetch, |ids: &mut std::vec::IntoIter<E::Id>, bytes: &mut usize| {
        *bytes += size_of::<E::Id>();
        ids.next().map(Ok)
    }))
}

/// A page that is not decoded yet. Each entity is decoded when it is asked for. Decoding a thousand
/// at once would take much memory, and they would have left the processor's caches when they are
/// used.
enum Undecoded<I> {
    /// The records of an entity with one group.
    Entries(PageCopy),
    Groups(std::vec::IntoIter<Anchor<I>>, std::vec::IntoIter<Error>),
}

/// Fetches a page, in the memory of one that was read.
async fn fetch_entities<E: KvEntity, S: Store>(
    list: &List<E, S>,
    cursor: Option<Cursor>,
    limit: usize,
    spent: Option<Undecoded<E::Id>>,
) -> Fetched<Undecoded<E::Id>> {
    let List { collection, prefix, max_bytes, .. } = list;
    collection.check_foreign(prefix, true)?;
    let cursor = secret::stored(collection, prefix, cursor)?;
    let (page, cursor) = if E::SCHEMA.groups.len() == 1 {
        let query = query::<E>(prefix, cursor, limit, Content::Records).with_max_bytes(*max_bytes);
        let (page, cursor) = copied(collection, &query, spent).await?;
        (Undecoded::Entries(page), cursor)
    } else {
        let found = raw::page(collection, prefix, cursor, limit, *max_bytes).await?;
        (Undecoded::Groups(found.anchors.into_iter(), found.failed.into_iter()), found.cursor)
    };
    Ok((page, secret::printable(collection, prefix, cursor)))
}

async fn copied<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    query: &ListQuery,
    spent: Option<Undecoded<E::Id>>,
) -> Fetched<PageCopy> {
    let mut page = match spent {
        Some(Undecoded::Entries(page)) => page,
        _ => PageCopy::default(),
    };
    page.clear();
    let listed = collection.store().list(query, |key, entry| page.push(key, entry)).await;
    let cursor = listed.map_err(|error| error.of_entity(E::SCHEMA.name))?;
    Ok((page, cursor))
}

impl<I> Undecoded<I> {
    /// Returns the next entity, and adds how many bytes it had.
    #[inline]
    fn next<E: KvEntity<Id = I>, S: Store>(
        &mut self,
        collection: &Collection<E, S>,
        bytes: &mut usize,
    ) -> Option<Result<E>> {
        match self {
            Self::Entries(entries) => loop {
                let (key, entry) = entries.lend_next()?;
                *bytes += key.len() + entry.value_len();
                let ListedKey::Entity(id) = id_in::<E>(key) else { continue };
                match page::listed(collection, key, id, entry) {
                    None => {}
                    Some(Ok(entity)) => return Some(Ok(entity)),
                    Some(Err(error)) => return Some(Err(*error)),
                }
            },
            Self::Groups(anchors, failed) => match anchors.next() {
                Some(anchor) => {
                    *bytes += anchor.bytes();
                    Some(page::whole(collection, anchor))
                }
                None => failed.next().map(Err),
            },
        }
    }
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
                let take = |items: &mut std::vec::IntoIter<Result<T>>, bytes: &mut usize| {
                    *bytes += size_of::<T>();
                    items.next()
                };
                let fetch = move |cursor, limit, _| {
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
