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
/// The stream yields after pages of [`PAGE`] items in all, after a page without items, and when it
/// has held the thread for long.
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
        of_page: 0,
        since_yield: 0,
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
    /// How many items the page had, up to here.
    of_page: usize,
    /// How many items there were since other tasks ran.
    since_yield: usize,
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
                (this.hold, this.since_yield) = (None, 0);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(page) = &mut this.page {
                let mut bytes = 0;
                let item = (this.take)(page, &mut bytes);
                if item.is_some() {
                    this.left = this.left.saturating_sub(1);
                    this.of_page += 1;
                    this.is_due = this.hold.get_or_insert_with(Hold::begin).is_long_after(bytes);
                    return Poll::Ready(item);
                }
                this.spent = this.page.take();
                let of_page = std::mem::take(&mut this.of_page);
                this.since_yield += of_page;
                this.is_due = this.has_more() && (of_page == 0 || this.since_yield >= PAGE);
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
    fn has_more(&self) -> bool {
        self.left > 0 && self.next.is_some()
    }

    /// Fetches the next page, if there is one.
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<P>>> {
        let mut fetching = match self.fetching.take() {
            Some(fetching) => fetching,
            None => match self.next.take().filter(|_| self.left > 0) {
                Some(cursor) => {
                    self.hold.get_or_insert_with(Hold::begin);
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::Waker;

    use kv_store::Error;
    use kv_store::store::ListQuery;

    use super::*;

    /// What `fetch` was asked for: how many items, and the page whose memory it may use.
    type Asked = Arc<Mutex<Vec<(usize, Option<Vec<usize>>)>>>;

    /// A stream over pages of so many items. The page of `None` fails.
    fn over(pages: &[Option<usize>], limit: Option<usize>) -> (BoxStream<Result<usize>>, Asked) {
        let asked = Asked::default();
        let (pages, seen) = (pages.to_vec(), Arc::clone(&asked));
        let fetch = move |_, limit, spent| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((limit, spent));
            let (at, len) = (seen.len(), pages.get(seen.len() - 1).copied().flatten());
            let is_last = at == pages.len();
            async move {
                let len = len.ok_or_else(|| Error::InvalidCursor { at: Box::default() })?;
                let query = ListQuery::new(kv_store::key::Key::from_text("x:"));
                Ok(((0..len.min(limit)).collect(), (!is_last).then(|| query.cursor_at("x:1"))))
            }
        };
        (paged(limit, None, fetch, |page: &mut Vec<usize>, _: &mut usize| page.pop().map(Ok)), asked)
    }

    /// How many items there were before each yield, and in the end; and how many errors.
    fn drained(mut stream: BoxStream<Result<usize>>) -> (Vec<usize>, usize) {
        let (mut context, mut items, mut failed) = (Context::from_waker(Waker::noop()), vec![0], 0);
        loop {
            match stream.as_mut().poll_next(&mut context) {
                Poll::Ready(Some(Ok(_))) => {
                    if let Some(last) = items.last_mut() {
                        *last += 1;
                    }
                }
                Poll::Ready(Some(Err(_))) => failed += 1,
                Poll::Ready(None) => return (items, failed),
                Poll::Pending => items.push(0),
            }
        }
    }

    #[test]
    fn it_yields_after_a_thousand_items_and_after_an_empty_page() {
        let (stream, _) = over(&[Some(400), Some(400), Some(400), Some(400)], None);
        assert_eq!(drained(stream), (vec![1_200, 400], 0));
        let (stream, _) = over(&[Some(0), Some(0), Some(7)], None);
        assert_eq!(drained(stream), (vec![0, 0, 7], 0));
    }

    #[test]
    fn it_does_not_yield_before_its_end() {
        let (stream, _) = over(&[Some(7), Some(0)], None);
        assert_eq!(drained(stream), (vec![7], 0));
        let (stream, _) = over(&[Some(600), Some(600), Some(600)], Some(1_200));
        assert_eq!(drained(stream), (vec![1_200], 0));
    }

    #[test]
    fn the_limit_is_asked_for_and_kept() {
        let (stream, asked) = over(&[Some(400), Some(400), Some(400)], Some(500));
        assert_eq!(drained(stream), (vec![500], 0));
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(asked.iter().map(|(limit, _)| *limit).collect::<Vec<_>>(), [500, 100]);
        let (stream, _) = over(&[Some(4)], Some(0));
        assert_eq!(drained(stream), (vec![0], 0));
    }

    #[test]
    fn a_page_that_was_used_up_is_given_back() {
        let (stream, asked) = over(&[Some(4), Some(4)], None);
        drained(stream);
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let spent: Vec<_> = asked.iter().map(|(_, spent)| spent.as_ref().map(Vec::capacity)).collect();
        assert_eq!(spent, [None, Some(4)]);
    }

    #[test]
    fn an_error_of_the_store_is_the_last_item() {
        let (stream, _) = over(&[Some(4), None, Some(4)], None);
        assert_eq!(drained(stream), (vec![4], 1));
        let (mut stream, _) = over(&[None, Some(4)], None);
        let mut context = Context::from_waker(Waker::noop());
        let mut next = || pin!(&mut stream).poll_next(&mut context);
        assert!(matches!(next(), Poll::Ready(Some(Err(_)))));
        assert!(matches!(next(), Poll::Ready(None)));
    }
}
