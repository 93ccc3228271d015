//! The plain map.

use std::collections::BTreeMap;
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Error, Kv, Timestamp};
use proptest::prelude::*;

use super::{Doc, GROUPS, IDS};

/// What is known of one group's record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    pub value: u8,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    /// A member of somebody else's.
    pub mark: Option<u8>,
}

/// What should be in the store.
#[derive(Default)]
pub struct Plain {
    records: BTreeMap<(&'static str, usize), Kept>,
}

/// What a read of an entity should give.
#[derive(Debug, PartialEq)]
pub enum Expected {
    Absent,
    Incomplete,
    Whole(Doc),
}

fn is_incomplete<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Incomplete { group: "needed", .. }))
}

fn after(ttl: Option<u64>, group: usize, now: Timestamp) -> Timestamp {
    now.saturating_add(Duration::from_secs(ttl.unwrap_or(GROUPS[group].1)))
}

pub fn key_text(id: &str, group: usize) -> String {
    // None of the ids has anything to escape but the separator.
    format!("doc:{}:{}", id.replace(':', "%3A"), GROUPS[group].0)
}

impl Plain {
    pub fn kept(&self, id: &'static str, group: usize, now: Timestamp) -> Option<Kept> {
        self.records.get(&(id, group)).copied().filter(|kept| kept.expires_at > now)
    }

    pub fn expected(&self, id: &'static str, now: Timestamp) -> Expected {
        let [main, needed, extra] = [0, 1, 2].map(|group| self.kept(id, group, now).map(|kept| kept.value));
        match (main, needed) {
            (None, _) => Expected::Absent,
            (Some(_), None) => Expected::Incomplete,
            (Some(main), Some(needed)) => {
                Expected::Whole(Doc::new(id, [main, needed, extra.unwrap_or_default()]))
            }
        }
    }

    /// A write of a group that looks at nothing. `ttl` is in seconds; without it the group's own.
    pub fn write(&mut self, id: &'static str, group: usize, value: u8, ttl: Option<u64>, now: Timestamp) {
        let expires_at = after(ttl, group, now);
        self.records.insert((id, group), Kept { value, expires_at, created_at: now, mark: None });
    }

    pub fn write_all(&mut self, id: &'static str, values: [u8; 3], ttl: Option<u64>, now: Timestamp) {
        for (group, value) in values.into_iter().enumerate() {
            self.write(id, group, value, ttl, now);
        }
    }

    /// An update of one group: what stands keeps its members, and its expiry unless the call has a
    /// TTL, which goes for every group that is there; what is left as it was is not written.
    pub fn update(&mut self, id: &'static str, group: usize, value: u8, ttl: Option<u64>, now: Timestamp) {
        match self.kept(id, group, now) {
            Some(kept) => drop(self.records.insert((id, group), Kept { value, ..kept })),
            None if value == 0 => {}
            None => self.write(id, group, value, ttl, now),
        }
        if ttl.is_some() {
            self.extend(id, ttl, now);
        }
    }

    /// A touch: nothing if the anchor was extended less than `interval` seconds ago.
    pub fn touch(&mut self, id: &'static str, interval: u64, now: Timestamp) {
        let Some(anchor) = self.kept(id, 0, now) else { return };
        let used = Duration::from_secs(GROUPS[0].1).saturating_sub(anchor.expires_at.saturating_since(now));
        if used >= Duration::from_secs(interval) {
            for group in 0..GROUPS.len() {
                if let Some(kept) = self.kept(id, group, now) {
                    let expires_at = kept.expires_at.max(after(None, group, now));
                    self.records.insert((id, group), Kept { expires_at, ..kept });
                }
            }
        }
    }

    fn extend(&mut self, id: &'static str, ttl: Option<u64>, now: Timestamp) {
        for group in 0..GROUPS.len() {
            if let Some(kept) = self.kept(id, group, now) {
                self.records.insert((id, group), Kept { expires_at: after(ttl, group, now), ..kept });
            }
        }
    }

