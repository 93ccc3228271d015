//! What a list shows, and in which order.

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, in_shard, is_written, key, prefix_of_shards, sample};
use crate::key::Key;
use crate::record::NewRecord;
use crate::store::{Content, Entry, ListQuery, StoreExt};

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        an_empty_list_ends: "a list of nothing is empty and ends",
        every_key_is_shown_once: "following cursors MUST show every key exactly once, whatever the limit",
        a_page_keeps_to_its_limit: "a page MUST hold at most as many entries as the limit says",
        any_limit_is_taken: "a limit beyond all memory is no error and takes none",
        many_keys_are_all_shown: "a list MUST NOT end before its end, with thousands of keys",
        a_prefix_shows_no_other: "a list shows keys that begin with its prefix, and no other",
        keys_in_shards_are_shown_once: "keys of entities with a shard id are listed as others are, all of them and those of one shard",
        a_suffix_shows_no_other: "a list shows keys that end with its suffix beyond the prefix, and no other",
        entries_are_in_order: "entries MUST be in the order of their keys' bytes, if the store says so",
        records_are_listed_whole: "a list of records shows value, metadata and expiry as get does",
        heads_are_listed: "a list of heads shows metadata and expiry as head does",
        what_is_deleted_is_not_listed: "a write MUST be seen by a later list, a delete too",
    );
}

/// Keys of every kind under one prefix, in the order of their bytes.
fn many() -> Vec<String> {
    let mut keys: Vec<String> = (0..16).map(|number| format!("list:{number}")).collect();
    keys.extend(
        ["é", "Z", "z", "日本", "🦀", "{}", "a b", "a/b", "", "1:", "1:2", "%3A", "~"]
            .map(|id| format!("list:{id}")),
    );
    keys.sort_unstable();
    keys.dedup();
    keys
}

async fn write_many<H: Harness>(t: &Test<'_, H>, keys: &[String]) -> Checked<Vec<(Key, NewRecord)>> {
    let records: Vec<(Key, NewRecord)> = keys.iter().map(|text| key(text)).zip((0..).map(sample)).collect();
    t.put_all(&records).await?;
    Ok(records)
}

/// Checks that the list shows these keys: in any order, or in that of their bytes if the store has
/// one.
async fn shows<H: Harness>(t: &Test<'_, H>, query: &ListQuery, expected: &[impl AsRef<str>]) -> Checked {
    let mut shown = t.list_keys(query).await?;
    let mut expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    expected.sort_unstable();
    if !t.can.ordered {
        shown.sort_unstable();
    }
    check!(shown == expected, "a list by {} shows {shown:?}, not {expected:?}", query.limit());
    Ok(())
}

async fn an_empty_list_ends<H: Harness>(t: Test<'_, H>) -> Checked {
    t.put(&key("other:1"), &sample(1)).await?;
    shows(&t, &ListQuery::new(key("list:")), &[""; 0]).await
}

async fn every_key_is_shown_once<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = many();
    write_many(&t, &keys).await?;
    for limit in [1, 2, 7, keys.len() - 1, keys.len(), keys.len() + 1, 1_000] {
        for content in [Content::Keys, Content::Heads, Content::Records] {
            let query = ListQuery::new(key("list:")).with_limit(limit).with_content(content);
            shows(&t, &query, &keys).await?;
        }
    }
    Ok(())
}

async fn a_page_keeps_to_its_limit<H: Harness>(t: Test<'_, H>) -> Checked {
    write_many(&t, &many()).await?;
    for limit in [1, 2, 7] {
        let query = ListQuery::new(key("list:")).with_limit(limit).with_content(Content::Keys);
        let page = t.store.page(&query).await?;
        check!(page.len() <= limit, "a page of at most {limit} has {} entries", page.len());
        check!(page.cursor.is_some(), "a page of at most {limit} entries has no cursor, and there are more");
    }
    Ok(())
}

async fn any_limit_is_taken<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = many();
    write_many(&t, &keys).await?;
    shows(&t, &ListQuery::new(key("list:")).with_limit(usize::MAX), &keys).await
}

async fn many_keys_are_all_shown<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys: Vec<String> = (0..2_500).map(|number| format!("list:{number}:group")).collect();
    write_many(&t, &keys).await?;
    shows(&t, &ListQuery::new(key("list:")).with_content(Content::Keys), &keys).await?;
    shows(&t, &ListQuery::new(key("list:")).with_limit(333).with_suffix(":group"), &keys).await
}

async fn a_prefix_shows_no_other<H: Harness>(t: Test<'_, H>) -> Checked {
    let keys = [
        "user",
        "user:",
        "user:1",
        "user:1:",
        "user:1:a",
        "user:12",
        "user:12:a",
        "user:é",
        "user;",
        "user-archive:1",
        "use",
        "USER:1",
        "users:1",
        "a:user:1",
        "user\u{10FFFF}",
        "user:{}",
        "user:*",
        "user:%",
    ];
    write_many(&t, &keys.map(str::to_owned)).await?;
    for prefix in [
        "user:",
        "user:1:",
        "user:1",
        "user-archive:",
        "user:12:",
        "user:é",
        "user:{}",
        "user:*",
        "user:%",
        "user",
    ] {
        let expected: Vec<&str> = keys.into_iter().filter(|key| key.starts_with(prefix)).collect();
        for limit in [2, 1_000] {
            shows(&t, &ListQuery::new(key(prefix)).with_limit(limit), &expected).await?;
        }
    }
    Ok(())
}

