//! What a list lends instead of giving it away.

#[cfg(not(target_arch = "wasm32"))]
use std::pin::pin;

use super::harness::{Foreign, Harness};
use super::suite::{Checked, Lent, MOST_PAGES, Suite, Test, expiring, key, sample};
#[cfg(not(target_arch = "wasm32"))]
use crate::catch_unwind::catch_unwind;
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{Content, ListQuery, Store};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        records_are_lent_as_listed: "list_each MUST show whole records, in the order of the list, whatever the content asked for",
        lent_pages_follow_each_other: "list_each keeps to the limit, and its cursor is the list's",
        expired_is_not_lent: "an expired record MUST be invisible to list_each",
        a_damaged_record_is_lent_as_an_error: "what cannot be read MUST be shown as an error, and MUST NOT end the list",
    );
    #[cfg(not(target_arch = "wasm32"))]
    suite
        .run(
            "a_panic_of_the_caller_harms_nothing",
            "after a panic of `each` the store MUST be as sound as before",
            a_panic_of_the_caller_harms_nothing,
        )
        .await;
}

/// Every record that is lent, in the order of the keys if the store's lists have none.
async fn lent<H: Harness>(t: &Test<'_, H>, query: &ListQuery) -> Checked<Vec<Lent>> {
    let mut lent = t.lent(query).await?;
    if !t.can.ordered {
        lent.sort_unstable();
    }
    Ok(lent)
}

/// Numbered records, in the order of their keys.
async fn numbered<H: Harness>(t: &Test<'_, H>) -> Checked<Vec<Lent>> {
    let records: Vec<(Key, NewRecord)> =
        (0..9).map(|number| (key(&format!("lent:{number}")), sample(number))).collect();
    t.put_all(&records).await?;
    Ok(records.iter().map(|(key, record)| shown(key, record)).collect())
}

fn shown(key: &Key, record: &NewRecord) -> Lent {
    (key.to_string(), Some((record.value.to_vec(), record.metadata.version)))
}

async fn records_are_lent_as_listed<H: Harness>(t: Test<'_, H>) -> Checked {
    let written = numbered(&t).await?;
    for content in [Content::Keys, Content::Heads, Content::Records] {
        for limit in [2, 1_000] {
            let query = ListQuery::new(key("lent:")).with_content(content).with_limit(limit);
            let shown = lent(&t, &query).await?;
            check!(shown == written, "asked for {content:?}, it shows {shown:?}, not {written:?}");
        }
    }
    Ok(())
}

async fn lent_pages_follow_each_other<H: Harness>(t: Test<'_, H>) -> Checked {
    let written = numbered(&t).await?;
    let query = ListQuery::new(key("lent:")).with_limit(2);
    // By turns, so that each takes up the cursor of the other.
    let (mut keys, mut cursor, mut is_lent) = (Vec::new(), None, true);
    for _ in 0..MOST_PAGES {
        let query = query.clone().with_cursor(cursor.take());
        if is_lent {
            let (shown, next) = t.lent_page(&query).await?;
            keys.extend(shown.into_iter().map(|(key, _)| key));
            cursor = next;
        } else {
            let mut page = t.store.list(&query).await?;
            cursor = page.cursor.take();
            keys.extend(page.keys().map(str::to_owned));
        }
        is_lent = !is_lent;
        if cursor.is_none() {
            break;
        }
    }
    keys.sort_unstable();
    let expected: Vec<String> = written.into_iter().map(|(key, _)| key).collect();
    check!(keys == expected, "pages by turns show {keys:?}, not {expected:?}");
    Ok(())
}

async fn expired_is_not_lent<H: Harness>(t: Test<'_, H>) -> Checked {
    let written = numbered(&t).await?;
    t.put(&key("lent:expiring"), &expiring(10, t.ttl())).await?;
    t.pass(t.ttl()).await;
    let shown = lent(&t, &ListQuery::new(key("lent:"))).await?;
    check!(shown == written, "it shows {shown:?}, not {written:?}");
    Ok(())
}

async fn a_damaged_record_is_lent_as_an_error<H: Harness>(t: Test<'_, H>) -> Checked {
    let damaged = key("lent:4");
    let t = t.holding(&[(damaged.clone(), Foreign::Damaged)]).await?;
    let around = ["lent:3", "lent:5"].map(|text| (key(text), sample(1)));
    t.put_all(&around).await?;
    let mut shown = lent(&t, &ListQuery::new(key("lent:"))).await?;
    shown.sort_unstable();
    let keys: Vec<&str> = shown.iter().map(|(key, _)| key.as_str()).collect();
    check!(keys == ["lent:3", "lent:4", "lent:5"], "it shows {keys:?}");
    for (key, record) in &shown {
        let as_it_should = record.is_none() == (key == damaged.as_str());
        check!(as_it_should, "`{key}` is shown as {record:?}, and `{damaged}` is damaged");
    }
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
async fn a_panic_of_the_caller_harms_nothing<H: Harness>(t: Test<'_, H>) -> Checked {
    let mut written = numbered(&t).await?;
    let query = ListQuery::new(key("lent:"));
    // Without the hook, which would tell of a panic that is as it should be.
    let listing = pin!(t.store.list_each(&query, |_, _| std::panic::resume_unwind(Box::new(()))));
    check!(catch_unwind(listing).await.is_none(), "a panic of the caller does not reach it");
    t.put(&key("lent:9"), &sample(9)).await?;
    written.push(shown(&key("lent:9"), &sample(9)));
    let lent = lent(&t, &query).await?;
    check!(lent == written, "after a panic it shows {lent:?}, not {written:?}");
    Ok(())
}
