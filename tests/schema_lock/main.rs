//! The schema lock: what is caught, with which words, and what may be recorded.
//!
//! Each case has the same entity twice, as it was released (`v1`) and as it is today (`v2`), and
//! compares the one's lock with the other's schema.

mod changes;
mod committed;
mod file;
mod groups;
mod indexes;
mod keys;
mod nested;
mod plain;
mod previous;

use kv_runtime::schema::{Difference, Effect, Lock, Schema};

/// In what today's schema differs from the one that was released.
pub fn between(released: &Schema, today: &Schema) -> Vec<Difference> {
    today.compare(&Lock::of(released))
}

/// Returns the one difference: its effect, its text, and how to resolve it.
#[track_caller]
pub fn only(released: &Schema, today: &Schema) -> (Effect, String, String) {
    let mut differences = between(released, today);
    assert_eq!(differences.len(), 1, "{differences:#?}");
    let Difference { effect, what, mend, .. } = differences.remove(0);
    (effect, what, mend)
}

/// An entity of this form twice, as two applications.
#[macro_export]
macro_rules! releases {
    (released { $($released:item)* } today { $($today:item)* }) => {
        #[allow(dead_code)]
        mod v1 {
            use kv_runtime::KvEntity;
            #[allow(unused_imports)]
            use serde::{Deserialize, Serialize};
            $($released)*
            kv_runtime::schema! { pub App: User }
        }
        #[allow(dead_code)]
        mod v2 {
            use kv_runtime::KvEntity;
            #[allow(unused_imports)]
            use serde::{Deserialize, Serialize};
            $($today)*
            kv_runtime::schema! { pub App: User }
        }
    };
}
