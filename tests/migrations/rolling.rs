//! Old and new code side by side on the same records.

use kv_runtime::Error;

use crate::entities::{CautiousUser, User, UserV1, UserV2};
use crate::{Outcome, lay, lying, memory, shape};

#[tokio::test]
async fn old_code_reads_an_additive_step_and_keeps_what_it_does_not_know() -> Outcome {
    let (kv, _) = memory();
    let new = UserV2 { id: 1, name: "ada".to_owned(), visits: 3, role: "admin".to_owned() };
    kv.collection::<UserV2>().put(&new).await?;
    assert_eq!(lying(&kv, "user:1:profile").await?.metadata.min_reader, Some(1));
    let old = kv.collection::<UserV1>();
    assert_eq!(old.get(1).await?, Some(UserV1 { id: 1, name: "ada".to_owned(), visits: 3 }));
    old.update(1, |user| user.visits += 1).await?;
    assert_eq!(kv.collection::<UserV2>().get(1).await?, Some(UserV2 { visits: 4, ..new }));
    let metadata = lying(&kv, "user:1:profile").await?.metadata;
    assert_eq!((metadata.version, metadata.min_reader), (2, Some(1)));
    Ok(())
}

#[tokio::test]
async fn old_code_overwrites_nothing_that_it_cannot_read() -> Outcome {
    let (kv, _) = memory();
    kv.collection::<User>().put(&User { id: 1, user_name: "ada".to_owned(), roles: vec![] }).await?;
    let before = shape(&kv, "user:1:profile").await?;
    assert_eq!(before.0, 4);
    let old = kv.collection::<UserV2>();
    assert!(matches!(old.get(1).await, Err(Error::TooNew { found: 4, supported: 2, .. })));
    assert!(matches!(old.update(1, |user| user.visits += 1).await, Err(Error::TooNew { .. })));
    assert_eq!(shape(&kv, "user:1:profile").await?, before);
    Ok(())
}

#[tokio::test]
async fn a_write_version_keeps_new_code_readable_and_lowers_nothing() -> Outcome {
    let (kv, _) = memory();
    let cautious = kv.collection::<CautiousUser>();
    cautious
        .put(&CautiousUser { id: 1, user_name: "ada".to_owned(), roles: vec!["admin".to_owned()] })
        .await?;
    let read = kv.collection::<UserV2>().get(1).await?;
    assert_eq!(read, Some(UserV2 { id: 1, name: "ada".to_owned(), visits: 0, role: "admin".to_owned() }));
    kv.collection::<UserV2>().update(1, |user| user.name = "bob".to_owned()).await?;
    let changed = cautious.update(1, |user| user.roles.insert(0, "owner".to_owned())).await?;
    assert_eq!((changed.user_name.as_str(), shape(&kv, "user:1:profile").await?.0), ("bob", 2));
    // A record that is newer than what is written stays so.
    lay(&kv, "user:3:profile", 3, r#"{"user_name":"ada","role":"x"}"#).await?;
    cautious.update(3, |user| user.user_name.push('!')).await?;
    assert_eq!(shape(&kv, "user:3:profile").await?, (3, r#"{"user_name":"ada!","role":"x"}"#.to_owned()));
    Ok(())
}
