//! Cursors: where a list continues.

use super::harness::Harness;
use super::suite::{Checked, Ended, Suite, Test, key, sample};
use crate::error::Error;
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{Content, Cursor, ListQuery, StoreExt};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_cursor_is_text: "a cursor's text, handed out and back, goes on as the cursor does",
        a_cursor_of_another_prefix_is_refused: "a cursor of another prefix MUST be Error::InvalidCursor",
        a_cursor_of_another_suffix_is_refused: "a cursor that this list did not give MUST be Error::InvalidCursor",
        a_cursor_of_no_list_is_refused: "a cursor of no list MUST be Error::InvalidCursor",
        a_cursor_outlives_its_record: "a list goes on where the last record that it showed was deleted",
        a_list_is_stable_under_writes: "every key that was there all the time MUST be shown exactly once, whatever is written",
    );
}

async fn write<H: Harness>(t: &Test<'_, H>, prefix: &str, count: u32) -> Checked<Vec<Key>> {
    let keys: Vec<Key> = (0..count).map(|number| key(&format!("{prefix}{number}:group"))).collect();
    let records: Vec<(Key, NewRecord)> = keys.iter().cloned().zip((0..).map(sample)).collect();
    t.put_all(&records).await?;
    Ok(keys)
}

fn query(prefix: &str) -> ListQuery {
    ListQuery::new(key(prefix)).with_limit(2).with_content(Content::Keys)
}

/// Returns the keys of the list's first page, and its cursor. Fails if there is none.
async fn first_page<H: Harness>(t: &Test<'_, H>, query: &ListQuery) -> Checked<(Vec<String>, Cursor)> {
    let mut keys = Vec::new();
    let mut cursor = None;
    // A page may hold fewer entries than its limit, even none.
    while keys.is_empty() {
        let page = t.store.page(&query.clone().with_cursor(cursor)).await?;
        keys.extend(page.keys().map(str::to_owned));
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => {
                return Err(Ended::failed(format!(
                    "the list ends after {} keys, and there are more",
                    keys.len()
                )));
            }
        }
    }
    match cursor {
        Some(cursor) => Ok((keys, cursor)),
        None => Err(Ended::failed("the page has no cursor".to_owned())),
    }
}

async fn is_refused<H: Harness>(t: &Test<'_, H>, query: &ListQuery, cursor: Cursor) -> Checked {
    let text = cursor.as_str().to_owned();
    let query = query.clone().with_cursor(Some(cursor));
    match t.store.page(&query).await {
        Err(Error::InvalidCursor { .. }) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(page) => {
            let keys: Vec<&str> = page.keys().collect();
            Err(Ended::failed(format!(
                "a cursor that is not of the list, {text:?}, was taken, and shows {keys:?}"
            )))
        }
    }
}

async fn a_cursor_is_text<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = write(&t, "a:é ", 9).await?;
    let (mut listed, cursor) = first_page(&t, &query("a:")).await?;
    let mut cursor = Some(cursor);
    while let Some(next) = cursor {
        check!(listed.len() <= keys.len(), "the list shows more than there is: {listed:?}");
        let copy = Cursor::from_text(next.as_str().to_owned());
        let page = t.store.page(&query("a:").with_cursor(Some(copy))).await?;
        listed.extend(page.keys().map(str::to_owned));
        cursor = page.cursor;
    }
    listed.sort_unstable();
    check!(
        listed.iter().eq(keys.iter().map(Key::as_str)),
        "the list shows {listed:?}, and there are {keys:?}"
    );
    Ok(())
}

async fn a_cursor_of_another_prefix_is_refused<H: Harness>(t: Test<'_, H>) -> Checked {
    write(&t, "a:1:", 9).await?;
    write(&t, "b:", 9).await?;
    let (_, cursor) = first_page(&t, &query("a:1:")).await?;
    for other in ["b:", "a:", "a:1", "a:1:0", "c:"] {
        is_refused(&t, &query(other), cursor.clone()).await?;
    }
    Ok(())
}

async fn a_cursor_of_another_suffix_is_refused<H: Harness>(t: Test<'_, H>) -> Checked {
    write(&t, "a:", 9).await?;
    let (_, plain) = first_page(&t, &query("a:")).await?;
    is_refused(&t, &query("a:").with_suffix(":group"), plain).await?;
    let (_, suffixed) = first_page(&t, &query("a:").with_suffix(":group")).await?;
    is_refused(&t, &query("a:"), suffixed.clone()).await?;
    is_refused(&t, &query("a:").with_suffix("group"), suffixed).await
}

async fn a_cursor_of_no_list_is_refused<H: Harness>(t: Test<'_, H>) -> Checked {
    write(&t, "a:", 9).await?;
    let (keys, cursor) = first_page(&t, &query("a:")).await?;
    let given = cursor.as_str();
    let mut forged = vec![
        String::new(),
        "0".to_owned(),
        "a:".to_owned(),
        "🦀".repeat(9),
        "\0".to_owned(),
        "é".repeat(400),
    ];
    forged.extend(keys);
    forged.push(format!("{given}x"));
    forged.push(format!("x{given}"));
    forged.push(given.chars().skip(1).collect());
    forged.push(given.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect());
    for text in forged {
        is_refused(&t, &query("a:"), Cursor::from_text(text)).await?;
    }
    Ok(())
}

async fn a_cursor_outlives_its_record<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = write(&t, "a:", 9).await?;
    let (mut listed, cursor) = first_page(&t, &query("a:")).await?;
    t.store.delete_many(listed.iter().map(|text| key(text)).collect()).await?;
    t.settle().await;
    let mut cursor = Some(cursor);
    while let Some(next) = cursor {
        check!(listed.len() <= keys.len(), "the list shows more than there is: {listed:?}");
        let page = t.store.page(&query("a:").with_cursor(Some(next))).await?;
        listed.extend(page.keys().map(str::to_owned));
        cursor = page.cursor;
    }
    listed.sort_unstable();
    check!(
        listed.iter().eq(keys.iter().map(Key::as_str)),
        "the list shows {listed:?}, and there were {keys:?}"
    );
    Ok(())
}

async fn a_list_is_stable_under_writes<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = write(&t, "a:", 60).await?;
    let stays = |text: &str| !text.contains("3:") && !text.contains("new");
    let mut listed: Vec<String> = Vec::new();
    let (mut cursor, mut number) = (None, 0);
    loop {
        let page = t.store.page(&query("a:").with_limit(7).with_cursor(cursor)).await?;
        listed.extend(page.keys().map(str::to_owned));
        cursor = page.cursor;
        if cursor.is_none() || listed.len() > 4 * keys.len() {
            break;
        }
        number += 1;
        // New keys before, between and behind, some gone again, and every other key with another
        // value.
        for new in [format!("a:0new{number}"), format!("a:4new{number}"), format!("a:~new{number}")] {
            t.store.put(key(&new), sample(number)).await?;
        }
        t.store.delete(key(&format!("a:4new{}", number - 1))).await?;
        t.store.delete(key(&format!("a:{number}3:group"))).await?;
        for kept in keys.iter().filter(|kept| stays(kept.as_str())).skip(number as usize % 2).step_by(2) {
            t.store.put(kept.clone(), sample(1_000 + number)).await?;
        }
        t.settle().await;
    }
    listed.retain(|text| stays(text));
    listed.sort_unstable();
    let mut expected: Vec<&str> = keys.iter().map(Key::as_str).filter(|text| stays(text)).collect();
    expected.sort_unstable();
    check!(listed == expected, "the list shows {listed:?}; all the time there were {expected:?}");
    Ok(())
}
