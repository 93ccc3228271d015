//! What a pass over the server found beyond its page, kept for the pages that follow.
//!
//! It only saves time: a page that finds nothing here makes another pass. It belongs to the list
//! that began with that pass. Another list may have begun later, and would miss a key that was
//! written after the pass.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kv_store::store::ListQuery;
use kv_store::{Clock, Timestamp};

use super::candidates::{Candidates, Position};
use crate::key_format::FoundKey;

/// How many lists are remembered, and for how long after their last page.
const MOST_LISTS: usize = 4;
const KEPT_FOR: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Remainders(Mutex<VecDeque<Remainder>>);

struct Remainder {
    id: u64,
    prefix: Box<str>,
    suffix: Option<Box<str>>,
    keys: Arc<[FoundKey]>,
    more: bool,
    last: Option<String>,
    used_at: Timestamp,
}

impl Remainders {
    /// What is left behind the position, if its list is remembered.
    pub(super) fn take_up(
        &self,
        query: &ListQuery,
        position: &Position<'_>,
        clock: &Clock,
    ) -> Option<Candidates> {
        let now = clock.now();
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|list| now.saturating_since(list.used_at) < KEPT_FOR);
        let list = lists.iter_mut().find(|list| {
            list.id == position.remainder
                && *list.prefix == *query.prefix().as_str()
                && list.suffix.as_deref() == query.suffix()
        })?;
        list.used_at = now;
        let (keys, more, last) = (Arc::clone(&list.keys), list.more, list.last.clone());
        drop(lists);
        let from = keys.partition_point(|found| *found.text <= *position.after);
        let rest = keys.get(from..)?;
        let taken = rest.get(..query.limit()).unwrap_or(rest);
        let (is_all, more) = (taken.len() == rest.len(), more || taken.len() < rest.len());
        let last = if is_all { last } else { taken.last().map(|found| found.text.clone()) };
        let keys = taken.to_vec();
        (!keys.is_empty()).then_some(Candidates { keys, more, last, remainder: position.remainder })
    }

    /// Keeps candidates whose first were shown.
    pub(super) fn keep(&self, query: &ListQuery, candidates: Candidates, clock: &Clock) {
        let Candidates { keys, more, last, remainder: id } = candidates;
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.iter().any(|list| list.id == id) {
            return;
        }
        lists.push_back(Remainder {
            id,
            prefix: query.prefix().as_str().into(),
            suffix: query.suffix().map(Into::into),
            keys: keys.into(),
            more,
            last,
            used_at: clock.now(),
        });
        if lists.len() > MOST_LISTS {
            lists.pop_front();
        }
    }
}
