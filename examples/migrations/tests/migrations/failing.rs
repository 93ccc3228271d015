//! Records that no step understands: they are reported, and stay as they are.

use kv_runtime::Error;
use kv_runtime::key::Key;
use kv_runtime::store::StoreExt;
use serde_json::{Value, json};

use crate::Outcome;
use crate::country::Country;
use crate::releases::{release, stand_as};

/// Switzerland of 1.4.0, changed.
async fn fails_with(member: &str, value: Value, reason: &str) -> Outcome {
    let mut countries = release("1.4.0")?.countries;
    countries.get_mut("CHE").ok_or("Switzerland is not there")?.insert(member.to_owned(), value);
    let kv = stand_as(&countries, 1).await?;
    let before = kv.store().read(&Key::from_text("country:CHE")).await?.ok_or("not there")?;

    let report = kv.collection::<Country>().migrate_all().run().await?;
    assert_eq!((report.migrated, report.failed), (249, 1), "{member}");
    assert_eq!(report.failures[0].key, "country:CHE");
    let text = report.to_string();
    assert!(text.contains(reason), "{member}: {text}");

    let after = kv.store().read(&Key::from_text("country:CHE")).await?.ok_or("not there")?;
    assert_eq!((after.value, after.metadata), (before.value, before.metadata), "{member}");
    let read = kv.collection::<Country>().get("CHE").await;
    assert!(matches!(read, Err(Error::MigrationFailed { .. })), "{member}: {read:?}");
    Ok(())
}

#[tokio::test]
async fn a_record_that_a_step_refuses_stays() -> Outcome {
    fails_with(
        "language",
        json!(["German", "Klingon"]),
        "the language \"Klingon\" has no code in languages.tsv",
    )
    .await?;
    fails_with("language", json!(["Malay", "Malaysian"]), "have one code, msa").await?;
    fails_with("language", json!("German"), "member `language`").await?;
    fails_with("callingCode", json!(["41", "39"]), "the calling codes [\"41\", \"39\"] have no common root")
        .await
}
