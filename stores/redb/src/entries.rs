//! Pages of index entries, which are keys of the table of records.

use kv_store::__private::is_empty_range;
use kv_store::store::{EntryPage, EntryQuery};
use kv_store::{Location, Result};

use super::NAME;
use super::list::SCANNED_BY_PAGE;
use super::read::{Reader, Records};

impl Reader {
    /// Returns a page, which is short enough to be read without a yield.
    pub(super) async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let at = || Location::of(NAME, &query.index);
        let records = self.records(at, "list").await?;
        let mut page = self.damage.reading(at, "list", || {
            self.page(&records, query).map_err(|error| self.damage.failed(at(), "list", error))
        })?;
        // Of the same snapshot.
        if let Some(key) = &query.also {
            page.also = self.one_of(&records, key)?;
        }
        Ok(page)
    }

    fn page(&self, records: &Records, query: &EntryQuery) -> Result<EntryPage, redb::Error> {
        let mut page = EntryPage::new();
        let (from, to) = (query.from.as_ref(), query.to.as_ref());
        if is_empty_range(from, to) {
            return Ok(page);
        }
        let mut range = records.range::<&str>((from.map(String::as_str), to.map(String::as_str)))?;
        let mut next = || if query.is_reverse { range.next_back() } else { range.next() };
        let limit = query.limit.min(SCANNED_BY_PAGE);
        while let Some(found) = next() {
            let (key, value) = found?;
            // A record of a unique index, which was one before.
            if !value.value().is_empty() {
                continue;
            }
            if page.len() == limit {
                page.end_at_last();
                break;
            }
            page.push(key.value());
        }
        Ok(page)
    }
}
