//! What the service stores is what was released: a changed struct needs a version and a step.

#[path = "../src/model.rs"]
#[allow(dead_code, reason = "only its schema is tested")]
mod model;

use kv_runtime::schema::LockError;

#[test]
fn the_schema_is_what_was_released() -> Result<(), LockError> {
    model::Schema::schema().check_lock(concat!(env!("CARGO_MANIFEST_DIR"), "/kv-schema.lock"))
}
