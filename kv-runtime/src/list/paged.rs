//! A stream that fetches pages, and takes one item after the other out of them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use kv_store::__private::coop::Hold;
use kv_store::store::Cursor;
use kv_store::{MaybeSend, Result};

use super::builder::PAGE;

#[cfg(not(target_arch = "wasm32"))]
pub(super) type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(super) type BoxStream<T> = Pin<Box<dyn Stream<Item = T>>>;

/// A page, and where the next one begins. There is none after the last page.
pub(super) type Fetched<P> = Result<(P, Option<Cursor>)>;

/// Returns a stream of at most `limit` items. `fetch` gets a cursor, how many items to fetch at
/// most, and a page that was used up, whose memory it may use. `take` takes the next item out of a
/// page, and adds its number of bytes.
///
/// The stream yields before each page but the first, and when it has held the thread for long.
pub(super) fn paged<T, P, F, Fut, D>(
    limit: Option<usize>,
    cursor: Option<Cursor>,
    fetch: F,
    take: D,
) -> BoxStream<Result<T>>
where
    T: MaybeSend + 'static,
    P: MaybeSend + 'static,
    F: Fn(Option<Cursor>, usize, Option<P>) -> Fut + MaybeSend + 'static,
    Fut: Future<Output = Fetched<P>> + MaybeSend + 'static,
    D: Fn(&mut P, &mut usize) -> Option<Result<T>> + MaybeSend + 'static,
{
    Box::pin(Paged {
        fetch,
        take,
        fetching: None,
        page: None,
        spent: None,
        next: Some(cursor),
        left: limit.unwrap_or(usize::MAX),
        hold: None,
        is_due: false,
    })
}

/// It stays where it is between two items. To pass it on from item to item, as `unfold` does, costs
/// as much as to decode a small entity.
struct Paged<P, F, Fut, D> {
    fetch: F,
    take: D,
    fetching: Option<Pin<Box<Fut>>>,
    page: Option<P>,
    /// The page before, which was used up.
    spent: Option<P>,
    /// `None` after the last page; otherwise the cursor of the next one. The first page may have
    /// none.
    next: Option<Option<Cursor>>,
    /// How many items may still be returned.
    left: usize,
    /// For how long the thread has been held since other tasks ran.
    hold: Option<Hold>,
    /// Whether other tasks are to run first.
    is_due: bool,
}

// Only the box is pinned.
impl<P, F, Fut, D> Unpin for Paged<P, F, Fut, D> {}

impl<T, P, F, Fut, D> Stream for Paged<P, F, Fut, D>
where
    F: Fn(Option<Cursor>, usize, Option<P>) -> Fut,
    Fut: Future<Output = Fetched<P>>,
    D: Fn(&mut P, &mut usize) -> Option<Result<T>>,
{
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if std::mem::take(&mut this.is_due) {
                this.hold = None;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(page) = &mut this.page {
                let mut bytes = 0;
                let item = (this.take)(page, &mut bytes);
                if item.is_some() {
                    this.left = this.left.saturating_sub(1);
                    this.is_due = this.hold.get_or_insert_with(Hold::begin).is_long_after(bytes);
                    return Poll::Ready(item);
                }
                this.spent = this.page.take();
                this.is_due = this.left > 0 && this.next.is_some();
                continue;
            }
            match ready!(this.poll_page(context)) {
                Some(Ok(page)) => this.page = Some(page),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<P, F, Fut, D> Paged<P, F, Fut, D>
where
    F: Fn(Option<Cursor>, usize, Option<P>) -> Fut,
    Fut: Future<Output = Fetched<P>>,
{
    /// Fetches the next page, if there is one.
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<P>>> {
        let mut fetching = match self.fetching.take() {
            Some(fetching) => fetching,
            None => match self.next.take().filter(|_| self.left > 0) {
                Some(cursor) => {
                    self.hold = Some(Hold::begin());
                    Box::pin((self.fetch)(cursor, self.left.min(PAGE), self.spent.take()))
                }
                None => return Poll::Ready(None),
            },
        };
        match fetching.as_mut().poll(context) {
            Poll::Ready(fetched) => Poll::Ready(Some(fetched.map(|(page, cursor)| {
                self.next = cursor.map(Some);
                page
            }))),
            Poll::Pending => {
                self.fetching = Some(fetching);
                Poll::Pending
            }
        }
    }
}
