//! Cursors of lists of secret ids show none of them.

use kv_runtime::store::{AtomicStore, Cursor};
use kv_runtime::{Error, Kv, KvEntity, ManualClock};

use crate::entities::Session;
use crate::{Outcome, on_every_store};

on_every_store!(
    they_go_on_as_the_values_that_they_are,
    their_text_goes_on_with_the_key_alone,
    a_backfill_goes_on_by_them
);

/// A secret behind an id that is none.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "grant", version = 2)]
struct Grant {
    #[kv(id)]
    org: String,
    #[kv(id, secret)]
    token: String,
    #[kv(renamed(from = "role", since = 2))]
    name: String,
}

async fn fill<S: AtomicStore>(kv: &Kv<S>) -> Outcome {
    let sessions = (0..7).map(|user| Session { token: format!("hunter{user}"), user });
    kv.collection::<Session>().put_many(sessions).await?;
    let grants = (0..7).flat_map(|number| {
        ["acme", "corp"].map(|org| Grant {
            org: org.to_owned(),
            token: format!("hunter{number}"),
            name: "admin".to_owned(),
        })
    });
    kv.collection::<Grant>().put_many(grants).await?;
    Ok(())
}

fn assert_shows_nothing(cursor: &Cursor) {
    let hexadecimal: String = "hunter".bytes().map(|byte| format!("{byte:02x}")).collect();
    let shown = format!("{} {cursor:?}", cursor.as_str());
    assert!(!shown.contains("hunter") && !shown.contains(&hexadecimal), "{shown}");
}

async fn they_go_on_as_the_values_that_they_are<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    fill(&kv).await?;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.collection::<Session>().list().limit(2).cursor(cursor).page().await?;
        seen.extend(page.entities.into_iter().map(|session| session.user));
        let Some(next) = page.cursor else { break };
        assert_shows_nothing(&next);
        let from_text =
            kv.collection::<Session>().list().cursor(Cursor::from_text(next.as_str())).page().await;
        let Err(error @ Error::InvalidOptions { .. }) = &from_text else { panic!("{from_text:?}") };
        assert!(error.to_string().contains("Kv::with_cursor_key"), "{error}");
        cursor = Some(next);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    let ids = kv.collection::<Session>().list().ids().page().await?.ids;
    assert_eq!(ids.len(), 7);
    let mut rest = kv.collection::<Session>().list().limit(2).ids().page().await?.cursor;
    assert_shows_nothing(rest.as_ref().expect("there are more"));
    let mut stream = kv.collection::<Session>().list().cursor(rest.take()).stream();
    assert_eq!(stream.next().await.transpose()?.map(|session| session.user), Some(2));
    Ok(())
}

async fn their_text_goes_on_with_the_key_alone<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    fill(&kv).await?;
    let keyed = kv.clone().with_cursor_key([7; 32]);
    let first = keyed.collection::<Grant>().list().within("acme").limit(3).page().await?;
    let text = first.cursor.expect("there are more").as_str().to_owned();
    assert_shows_nothing(&Cursor::from_text(text.as_str()));
    // Another process, or a later run, with the same key.
    let later = kv.clone().with_cursor_key([7; 32]).collection::<Grant>();
    let page = later.list().within("acme").cursor(Cursor::from_text(text.as_str())).page().await?;
    let tokens: Vec<_> = page.entities.iter().map(|grant| grant.token.as_str()).collect();
    assert_eq!((tokens, page.cursor), (vec!["hunter3", "hunter4", "hunter5", "hunter6"], None));

    let refused = async |kv: &Kv<S>, org: &str, text: &str| {
        let page = kv.collection::<Grant>().list().within(org).cursor(Cursor::from_text(text)).page().await;
        let Err(error @ Error::InvalidCursor { .. }) = &page else { panic!("{page:?}") };
        assert!(!error.to_string().contains("hunter"), "{error}");
    };
    let without_key = kv.collection::<Grant>().list().within("acme").cursor(Cursor::from_text(&text)).page();
    assert!(matches!(without_key.await, Err(Error::InvalidOptions { .. })));
    refused(&kv.clone().with_cursor_key([8; 32]), "acme", &text).await;
    // Of another list, and by another hand.
    refused(&keyed, "corp", &text).await;
    let (start, last) = text.split_at(text.len() - 1);
    refused(&keyed, "acme", &format!("{start}{}", if last == "0" { "1" } else { "0" })).await;
    for forged in ["", "0", "zz", "é", start, &text.to_uppercase(), &format!("{text}00")] {
        refused(&keyed, "acme", forged).await;
    }
    // The list refuses the store's own cursor.
    let clear = kv.collection::<crate::entities::Counter>();
    clear
        .put_many(["a", "b"].map(|name| crate::entities::Counter { name: name.to_owned(), count: 1 }))
        .await?;
    let clear = clear.list().limit(1).page().await?.cursor.expect("there are more");
    assert!(clear.as_str().ends_with("counter:a"), "{}", clear.as_str());
    refused(&keyed, "acme", clear.as_str()).await;
    Ok(())
}

async fn a_backfill_goes_on_by_them<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    fill(&kv).await?;
    let kv = kv.with_cursor_key([7; 32]);
    let grants = kv.collection::<Grant>();
    let texts = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&texts);
    let all = grants.migrate_all().batch(5).progress(move |progress| {
        let text = progress.cursor.as_ref().map(|cursor| cursor.as_str().to_owned());
        seen.lock().unwrap().extend(text);
    });
    assert_eq!(all.run().await?.current, 14);
    let texts = std::mem::take(&mut *texts.lock().unwrap());
    assert_eq!(texts.len(), 2);
    for text in &texts {
        assert_shows_nothing(&Cursor::from_text(text.as_str()));
    }
    let rest = grants.migrate_all().cursor(Cursor::from_text(texts[1].as_str())).run().await?;
    assert_eq!(rest.current, 4);
    Ok(())
}
