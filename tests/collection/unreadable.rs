//! What could not be read back is refused by every call that writes, with words that teach, and
//! nothing is written.

use kv_runtime::store::AtomicStore;
use kv_runtime::{Codec, Error, Kv, KvEntity, ManualClock};
use serde::{Deserialize, Serialize};

use crate::{Outcome, on_every_store};

on_every_store!(
    no_call_writes_what_json_cannot_say,
    a_binary_codec_says_every_number,
    no_call_writes_what_a_binary_codec_cannot_read,
    an_older_version_is_held_to_it_too
);

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "sensor", group = "about")]
#[kv(group(name = "reading"))]
struct Sensor {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "reading")]
    degrees: Vec<f64>,
}

fn sensor(degrees: f64) -> Sensor {
    Sensor { id: 1, name: "roof".to_owned(), degrees: vec![degrees] }
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, codec: Codec, words: &str) {
    let Err(error) = result else { panic!("{result:?}") };
    assert!(matches!(&error, Error::Encode { codec: told, .. } if *told == codec), "{error:?}");
    assert!(!error.is_retryable());
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains(words), "{cause}");
}

async fn no_call_writes_what_json_cannot_say<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let sensors = kv.collection::<Sensor>();
    let refused = |result| assert_refused(result, Codec::Json, "in `degrees`: a number is NaN or infinite");
    let bad = sensor(f64::NAN);
    refused(sensors.put(&bad).await);
    refused(sensors.insert(&bad).await);
    refused(sensors.upsert(1, || sensor(f64::INFINITY), |_| ()).await.map(drop));
    assert_eq!(sensors.get(1).await?, None);
    sensors.put(&sensor(0.5)).await?;
    refused(sensors.update(1, |sensor| sensor.degrees[0] = f64::NEG_INFINITY).await.map(drop));
    refused(sensors.put(&bad).await);
    let Err(Error::Partial { written: 0, source, .. }) = sensors.put_many([&sensor(1.5), &bad]).await else {
        panic!("one of the two cannot be written")
    };
    refused(Err(*source));
    assert_eq!(sensors.get(1).await?, Some(sensor(0.5)));
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    stars: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    One { value: u8 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    note: Note,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "binary", codec = "postcard")]
struct Binary {
    #[kv(id)]
    id: u64,
    number: f64,
    note: Option<Note>,
    either: Option<Either>,
    tagged: Vec<Tagged>,
    flat: Option<Flat>,
    nothing: Vec<()>,
}

const PLAIN: Binary = Binary {
    id: 1,
    number: 0.0,
    note: None,
    either: None,
    tagged: Vec::new(),
    flat: None,
    nothing: Vec::new(),
};

async fn a_binary_codec_says_every_number<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let binaries = kv.collection::<Binary>();
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        binaries.put(&Binary { number, ..PLAIN }).await?;
        let read = binaries.get(1).await?.map(|binary| binary.number.to_bits());
        assert_eq!(read, Some(number.to_bits()));
    }
    Ok(())
}

async fn no_call_writes_what_a_binary_codec_cannot_read<S: AtomicStore>(
    kv: Kv<S>,
    _: ManualClock,
) -> Outcome {
    let binaries = kv.collection::<Binary>();
    let note = |text: Option<&str>| Note { text: text.map(str::to_owned), stars: 3 };
    let full = Binary { note: Some(note(Some("there"))), nothing: vec![(); 1_000], ..PLAIN };
    binaries.put(&full).await?;
    let cases = [
        (Binary { note: Some(note(None)), ..PLAIN }, "the field `text` is left out (`skip_serializing_if`)"),
        (Binary { either: Some(Either::Number(1)), ..PLAIN }, "asks the format what it holds (`untagged`"),
        (Binary { either: Some(Either::Text("a".into())), ..PLAIN }, "asks the format what it holds"),
        (Binary { tagged: vec![Tagged::One { value: 1 }], ..PLAIN }, "asks the format what it holds"),
        (Binary { flat: Some(Flat { note: note(Some("there")) }), ..PLAIN }, "does not tell its length"),
        (Binary { nothing: vec![(); 100_000], ..PLAIN }, "elements that take no bytes"),
    ];
    for (bad, words) in cases {
        let refused = |result| assert_refused(result, Codec::Postcard, words);
        refused(binaries.put(&bad).await);
        refused(binaries.insert(&Binary { id: 2, ..bad.clone() }).await);
        refused(binaries.update(1, |binary| *binary = bad.clone()).await.map(drop));
        assert_eq!(binaries.get(1).await?.as_ref(), Some(&full));
        assert_eq!(binaries.get(2).await?, None);
    }
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "gauge", version = 2, write_version = 1)]
struct Gauge {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "value", since = 2))]
    level: f64,
}

async fn an_older_version_is_held_to_it_too<S: AtomicStore>(kv: Kv<S>, _: ManualClock) -> Outcome {
    let gauges = kv.collection::<Gauge>();
    assert_refused(gauges.put(&Gauge { id: 1, level: f64::NAN }).await, Codec::Json, "in `level`");
    assert_eq!(gauges.get(1).await?, None);
    Ok(())
}
