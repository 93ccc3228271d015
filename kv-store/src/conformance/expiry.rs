//! Expiry, as every store must implement it.

use std::time::Duration;

use super::harness::Harness;
use super::suite::{Checked, Suite, Test, expiring, key, sample};
use crate::record::Expiry;
use crate::store::{Content, Entry, GetOptions, ListQuery, Store, StoreExt};
use crate::timestamp::Timestamp;

pub(super) async fn run<H: Harness>(suite: &mut Suite<'_, H>) {
    run_all!(suite;
        a_record_lives_until_its_moment: "a record MUST come back until it expires",
        expired_is_invisible_to_get: "an expired record MUST be invisible to get, with and without its expiry, at once",
        expired_is_invisible_to_head: "an expired record MUST be invisible to head, at once",
        expired_is_invisible_to_get_many: "an expired record MUST be invisible to get_many, with and without its expiry, at once",
        expired_is_in_no_list: "an expired record MUST be in no list, at once",
        expiry_comes_back: "a record MUST come back with its expiry, where a method tells it; those that are named for it MUST",
        an_expiry_of_a_batch_counts: "a record of a batch expires as one that is written alone",
        put_replaces_the_expiry: "put replaces the expiry",
        a_past_expiry_deletes: "an expiry that has passed makes a write into a delete",
        a_far_expiry_is_kept: "an expiry beyond all clocks is no error, and the record stays",
        an_expired_key_is_free: "a key whose record expired can be written, deleted and written again",
    );
}

async fn a_record_lives_until_its_moment<H: Harness>(t: Test<'_, H>) -> Checked {
    let (after, at, never) = (key("e:after"), key("e:at"), key("e:never"));
    t.put(&after, &expiring(1, t.ttl())).await?;
    let moment = Expiry::At(t.now().saturating_add(t.ttl()));
    t.put(&at, &sample(2).with_expiry(moment)).await?;
    t.put(&never, &sample(3)).await?;
    t.pass(t.ttl() / 2).await;
    t.holds(&after, &sample(1)).await?;
    t.holds(&at, &sample(2)).await?;
    // Some servers know a moment only in whole seconds. No store keeps a record longer.
    t.pass(t.ttl() / 2).await;
    t.is_absent(&after).await?;
    t.is_absent(&at).await?;
    t.holds(&never, &sample(3)).await.map(drop)
}

async fn expired_is_invisible_to_get<H: Harness>(t: Test<'_, H>) -> Checked {
    t.put(&key("e:1"), &expiring(1, t.ttl())).await?;
    t.pass(t.ttl()).await;
    t.is_absent(&key("e:1")).await?;
    let found = t.store.get(&key("e:1"), GetOptions::new().with_expiry()).await?;
    check!(found.is_none(), "get with the expiry shows an expired record, {found:?}");
    Ok(())
}

async fn expired_is_invisible_to_head<H: Harness>(t: Test<'_, H>) -> Checked {
    t.put(&key("e:1"), &expiring(1, t.ttl())).await?;
    t.pass(t.ttl()).await;
    let head = t.store.head(&key("e:1")).await?;
    check!(head.is_none(), "an expired record has a head, {head:?}");
    Ok(())
}

async fn expired_is_invisible_to_get_many<H: Harness>(t: Test<'_, H>) -> Checked {
    t.put_all(&[(key("e:1"), expiring(1, t.ttl())), (key("e:2"), sample(2))]).await?;
    t.pass(t.ttl()).await;
    let keys = [key("e:1"), key("e:2"), key("e:1")];
    for found in
        [t.store.read_many(&keys).await?, t.store.get_many(&keys, GetOptions::new().with_expiry()).await?]
    {
        let there: Vec<bool> = found.iter().map(Option::is_some).collect();
        check!(there == [false, true, false], "expired, lasting, expired are {found:?}");
    }
    Ok(())
}

async fn expired_is_in_no_list<H: Harness>(t: Test<'_, H>) -> Checked {
    let record = |number| {
        let record = if number % 3 == 1 { sample(number) } else { expiring(number, t.ttl()) };
        (key(&format!("e:{number:02}")), record)
    };
    t.put_all(&(0..12).map(record).collect::<Vec<_>>()).await?;
    let before = t.list_keys(&ListQuery::new(key("e:"))).await?.len();
    check!(before == 12, "of 12 records that last, {before} are shown");
    t.pass(t.ttl()).await;
    for content in [Content::Keys, Content::Heads, Content::Records] {
        for limit in [1, 3, 1_000] {
            let query = ListQuery::new(key("e:")).with_content(content).with_limit(limit);
            let mut keys = t.list_keys(&query).await?;
            keys.sort_unstable();
            check!(
                keys == ["e:01", "e:04", "e:07", "e:10"],
                "a list of {content:?} by {limit} shows {keys:?}"
            );
        }
    }
    Ok(())
}

