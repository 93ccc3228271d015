//! What the new program does with people, after an index was added to them.

use std::error::Error as StdError;

use kv_runtime::store::AnyStore;
use kv_runtime::{Collection, Error, KvEntity};

/// As the old program has it, with an index.
#[derive(KvEntity)]
#[kv(prefix = "person")]
pub struct Person {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
}

/// Does what the arguments say, and tells what came of it.
pub async fn run(
    people: &Collection<Person, AnyStore>,
    arguments: &[String],
) -> Result<String, Box<dyn StdError>> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ok(match arguments.as_slice() {
        ["put", id, email] => {
            let put = people.put(&Person { id: id.parse()?, email: (*email).to_owned() }).await;
            match put {
                Ok(()) => format!("new wrote {id}"),
                Err(Error::NotUnique { holder, .. }) => format!("{holder} has it"),
                Err(error) => return Err(error.into()),
            }
        }
        ["find", email] => match people.by(Person::EMAIL).get(email).await {
            Ok(Some(person)) => format!("found {}", person.id),
            Ok(None) => "found none".to_owned(),
            Err(Error::IndexNotReady { .. }) => "not ready".to_owned(),
            Err(error) => return Err(error.into()),
        },
        ["build"] => {
            let report = people.build_indexes().no_older_writers().run().await?;
            format!("{} added, ready: {}", report.added, report.is_ready)
        }
        ["check"] => {
            let report = people.check_indexes().await?;
            format!("{} added, {} removed, {} violations", report.added, report.removed, report.violations)
        }
        _ => return Err("say what to do with people: put, find, build or check".into()),
    })
}
