//! Lists: keys with metadata, 1,000 a page; values, where they are asked for, by reads of their
//! own.

use kv_store::key::Key;
use kv_store::record::{Head, Record};
use kv_store::store::{Content, Cursor, Entry, ListPage, ListQuery};
use kv_store::{Error, Location, Result, Timestamp};
use serde_json::Value;

use super::super::record::read_head;
use super::NAME;
use super::client::{Request, escape};
use super::failure::{Cause, Failure};
use super::read::ReadLocation;
use super::reply::{ListedKey, seconds};
use super::shared::Shared;

/// As few and as many keys as a request may ask for.
const LEAST_OF_PAGE: usize = 10;
const MOST_OF_PAGE: usize = 1_000;

/// Of a list that leaves out other groups so many more are asked for.
const GROUPS: usize = 4;

/// How many values a page reads before it knows how large they are.
const FIRST_READ: usize = 16;

/// The most pages without a key that are followed to find one.
const EMPTY_PAGES: usize = 64;

/// Where a list goes on: a page of the server's, and the last key of it that was looked at. The
/// server takes no limit below 10, and nothing but its own cursors.
#[derive(Default)]
struct Position {
    server: String,
    after: Option<String>,
}

struct Listed {
    keys: Vec<ListedKey>,
    /// None at the end.
    cursor: Option<String>,
}

