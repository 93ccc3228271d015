//! Lists of a binding, and heads, which come from lists.

use kv_store::__private::json::json_of_text;
use kv_store::key::Key;
use kv_store::record::Head;
use kv_store::store::{Content, Cursor, Entry, ListPage, ListQuery};
use kv_store::{Error, Location, Result};
use serde_json::Value;

use super::binding::Listed;
use super::failure::Failure;
use super::store::{WorkersStore, read, read_head};
use super::{BATCH_READ, NAME, PAGE};
use crate::record::Expiration;

/// The most pages without a key that are followed to find one. Each costs a call.
const EMPTY_PAGES: usize = 64;

/// Where a list goes on: a page of KV's, and the last key of it that was looked at.
#[derive(Default)]
struct Position {
    server: Option<String>,
    after: Option<String>,
}

impl WorkersStore {
    /// One list, and for whole records one read: of each page of KV's as many keys as the query
    /// asks for, and as few as their values leave room for.
    pub(super) async fn list_page(&self, query: &ListQuery) -> Result<ListPage> {
        let Position { server, after } = self.open(query)?;
        let most = if query.content() == Content::Records { BATCH_READ } else { PAGE };
        let most = query.limit().min(most);
        // A list of a thousand keys costs what a list of one does. So where other groups are left
        // out, or a part was shown before, it asks for all that it can get.
        let is_part = query.suffix().is_some() || after.is_some();
        let asked = if is_part { PAGE } else { most };
        let (listed, next) = self.binding.list(query.prefix(), server.as_deref(), asked).await?;
        let mut next = next.map(|server| Position { server: Some(server), after: None });
        let is_new = |listed: &Listed| {
            let seen = after.as_deref().is_some_and(|after| listed.name.as_str() <= after);
            !seen && query.matches(&listed.name)
        };
        let mut on_page: Vec<Listed> = listed.into_iter().filter(is_new).collect();
        if on_page.len() > most {
            on_page.truncate(most);
            let after = on_page.last().map(|last| last.name.clone());
            next = Some(Position { server: server.clone(), after });
        }
        let mut page = ListPage::with_capacity(on_page.len());
        match query.content() {
            content @ (Content::Keys | Content::Heads) => {
                self.push_heads(query.prefix(), content, on_page, &mut page);
            }
            // `Content::Records`, and any part that this store cannot return alone.
            _ => {
                if let Some(after) = self.push_records(query, on_page, &mut page).await? {
                    next = Some(Position { server, after: Some(after) });
                }
            }
        }
        page.cursor = next.map(|position| self.seal(query, &position));
        Ok(page)
    }

    /// The entry of each key that a list shows whole. Value and metadata come from one read; the
    /// expiry, which no read tells, is the list's unless the metadata has changed since. Returns the
    /// last key that was read, if the values left no room for the others.
    async fn push_records(
        &self,
        query: &ListQuery,
        listed: Vec<Listed>,
        page: &mut ListPage,
    ) -> Result<Option<String>> {
        let prefix = query.prefix();
        let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
        let at = |_: &str| Location::of(NAME, prefix);
        let (mut found, count) = self.binding.get_many(&names, query.max_bytes(), &at).await?;
        let is_cut = count < listed.len();
        let (now, mut last) = (self.info.clock().now(), None);
        for Listed { name, metadata, expiration } in listed.into_iter().take(count) {
            if let Some(mut found) = found.remove(&name) {
                if found.metadata == metadata {
                    found.expiration = expiration.map_or(Expiration::Never, Expiration::At);
                }
                show(page, &name, read(prefix, found, now), Entry::Record);
            }
            last = Some(name);
        }
        Ok(last.filter(|_| is_cut))
    }

    /// The entry of each key of which a list shows no value.
    fn push_heads(&self, prefix: &Key, content: Content, listed: Vec<Listed>, page: &mut ListPage) {
        let now = self.info.clock().now();
        for Listed { name, metadata, expiration } in listed {
            let head = read_head(prefix, metadata, expiration, now);
            show(
                page,
                &name,
                head,
                |head| {
                    if content == Content::Keys { Entry::Key } else { Entry::Head(head) }
                },
            );
        }
    }

    /// The head of one key, by a list, which alone tells when the server forgets the record. No key
    /// that begins with this one comes before it.
    pub(super) async fn listed_head(&self, key: &Key) -> Result<Option<Head>> {
        let mut server = None;
        for _ in 0..EMPTY_PAGES {
            let (listed, next) = self.binding.list(key, server.as_deref(), 1).await?;
            match (listed.into_iter().next(), next) {
                (Some(Listed { name, metadata, expiration }), _) if name == key.as_str() => {
                    return read_head(key, metadata, expiration, self.info.clock().now());
                }
                // A page may be empty and yet have a successor, where keys have gone.
                (None, Some(next)) => server = Some(next),
                _ => return Ok(None),
            }
        }
        Err(Failure::endless().of("read", Location::of(NAME, key)))
    }

    /// A cursor is bound to the namespace, too.
    fn seal(&self, query: &ListQuery, Position { server, after }: &Position) -> Cursor {
        let parts = [Some(&self.name), server.as_ref(), after.as_ref()];
        let parts = parts.map(|part| part.map_or(Value::Null, |part| part.as_str().into()));
        query.cursor_at(&Value::from(parts.to_vec()).to_string())
    }

    fn open(&self, query: &ListQuery) -> Result<Position> {
        let Some(position) = query.position(NAME)? else { return Ok(Position::default()) };
        let parts: Option<(String, Option<String>, Option<String>)> = json_of_text(position).ok();
        match parts {
            Some((name, server, after)) if name == self.name => Ok(Position { server, after }),
            _ => Err(Error::InvalidCursor { at: Location::of(NAME, query.prefix()) }),
        }
    }
}

/// Nothing of an expired record, and the error of one that cannot be read.
fn show<T>(page: &mut ListPage, name: &str, read: Result<Option<T>>, entry: impl FnOnce(T) -> Entry) {
    match read {
        Ok(Some(read)) => page.push(name, entry(read)),
        Ok(None) => {}
        Err(error) => page.push(name, Entry::Failed(error)),
    }
}