async fn keys_in_shards_are_shown_once<H: Harness>(t: Test<'_, H>) -> Checked {
    let shards = ["", "1", "10", "a b", "{}", "é"];
    let mut records = Vec::new();
    for (shard, number) in shards.iter().zip(1..) {
        records.push((in_shard("list", shard, number, None), sample(number)));
        records.push((in_shard("list", shard, number + 100, Some("group")), sample(number + 100)));
        records.push((in_shard("other", shard, number, None), sample(number + 200)));
    }
    t.put_all(&records).await?;
    let mut of_list: Vec<&str> = records.iter().map(|(key, _)| key.as_str()).collect();
    of_list.retain(|key| key.starts_with("list:"));
    for limit in [1, 3, 1_000] {
        let all = ListQuery::new(prefix_of_shards("list", None)).with_limit(limit);
        shows(&t, &all, &of_list).await?;
        // The text alone does not say that the entity has a shard id.
        shows(&t, &ListQuery::new(key("list:")).with_limit(limit), &of_list).await?;
        for shard in shards {
            let prefix = prefix_of_shards("list", Some(shard));
            let of_shard = of_list.iter().filter(|key| key.starts_with(prefix.as_str()));
            let of_shard: Vec<&str> = of_shard.copied().collect();
            shows(&t, &ListQuery::new(prefix).with_limit(limit), &of_shard).await?;
        }
    }
    Ok(())
}

async fn a_suffix_shows_no_other<H: Harness>(t: Test<'_, H>) -> Checked {
    let ids = ["1", "2", "12", "é", "{}", "profile"];
    let mut keys = Vec::new();
    for id in ids {
        keys.extend([":profile", ":settings", ":my-profile", ""].map(|group| format!("user:{id}{group}")));
    }
    keys.push("user:profile:profile:profile".to_owned());
    keys.sort_unstable();
    keys.dedup();
    write_many(&t, &keys).await?;
    for suffix in [":profile", ":settings", "profile", ":absent"] {
        let beyond = |key: &&String| key.strip_prefix("user:").is_some_and(|rest| rest.ends_with(suffix));
        let expected: Vec<&String> = keys.iter().filter(beyond).collect();
        for limit in [1, 3, 1_000] {
            let query = ListQuery::new(key("user:")).with_suffix(suffix).with_limit(limit);
            shows(&t, &query, &expected).await?;
        }
    }
    // The suffix lies beyond the prefix: `user:profile` holds both, one over the other.
    shows(
        &t,
        &ListQuery::new(key("user:profile")).with_suffix(":profile"),
        &["user:profile:profile", "user:profile:profile:profile"],
    )
    .await
}

async fn entries_are_in_order<H: Harness>(t: Test<'_, H>) -> Checked {
    t.needs(t.can.ordered, "the store's lists have no order")?;
    let mut keys = many();
    keys.reverse();
    for (number, text) in (0..).zip(&keys) {
        t.store.put(key(text), sample(number)).await?;
    }
    t.settle().await;
    keys.reverse();
    for limit in [1, 5, 1_000] {
        let shown = t.list_keys(&ListQuery::new(key("list:")).with_limit(limit)).await?;
        check!(shown == keys, "a list by {limit} shows {shown:?}, and the order is {keys:?}");
    }
    Ok(())
}

async fn records_are_listed_whole<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = write_many(&t, &many()).await?;
    for (shown, entry) in t.list(&ListQuery::new(key("list:")).with_limit(5)).await? {
        let Some((key, written)) = records.iter().find(|(key, _)| key.as_str() == shown) else { continue };
        let Entry::Record(listed) = entry else {
            check!(false, "`{shown}` is shown as {entry:?}");
            continue;
        };
        let got = t.standing(key).await?;
        let same = is_written(&listed, written)
            && listed.expires_at == got.expires_at
            && listed.revision == got.revision;
        check!(same, "`{shown}` is listed as {listed:?}, and get gives {got:?}");
    }
    Ok(())
}

async fn heads_are_listed<H: Harness>(t: Test<'_, H>) -> Checked {
    let records = write_many(&t, &many()).await?;
    let query = ListQuery::new(key("list:")).with_limit(5).with_content(Content::Heads);
    for (shown, entry) in t.list(&query).await? {
        let Some((_, written)) = records.iter().find(|(key, _)| key.as_str() == shown) else { continue };
        let Entry::Head(head) = entry else {
            check!(false, "`{shown}` is shown as {entry:?}");
            continue;
        };
        let same = head.metadata == written.metadata && head.expires_at.is_none();
        check!(same, "`{shown}` is listed with {head:?}, and {written:?} was written");
    }
    Ok(())
}

async fn what_is_deleted_is_not_listed<H: Harness>(t: Test<'_, H>) -> Checked {
    let mut keys = many();
    write_many(&t, &keys).await?;
    let deleted = keys.split_off(keys.len() / 2);
    t.store.delete_many(deleted.iter().map(|text| key(text)).collect()).await?;
    t.settle().await;
    shows(&t, &ListQuery::new(key("list:")), &keys).await?;
    shows(&t, &ListQuery::new(key("list:")).with_limit(2), &keys).await
}
