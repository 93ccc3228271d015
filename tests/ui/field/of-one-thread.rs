use std::cell::{Cell, RefCell};
use std::rc::Rc;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    visits: Cell<u64>,
    names: RefCell<Vec<String>>,
}

#[derive(KvEntity)]
#[kv(prefix = "page")]
struct Page {
    #[kv(id)]
    id: u64,
    text: Rc<str>,
}

fn main() {}