    pub fn mark(&mut self, id: &'static str, group: usize, mark: u8) {
        if let Some(kept) = self.records.get_mut(&(id, group)) {
            kept.mark = Some(mark);
        }
    }

    pub fn lose(&mut self, id: &'static str, group: usize) {
        self.records.remove(&(id, group));
    }

    pub fn delete(&mut self, id: &'static str) {
        self.records.retain(|(kept, _), _| *kept != id);
    }

    /// Checks everything that can be read.
    pub async fn assert_is<S: AtomicStore>(&self, kv: &Kv<S>, now: Timestamp) -> Result<(), TestCaseError> {
        let docs = kv.collection::<Doc>();
        for id in IDS {
            for group in 0..GROUPS.len() {
                let head = kv.store().head(&Key::from_text(key_text(id, group))).await.map_err(failed)?;
                let found = head.map(|head| {
                    let mark = head.metadata.foreign("mark").and_then(|mark| mark.as_u64());
                    (head.expires_at, head.metadata.created_at, mark)
                });
                let kept = self.kept(id, group, now);
                let expected =
                    kept.map(|it| (Some(it.expires_at), Some(it.created_at), it.mark.map(u64::from)));
                prop_assert_eq!(found, expected, "{}", key_text(id, group));
            }
            let expected = self.expected(id, now);
            prop_assert_eq!(docs.exists(id).await.map_err(failed)?, expected != Expected::Absent);
            let found = docs.get(id).await;
            match expected {
                Expected::Incomplete => prop_assert!(is_incomplete(&found), "{:?} is {:?}", id, found),
                Expected::Absent => prop_assert_eq!(found.map_err(failed)?, None),
                Expected::Whole(doc) => prop_assert_eq!(found.map_err(failed)?, Some(doc)),
            }
        }
        let found = docs.get_many(IDS).await;
        let expected = IDS.map(|id| self.expected(id, now));
        if expected.contains(&Expected::Incomplete) {
            prop_assert!(is_incomplete(&found), "{:?}", found);
        } else {
            let expected = expected.map(|it| if let Expected::Whole(doc) = it { Some(doc) } else { None });
            prop_assert_eq!(found.map_err(failed)?, expected);
        }
        Ok(())
    }

    /// Checks a list by pages of this limit.
    pub async fn assert_lists<S: AtomicStore>(
        &self,
        kv: &Kv<S>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        let docs = kv.collection::<Doc>();
        let mut ids = IDS.to_vec();
        ids.sort_by_key(|id| key_text(id, 0));
        ids.retain(|id| self.expected(id, now) != Expected::Absent);
        let whole: Vec<Doc> = ids
            .iter()
            .filter_map(|id| if let Expected::Whole(doc) = self.expected(id, now) { Some(doc) } else { None })
            .collect();

        let (mut found, mut incomplete, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = docs.list().limit(limit).cursor(cursor).page().await.map_err(failed)?;
            prop_assert!(page.entities.len() + page.failed.len() <= limit);
            prop_assert_eq!(page.skipped, 0);
            incomplete += page.failed.len();
            found.extend(page.entities);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        prop_assert_eq!(&found, &whole);
        prop_assert_eq!(incomplete, ids.len() - whole.len());

        let mut stream = docs.list().limit(limit).ids().stream();
        let mut streamed = Vec::new();
        while let Some(id) = stream.next().await {
            streamed.push(id.map_err(failed)?);
        }
        ids.truncate(limit);
        prop_assert_eq!(streamed, ids);

        let census = docs.census().await.map_err(failed)?;
        for (group, counted) in census.groups.iter().enumerate() {
            let there = IDS.iter().filter(|id| self.kept(id, group, now).is_some()).count() as u64;
            prop_assert_eq!(counted.versions.values().sum::<u64>(), there, "{:?}", counted);
        }
        Ok(())
    }
}

pub fn failed(error: Error) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}