impl Shared {
    pub(super) async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let Position { server, after } = self.open(query)?;
        let asked = query.limit().saturating_mul(if query.suffix().is_some() { GROUPS } else { 1 });
        let listed = self.keys(query.prefix(), asked.clamp(LEAST_OF_PAGE, MOST_OF_PAGE), &server).await;
        let listed = listed.map_err(|failure| {
            let at = Location::of(NAME, query.prefix());
            // Of all that the request holds, the cursor alone was not made here.
            let of_cursor = !server.is_empty() && failure.cause.is_bad_request();
            if of_cursor { Error::InvalidCursor { at } } else { failure.of_read(at, "list") }
        })?;
        let now = self.client.clock.now();
        let mut on_page: Vec<(String, Result<Head>)> = Vec::new();
        let (mut last, mut cursor) =
            (after.clone(), listed.cursor.map(|server| Position { server, after: None }));
        for listed in listed.keys {
            let seen = after.as_deref().is_some_and(|after| listed.name.as_str() <= after);
            if seen || !query.matches(&listed.name) {
                continue;
            }
            let (name, Some(head)) = head_of(listed, query.prefix(), now) else { continue };
            if on_page.len() == query.limit() {
                cursor = Some(Position { server: server.clone(), after: last });
                break;
            }
            last = Some(name.clone());
            on_page.push((name, head));
        }
        let (mut page, is_cut) = self.page(query, on_page).await?;
        if let Some(after) = is_cut {
            cursor = Some(Position { server, after: Some(after) });
        }
        page.cursor = cursor.map(|position| self.seal(query, &position));
        Ok(page)
    }

    /// The page, and the last key that it shows if its values left no room for the others.
    async fn page(
        &self,
        query: &ListQuery,
        on_page: Vec<(String, Result<Head>)>,
    ) -> Result<(ListPage, Option<String>)> {
        let mut page = ListPage::with_capacity(on_page.len());
        match query.content() {
            Content::Keys => on_page.iter().for_each(|(name, _)| page.push(name, Entry::Key)),
            Content::Heads => {
                for (name, head) in on_page {
                    page.push(&name, head.map_or_else(Entry::Failed, Entry::Head));
                }
            }
            // `Content::Records`, and any part that this store cannot return alone.
            _ => return self.records(query, on_page, page).await,
        }
        Ok((page, None))
    }

    /// Reads the values in parts that grow, since only the values read tell how many of the others
    /// have room.
    async fn records(
        &self,
        query: &ListQuery,
        on_page: Vec<(String, Result<Head>)>,
        mut page: ListPage,
    ) -> Result<(ListPage, Option<String>)> {
        let (mut rest, mut bytes, mut part) = (on_page.as_slice(), 0_usize, FIRST_READ);
        while !rest.is_empty() {
            let (first, behind) = rest.split_at(part.min(rest.len()));
            let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
            let records = self.read(&names, ReadLocation::Under(query.prefix())).await?;
            for ((name, head), record) in first.iter().zip(records) {
                bytes = bytes.saturating_add(name.len());
                match record {
                    Ok(Some(record)) => {
                        bytes = bytes.saturating_add(record.value.len());
                        page.push(name, Entry::Record(with_expiry(record, head)));
                    }
                    // It went between the list and the read.
                    Ok(None) => {}
                    Err(error) => page.push(name, Entry::Failed(error)),
                }
            }
            if bytes >= query.max_bytes() && !behind.is_empty() {
                return Ok((page, first.last().map(|(name, _)| name.clone())));
            }
            let read = on_page.len() - behind.len();
            part = (query.max_bytes().saturating_sub(bytes) / (bytes / read).max(1)).max(1);
            rest = behind;
        }
        Ok((page, None))
    }

    /// The head of one key: the first of the list of those that begin with it.
    pub(super) async fn head(&self, key: &Key) -> Result<Option<Head>> {
        let failed = |failure: Failure| failure.of_read(Location::of(NAME, key), "read");
        let mut server = String::new();
        for _ in 0..EMPTY_PAGES {
            let listed = self.keys(key, LEAST_OF_PAGE, &server).await.map_err(failed)?;
            let is_empty = listed.keys.is_empty();
            if let Some(found) = listed.keys.into_iter().find(|it| it.name == key.as_str()) {
                return head_of(found, key, self.client.clock.now()).1.transpose();
            }
            // A page may be empty and yet have a successor, where keys have gone.
            match listed.cursor {
                Some(cursor) if is_empty => server = cursor,
                _ => return Ok(None),
            }
        }
        Err(failed(Failure::unsent(Cause::NoAnswer("a list has one empty page after the other"))))
    }

    async fn keys(&self, prefix: &Key, limit: usize, cursor: &str) -> Result<Listed, Failure> {
        let mut path = format!("keys?limit={limit}&prefix={}", escape(prefix.as_str()));
        if !cursor.is_empty() {
            path.push_str("&cursor=");
            path.push_str(&escape(cursor));
        }
        let request = Request::get(path).secret(true);
        let envelope = self.client.envelope::<Vec<ListedKey>>(&request).await?;
        let keys = envelope.result.ok_or(Failure::unsent(Cause::NoAnswer("it has no result")))?;
        let cursor = envelope.result_info.and_then(|info| info.cursor).filter(|cursor| !cursor.is_empty());
        Ok(Listed { keys, cursor })
    }

    /// A cursor is bound to the namespace, too.
    fn seal(&self, query: &ListQuery, position: &Position) -> Cursor {
        let parts =
            [self.namespace.as_str(), &position.server, position.after.as_deref().unwrap_or_default()];
        query.cursor_at(&Value::from(parts.map(Value::from).to_vec()).to_string())
    }

    fn open(&self, query: &ListQuery) -> Result<Position> {
        let Some(position) = query.position(NAME)? else { return Ok(Position::default()) };
        let parts: Option<[String; 3]> = serde_json::from_str(position).ok();
        match parts {
            Some([namespace, server, after]) if namespace == self.namespace => {
                Ok(Position { server, after: Some(after).filter(|after| !after.is_empty()) })
            }
            _ => Err(Error::InvalidCursor { at: Location::of(NAME, query.prefix()) }),
        }
    }
}

/// A listed key's head; none if it has expired.
fn head_of(listed: ListedKey, at: &Key, now: Timestamp) -> (String, Option<Result<Head>>) {
    let expiration = listed.expiration.as_ref().map(seconds);
    let head = read_head(listed.metadata, expiration, now, &|| Location::of(NAME, at)).transpose();
    (listed.name, head)
}

/// Adds the expiry from the list to a record whose read lacks it, if both seem to be of the same
/// write.
fn with_expiry(mut record: Record, head: &Result<Head>) -> Record {
    if let Ok(head) = head
        && !record.expiry_known
        && head.metadata == record.metadata
    {
        record.expires_at = head.expires_at;
        record.expiry_known = true;
    }
    record
}
