//! The example `emoji` shows what it promises: how far the migrated records are the published ones.

use examples_support::testing::{Result, is_its_header, run, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_emoji");

const NOTHING: [&str; 0] = [];

#[test]
fn every_release_becomes_the_newest_but_for_what_no_step_could_know() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "2.4.4: 1300 emoji of version 1\nmoved 213 of 213, then 0; occupied 0\nmigrated 1300, failed 0\n",
            // 2.4.4 has no `added_in` and no `subcategory`, and names have changed since. No id is wrong.
            "not in 16.0.0: 0; other values: {\"added_in\": 1300, \"category\": 697, \"name\": 320, \
             \"short_name\": 13, \"short_names\": 16, \"subcategory\": 1300}\n",
            "4.0.0: 1568 emoji of version 2\nmoved 0 of 0, then 0; occupied 0\nmigrated 1568, failed 0\n",
            "6.0.0: 1810 emoji of version 2\nmoved 0 of 0, then 0; occupied 0\nmigrated 1810, failed 0\n",
            "not in 16.0.0: 0; other values: {\"category\": 14, \"name\": 358, \"non_qualified\": 10, \
             \"short_name\": 5, \"short_names\": 7, \"subcategory\": 1810}\n",
            "14.0.0: 1854 emoji of version 3\nmoved 0 of 0, then 0; occupied 0\nmigrated 1854, failed 0\n",
            "not in 16.0.0: 0; other values: {\"category\": 10, \"name\": 1, \"non_qualified\": 10, \
             \"subcategory\": 33}\n",
            "16.0.0: 1911 emoji of version 3\nmoved 0 of 0, then 0; occupied 0\nmigrated 1911, failed 0\n\
             not in 16.0.0: 0; other values: {}\n",
        ],
    );
    Ok(())
}