async fn expiry_comes_back<H: Harness>(t: Test<'_, H>) -> Checked {
    let (at, after, never) = (key("e:at"), key("e:after"), key("e:never"));
    let moment = t.now().saturating_add(2 * t.ttl());
    t.store.put(at.clone(), sample(1).with_expiry(Expiry::At(moment))).await?;
    let earliest = t.now().saturating_add(t.ttl());
    t.store.put(after.clone(), expiring(2, t.ttl())).await?;
    let latest = t.now().saturating_add(t.ttl());
    t.put(&never, &sample(3)).await?;

    let check = |key: &str, expiry: Option<Timestamp>| match key {
        "e:at" => t.expires(expiry, moment, moment),
        "e:after" => t.expires(expiry, earliest, latest),
        _ => {
            check!(expiry.is_none(), "a record without expiry expires at {expiry:?}");
            Ok(())
        }
    };
    let keys = [at, after, never];
    for (key, record) in keys.iter().zip(t.store.get_many(&keys, GetOptions::new().with_expiry()).await?) {
        let expires_at = record.and_then(|record| record.expires_at);
        check!(
            expires_at.is_some() == (key.as_str() != "e:never"),
            "`{key}` expires at {expires_at:?}, says get_many"
        );
        check(key.as_str(), expires_at)?;
        let alone =
            t.store.get(key, GetOptions::new().with_expiry()).await?.and_then(|record| record.expires_at);
        check!(alone.is_some() == expires_at.is_some(), "`{key}` expires at {alone:?}, says get");
        check(key.as_str(), alone)?;
    }
    for (key, record) in keys.iter().zip(t.store.read_many(&keys).await?) {
        check(key.as_str(), record.and_then(|record| record.expires_at))?;
        check(key.as_str(), t.standing(key).await?.expires_at)?;
        check(key.as_str(), t.store.head(key).await?.and_then(|head| head.expires_at))?;
    }
    for content in [Content::Heads, Content::Records] {
        for (key, entry) in t.list(&ListQuery::new(key("e:")).with_content(content)).await? {
            match entry {
                Entry::Head(head) => check(&key, head.expires_at)?,
                Entry::Record(record) => check(&key, record.expires_at)?,
                other => check!(false, "`{key}` is listed as {other:?}"),
            }
        }
    }
    Ok(())
}

async fn an_expiry_of_a_batch_counts<H: Harness>(t: Test<'_, H>) -> Checked {
    let twice = key("e:twice");
    t.put_all(&[
        (key("e:1"), expiring(1, t.ttl())),
        (key("e:2"), sample(2)),
        (twice.clone(), expiring(3, t.ttl())),
        (twice.clone(), sample(4)),
    ])
    .await?;
    t.pass(t.ttl()).await;
    t.is_absent(&key("e:1")).await?;
    t.holds(&key("e:2"), &sample(2)).await?;
    t.holds(&twice, &sample(4)).await.map(drop)
}

async fn put_replaces_the_expiry<H: Harness>(t: Test<'_, H>) -> Checked {
    let (kept, gone, longer) = (key("e:kept"), key("e:gone"), key("e:longer"));
    t.put(&kept, &expiring(1, t.ttl())).await?;
    t.put(&kept, &sample(2)).await?;
    t.put(&gone, &sample(3)).await?;
    t.put(&gone, &expiring(4, t.ttl())).await?;
    t.put(&longer, &expiring(5, t.ttl())).await?;
    t.put(&longer, &expiring(6, 4 * t.ttl())).await?;
    let record = t.holds(&kept, &sample(2)).await?;
    check!(record.expires_at.is_none(), "put left the old expiry, {:?}", record.expires_at);
    t.pass(t.ttl()).await;
    t.holds(&kept, &sample(2)).await?;
    t.is_absent(&gone).await?;
    t.holds(&longer, &sample(6)).await.map(drop)
}

async fn a_past_expiry_deletes<H: Harness>(t: Test<'_, H>) -> Checked {
    let moments = [Timestamp::from_millis(0), Timestamp::from_millis(1), t.now()];
    let mut past: Vec<Expiry> = moments.map(Expiry::At).to_vec();
    if t.can.limits.least_ttl.is_none() {
        past.push(Expiry::After(Duration::ZERO));
    }
    let key = key("e:1");
    for expiry in past {
        t.put(&key, &sample(1)).await?;
        t.put(&key, &sample(2).with_expiry(expiry)).await?;
        t.is_absent(&key).await?;
        t.put(&key, &sample(3)).await?;
        t.put_all(&[(key.clone(), sample(4)), (key.clone(), sample(5).with_expiry(expiry))]).await?;
        t.is_absent(&key).await?;
        let listed = t.list_keys(&ListQuery::new(key.clone())).await?;
        check!(listed.is_empty(), "a record written with {expiry:?} is listed");
    }
    Ok(())
}

async fn a_far_expiry_is_kept<H: Harness>(t: Test<'_, H>) -> Checked {
    let far = [
        Expiry::After(Duration::MAX),
        Expiry::At(Timestamp::MAX),
        Expiry::After(Duration::from_secs(u64::from(u32::MAX))),
    ];
    for (expiry, number) in far.into_iter().zip(1..) {
        let key = key(&format!("e:{number}"));
        t.put(&key, &sample(number).with_expiry(expiry)).await?;
        t.pass(t.ttl()).await;
        t.holds(&key, &sample(number)).await?;
    }
    Ok(())
}

async fn an_expired_key_is_free<H: Harness>(t: Test<'_, H>) -> Checked {
    let key = key("e:1");
    t.put(&key, &expiring(1, t.ttl())).await?;
    t.pass(t.ttl()).await;
    t.delete(&key).await?;
    t.is_absent(&key).await?;
    t.put(&key, &expiring(2, t.ttl())).await?;
    t.pass(t.ttl()).await;
    t.put(&key, &sample(3)).await?;
    let record = t.holds(&key, &sample(3)).await?;
    check!(record.expires_at.is_none(), "the new record has the old one's expiry, {:?}", record.expires_at);
    // What cleans up behind expired records must not take the new one.
    t.put(&super::suite::key("e:2"), &sample(4)).await?;
    t.pass(t.ttl()).await;
    t.holds(&key, &sample(3)).await.map(drop)
}
