//! Keys: any text that a collection can write is a key, and no two are one.

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, key, sample};
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{ListQuery, StoreExt};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        any_key_is_a_key: "a record MUST come back as it was written, whatever text its key is",
        similar_keys_are_apart: "different keys are different records",
        the_longest_key_is_a_key: "keys up to the store's limit MUST come back",
        groups_are_apart: "the groups of one entity are different records",
    );
}

async fn any_key_is_a_key<H: Harness>(t: Test<'_, H>) -> Checked {
    let ids = [
        "{}",
        "{user}",
        "}{",
        " ",
        "a b",
        "/",
        "a/b//c",
        ".",
        "..",
        "../..",
        "%3A",
        "%25",
        "*",
        "?[a-z]",
        "\\",
        "'",
        "\"",
        "`;--",
        "#",
        "$1",
        "~",
        "",
        "é",
        "日本語",
        "🦀",
        "\u{10FFFF}",
        "\u{200B}",
        "<a href=\"x\">",
        "+",
        "&=",
    ];
    distinct(&t, &ids.map(|id| key(&format!("any:{id}:group")))).await
}

async fn similar_keys_are_apart<H: Harness>(t: Test<'_, H>) -> Checked {
    // Case, normal forms, one a beginning of the other, white space at an end.
    let texts = [
        "t:a",
        "t:A",
        "T:a",
        "t:é",
        "t:e\u{301}",
        "t:aa",
        "t",
        "t:",
        "t:a:",
        "t:a ",
        "t: a",
        "t:a:b",
        "t:a%3Ab",
    ];
    distinct(&t, &texts.map(key)).await
}

async fn the_longest_key_is_a_key<H: Harness>(t: Test<'_, H>) -> Checked {
    let longest = t.can.limits.key;
    check!(longest >= 64, "keys of {longest} bytes are too short for any use");
    let longest = longest.min(1 << 16);
    let ascii = format!("t:{}", "x".repeat(longest - 2));
    let mut wide = format!("t:{}", "é".repeat((longest - 2) / 2));
    wide.push_str(&"x".repeat(longest - wide.len()));
    let almost = format!("t:{}", "x".repeat(longest - 3));
    distinct(&t, &[ascii, wide, almost].map(Key::from_text)).await
}

async fn groups_are_apart<H: Harness>(t: Test<'_, H>) -> Checked {
    let entity = key("user:1");
    let keys =
        [entity.with_group(None), entity.with_group(Some("profile")), entity.with_group(Some("settings"))];
    distinct(&t, &keys).await
}

/// Writes a record under each key and reads all back: alone, and in a list.
async fn distinct<H: Harness>(t: &Test<'_, H>, keys: &[Key]) -> Checked {
    let records: Vec<(Key, NewRecord)> = keys.iter().cloned().zip((0..).map(sample)).collect();
    for (key, record) in &records {
        t.store.put(key.clone(), record.clone()).await?;
    }
    t.settle().await;
    for (key, record) in &records {
        t.holds(key, record).await?;
        let listed = t.list_keys(&ListQuery::new(key.clone())).await?;
        let times = listed.iter().filter(|listed| *listed == key.as_str()).count();
        check!(times == 1, "a list of `{key}` shows that key {times} times");
    }
    Ok(())
}
