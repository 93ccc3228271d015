//! A panic within a list, in code that the caller passes.

use std::pin::pin;

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, key, sample};
use crate::catch_unwind::catch_unwind;
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{ListQuery, Store};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_panic_of_the_caller_harms_nothing: "after a panic of `each` the store MUST be as sound as before",
    );
}

async fn a_panic_of_the_caller_harms_nothing<H: Harness>(t: Test<'_, H>) -> Checked {
    let mut written: Vec<(Key, NewRecord)> =
        (0..9).map(|number| (key(&format!("panic:{number}")), sample(number))).collect();
    t.put_all(&written).await?;
    let query = ListQuery::new(key("panic:"));
    // Without the hook, which would tell of a panic that is as it should be.
    let listing = pin!(t.store.list(&query, |_, _| std::panic::resume_unwind(Box::new(()))));
    check!(catch_unwind(listing).await.is_none(), "a panic of the caller does not reach it");
    let next = (key("panic:9"), sample(9));
    t.put(&next.0, &next.1).await?;
    written.push(next);
    let mut keys = t.list_keys(&query).await?;
    keys.sort_unstable();
    let expected: Vec<&str> = written.iter().map(|(key, _)| key.as_str()).collect();
    check!(keys == expected, "after a panic it shows {keys:?}, not {expected:?}");
    Ok(())
}
