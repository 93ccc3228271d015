//! The Worker's side: the store of a Durable Object, over its stub.

mod batch;
mod lost;

use std::fmt;
use std::rc::Rc;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery, Store, StoreInfo, Write,
};
use kv_store::{Clock, Error, Location, MaybeSend, Result, Timer};
use worker::js_sys::{Function, JsString, Object, Promise, Reflect, Uint8Array};
use worker::send::SendWrapper;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, ObjectNamespace, Stub, web_sys};

use super::message::{Change, Check, Range, Request, Response};
use super::serve::PATH;
use super::shards::Shards;
use super::{CAPABILITIES, NAME, answer};
use lost::Lost;

/// Records in Durable Objects, used from a Worker (feature `durable-objects`, on wasm32 alone).
///
/// Each call is one request to an object, which answers it by
/// [`DurableStore::serve`](super::DurableStore::serve). [`Shards`] says which object holds a key.
///
/// - A commit whose keys are in several objects is [`Error::Unsupported`], and nothing is sent. So
///   is a list whose prefix does not say which object holds it.
/// - A batched read or write is a request for each of its objects, six at a time. It is of one
///   moment, or all or nothing, with [`Shards::one`].
/// - `update` reads and commits: two requests, and two more for each race that it loses. Where
///   many requests change one record, let the object do it, with a
///   [`DurableStore`](super::DurableStore).
/// - A read that fails is retryable if the runtime says so. A write that fails on its way is
///   [`Error::OutcomeUnknown`].
///
/// ```ignore
/// let users = DurableClient::new(&env, "USERS", Shards::by_segments(2))?; // `user:123` is an object
/// let users = Kv::new(users).collection::<User>();
/// users.insert(&User { id: 123, name: "Ada".to_owned() }).await?;
/// ```
#[derive(Clone)]
pub struct DurableClient(SendWrapper<Rc<Shared>>);

struct Shared {
    objects: ObjectNamespace,
    shards: Shards,
    info: StoreInfo,
}

impl DurableClient {
    /// The objects of the class that the Worker's configuration binds to this name.
    ///
    /// A binding that is not there is [`Error::InvalidOptions`].
    pub fn new(env: &Env, binding: &str, shards: Shards) -> Result<Self> {
        Self::with_clock(env, binding, shards, Clock::system().with_timer(Timer::new(worker::Delay::from)))
    }

    /// The same, by this clock, for what the Worker itself dates. Records expire by the clock of
    /// the object.
    pub fn with_clock(env: &Env, binding: &str, shards: Shards, clock: Clock) -> Result<Self> {
        let objects = env.durable_object(binding).map_err(|_| {
            let what =
                format!("the Worker's configuration binds no Durable Object as `{binding}`; add it there");
            Error::InvalidOptions { at: Location::store(NAME), what: what.into() }
        })?;
        let capabilities = match shards.is_one() {
            true => CAPABILITIES.snapshot_reads().atomic_batches(),
            false => CAPABILITIES,
        };
        let info = StoreInfo::new(NAME, capabilities).with_clock(clock);
        Ok(Self(SendWrapper::new(Rc::new(Shared { objects, shards, info }))))
    }

    /// Sends a call to the object of this name.
    async fn call(&self, object: &str, request: &Request) -> Result<Response, Lost> {
        let stub = self.0.objects.id_from_name(object).and_then(|id| id.get_stub());
        let stub = stub.map_err(Lost::unsent)?;
        let (status, body) = fetch(stub, &request.to_bytes()).await.map_err(Lost::thrown)?;
        if status != 200 {
            return Err(Lost::status(status));
        }
        Response::from_bytes(&body).map_err(|_| Lost::unreadable())
    }

    async fn write_one(&self, write: Write) -> Result<()> {
        let at = Location::of(NAME, write.key());
        let change = Change::of(write)?;
        let object = self.0.shards.of_key(&change.key);
        match self.call(&object, &Request::Write(vec![change])).await {
            Ok(response) => answer::done(response, || at),
            Err(lost) => Err(lost.of_write("write", at)),
        }
    }

    /// The object that holds all of these keys.
    fn object_of<'k>(&self, mut keys: impl Iterator<Item = &'k Key>) -> Result<Option<String>> {
        let Some(first) = keys.next() else { return Ok(None) };
        let object = self.0.shards.of_key(first.as_str());
        match keys.find(|key| self.0.shards.of_key(key.as_str()) != object) {
            Some(other) => Err(Error::Unsupported {
                at: Location::of(NAME, other),
                capability: "a commit of keys in several objects; choose shards that keep together what changes together",
            }),
            None => Ok(Some(object)),
        }
    }
}

/// Sends a request to an object, and returns the answer's status and body.
///
/// The `worker` crate's `Request` and `Response` would bring Cloudflare's properties of requests and
/// streams of bodies, which are of no use here, into the Worker's wasm.
async fn fetch(stub: Stub, body: &[u8]) -> Result<(u16, Vec<u8>), JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(body));
    let stub = stub.into_rpc::<Object>();
    let fetch: Function = Reflect::get(&stub, &"fetch".into())?.dyn_into()?;
    // An object is found by its name, so the host says nothing.
    let url = JsString::from(format!("https://object{PATH}"));
    let promise = fetch.call2(&stub, &url, &init)?;
    let response: web_sys::Response = JsFuture::from(Promise::resolve(&promise)).await?.dyn_into()?;
    let body = JsFuture::from(response.array_buffer()?).await?;
    Ok((response.status(), Uint8Array::new(&body).to_vec()))
}

impl fmt::Debug for DurableClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableClient").field("shards", &self.0.shards).finish_non_exhaustive()
    }
}

impl Store for DurableClient {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        let object = self.0.shards.of_key(key.as_str());
        let request = Request::Get(vec![key.as_str().to_owned()]);
        let response = self.call(&object, &request).await;
        let response = response.map_err(|lost| lost.of_read("read", Location::of(NAME, key)))?;
        Ok(answer::records(response, &[key])?.pop().flatten())
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        self.read_batch(keys).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let mut writes = batch.into_vec();
        if writes.len() > 1 {
            return self.write_batch(writes).await;
        }
        match writes.pop() {
            Some(write) => self.write_one(write).await,
            None => Ok(()),
        }
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let keys = conditions.iter().map(|condition| &condition.key).chain(batch.iter().map(Write::key));
        let Some(object) = self.object_of(keys)? else { return Ok(Commit::Done) };
        let key = batch.first().map(Write::key).or(conditions.first().map(|condition| &condition.key));
        let at = self.0.info.at(key);
        let changes_nothing = batch.is_empty();
        let request = Request::Commit(Check::all(conditions), Change::all(batch)?);
        match self.call(&object, &request).await {
            Ok(response) => answer::commit(response, || at),
            Err(lost) if changes_nothing => Err(lost.of_read("commit", at)),
            Err(lost) => Err(lost.of_write("commit", at)),
        }
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let at = || Location::of(NAME, query.prefix());
        let Some(object) = self.0.shards.of_prefix(query.prefix().as_str()) else {
            let capability = "a list over several objects; give a prefix that is in one of them";
            return Err(Error::Unsupported { at: at(), capability });
        };
        let response = self.call(&object, &Request::List(Range::of(query)?)).await;
        let page = answer::page(response.map_err(|lost| lost.of_read("list", at()))?, query)?;
        Ok(page.lend(each).await)
    }
}

impl AtomicStore for DurableClient {}
