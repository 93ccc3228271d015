//! The object's alarm, which removes what has expired.

use std::cell::Cell;

use kv_store::Timestamp;
use worker::js_sys::{Function, Promise, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use super::sweep;
use super::table::Table;

#[derive(Default)]
pub(super) struct Alarm {
    /// When the alarm goes off, as far as this object has set it since it was loaded.
    set_for: Cell<Option<Timestamp>>,
}

impl Alarm {
    /// Sets the alarm after a write of something that expires, unless one is set that goes off in
    /// time. The runtime makes it durable together with the write.
    pub(super) async fn follow(&self, table: &Table, now: Timestamp) -> Result<(), JsValue> {
        if let Some(set_for) = self.set_for.get()
            && set_for > now
        {
            return Ok(());
        }
        self.set(table, now).await
    }

    /// Sets the alarm for the first record that expires. The alarm of an earlier run of the object
    /// is replaced: it was set by the same rule.
    pub(super) async fn set(&self, table: &Table, now: Timestamp) -> Result<(), JsValue> {
        self.set_for.set(None);
        let first = table.first_expiry().map_err(|failure| JsValue::from_str(&failure.message))?;
        let Some(first) = first else { return Ok(()) };
        let next = sweep::next(first, now);
        let storage: &JsValue = table.storage().as_raw().as_ref();
        let set_alarm: Function = Reflect::get(storage, &"setAlarm".into())?.dyn_into()?;
        let set = set_alarm.call1(storage, &JsValue::from_f64(next.as_millis() as f64))?;
        self.set_for.set(Some(next));
        if let Err(error) = JsFuture::from(Promise::resolve(&set)).await {
            self.set_for.set(None);
            return Err(error);
        }
        Ok(())
    }
}
