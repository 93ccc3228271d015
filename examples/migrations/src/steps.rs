//! Versions 1 to 3 of the entity: functions over the JSON object of a record. No struct of the old
//! shapes is kept.
//!
//! A step removes the old members from the object and inserts the new ones. The other members stay
//! as they are. If a step fails, the record stays as it is, and the read returns the error. So a
//! step fails on a value that it does not understand, and loses nothing.

use kv_runtime::BoxError;
use kv_runtime::migrate::Object;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The ISO 639-3 code of each language name in release 1.4.0: `deu<TAB>German`.
const LANGUAGES: &str = include_str!("../languages.tsv");

/// Of a language that nobody named, in ISO 639-3: undetermined.
const UNDETERMINED: &str = "und";

/// Release 1.4.0 to 2.0.0: the name becomes an object, two lists become one map of languages, the
/// capital becomes a list.
pub fn v1_to_v2(country: &mut Object) -> Result<(), BoxError> {
    let languages = without_empty(take(country, "language")?);
    // Two-letter codes in another order than the names, and often not of the same languages: of no
    // use beside the names.
    country.remove("languageCodes");
    let languages = coded(&languages)?;

    let common = take::<String>(country, "name")?;
    let native = take::<String>(country, "nativeName")?;
    // The old shape does not say in which language the native name is. It is the one that was
    // listed first.
    let language = languages.first().map_or(UNDETERMINED, |(code, _)| *code);
    let native = if native.is_empty() {
        json!({})
    } else {
        json!({ language: { "common": native, "official": null } })
    };
    country.insert("name".to_owned(), json!({ "common": common, "official": null, "native": native }));
    country.insert("languages".to_owned(), languages.into_iter().collect());

    // No capital, code or domain was an empty text.
    let capital = take::<String>(country, "capital")?;
    country.insert("capital".to_owned(), without_empty(vec![capital]).into());
    for member in ["callingCode", "currency", "tld"] {
        let list = take::<Vec<String>>(country, member)?;
        country.insert(member.to_owned(), without_empty(list).into());
    }

    let flag = flag(country.get("cca2").and_then(Value::as_str).unwrap_or_default());
    country.insert("flag".to_owned(), flag.into());
    Ok(())
}

/// Release 2.0.0 to 3.0.0: currency codes become keys, calling codes become a root and suffixes.
pub fn v2_to_v3(country: &mut Object) -> Result<(), BoxError> {
    let codes = take::<Vec<String>>(country, "currency")?;
    // The old shape has no names and symbols. An application that knows them can add them after the
    // migration.
    let currencies = codes.into_iter().map(|code| (code, json!({ "name": null, "symbol": null })));
    country.insert("currencies".to_owned(), currencies.collect());

    let codes = take::<Vec<String>>(country, "callingCode")?;
    country.insert("idd".to_owned(), root_and_suffixes(&codes)?);
    Ok(())
}

/// Takes a member out of the object. `T` is what the old shape promised.
fn take<T: DeserializeOwned>(object: &mut Object, member: &str) -> Result<T, BoxError> {
    let value = object.remove(member).ok_or_else(|| format!("there is no member `{member}`"))?;
    serde_json::from_value(value).map_err(|error| format!("member `{member}`: {error}").into())
}

fn without_empty(mut list: Vec<String>) -> Vec<String> {
    list.retain(|text| !text.is_empty());
    list
}

/// The languages with their codes, in their order.
fn coded(languages: &[String]) -> Result<Vec<(&'static str, &str)>, BoxError> {
    let mut coded: Vec<(&str, &str)> = Vec::with_capacity(languages.len());
    for language in languages {
        let mut table = LANGUAGES.lines().filter_map(|line| line.split_once('\t'));
        let code = table.find_map(|(code, name)| (name == language).then_some(code));
        let code = code.ok_or_else(|| format!("the language {language:?} has no code in languages.tsv"))?;
        if let Some((_, other)) = coded.iter().find(|(taken, _)| *taken == code) {
            return Err(format!("the languages {other:?} and {language:?} have one code, {code}").into());
        }
        coded.push((code, language));
    }
    Ok(coded)
}

/// The plus and the first digit are the root; what follows it in each code is a suffix.
fn root_and_suffixes(codes: &[String]) -> Result<Value, BoxError> {
    let root = codes.first().and_then(|code| code.get(..1)).unwrap_or_default();
    let suffixes: Option<Vec<&str>> = codes.iter().map(|code| code.strip_prefix(root)).collect();
    let suffixes = suffixes.ok_or_else(|| format!("the calling codes {codes:?} have no common root"))?;
    let root = if root.is_empty() { String::new() } else { format!("+{root}") };
    Ok(json!({ "root": root, "suffixes": suffixes }))
}

/// A flag is its country's code of two letters in regional indicators.
fn flag(cca2: &str) -> String {
    let indicator = |letter: char| char::from_u32(u32::from('🇦') + u32::from(letter) - u32::from('A'));
    cca2.chars().filter(char::is_ascii_uppercase).filter_map(indicator).collect()
}
