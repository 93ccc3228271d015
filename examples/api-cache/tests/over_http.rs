//! The example `api-cache` over HTTP: what clients get, and what the upstream notices.

#![cfg(unix)] // Ctrl-C is sent by `kill`.

use std::time::Duration;

use examples_support::client::client;
use examples_support::testing::{Result, Server};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const PROGRAM: &str = env!("CARGO_BIN_EXE_api-cache");
const SECOND: Duration = Duration::from_secs(1);

struct Both {
    server: Server,
    upstream: String,
    client: Client,
}

#[derive(Debug, PartialEq)]
enum Answer {
    /// The rate, and where it is from.
    Rate(f64, String),
    Refused(StatusCode),
}

type Asked = Result<Answer>;

impl Both {
    /// Answers are fresh for a second.
    fn start() -> Result<Self> {
        let server = Server::start(PROGRAM, ["--max-age", "1"])?;
        let line = server.said().lines().find_map(|line| line.strip_prefix("upstream on "));
        let upstream = line.ok_or("it does not say where the upstream is")?.to_owned();
        Ok(Self { server, upstream, client: client()? })
    }

    async fn ask(&self, currency: &str) -> Asked {
        answer(self.client.get(self.server.url(&format!("/rates/{currency}")))).await
    }

    async fn mode(&self, mode: Value) -> reqwest::Result<()> {
        self.client.put(format!("{}/mode", self.upstream)).json(&mode).send().await?.error_for_status()?;
        Ok(())
    }

    async fn calls(&self) -> reqwest::Result<u64> {
        self.client.get(format!("{}/calls", self.upstream)).send().await?.json().await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Asked {
    let response = request.send().await?;
    if !response.status().is_success() {
        return Ok(Answer::Refused(response.status()));
    }
    let from = response.headers().get("x-cache").ok_or("it does not say where it is from")?;
    let from = from.to_str()?.to_owned();
    let body: Value = response.json().await?;
    Ok(Answer::Rate(body["per_euro"].as_f64().ok_or("there is no rate")?, from))
}

#[tokio::test]
async fn one_call_for_many_and_old_answers_rather_than_none() -> Result {
    let both = Both::start()?;

    both.mode(json!({"slow_ms": 300})).await?;
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let request = both.client.get(both.server.url("/rates/USD"));
        crowd.spawn(async move { answer(request).await.map_err(|error| error.to_string()) });
    }
    for answer in crowd.join_all().await {
        assert!(matches!(answer?, Answer::Rate(1.081, _)));
    }
    assert_eq!(both.calls().await?, 1);

    // Down: the old answer, and one call of the upstream a second at most.
    both.mode(json!({"failing": true})).await?;
    sleep(SECOND + SECOND / 10).await;
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(both.ask("USD").await?, Answer::Rate(1.081, "stale".to_owned()));
    }
    let bound = 2 + start.elapsed().as_secs();
    assert!((2..=bound + 1).contains(&both.calls().await?), "{} calls", both.calls().await?);
    assert_eq!(both.ask("GBP").await?, Answer::Refused(StatusCode::BAD_GATEWAY));

    // Slow: nobody waits for it who can have the old answer, and the new one comes behind their
    // backs.
    both.mode(json!({"slow_ms": 2_000})).await?;
    sleep(SECOND + SECOND / 10).await;
    let stale = timeout(SECOND + SECOND / 2, both.ask("USD")).await??;
    assert_eq!(stale, Answer::Rate(1.081, "stale".to_owned()));
    both.mode(json!({})).await?;
    let renewed = async {
        loop {
            match both.ask("USD").await? {
                Answer::Rate(per_euro, _) if per_euro > 1.081 => return Result::Ok(()),
                _ => {}
            }
            sleep(SECOND / 20).await;
        }
    };
    timeout(20 * SECOND, renewed).await??;

    // That there is none is an answer, too.
    let before = both.calls().await?;
    assert_eq!(both.ask("XXX").await?, Answer::Refused(StatusCode::NOT_FOUND));
    assert_eq!(both.ask("XXX").await?, Answer::Refused(StatusCode::NOT_FOUND));
    assert_eq!(both.calls().await?, before + 1);
    assert_eq!(both.ask("..%2Fcalls").await?, Answer::Refused(StatusCode::NOT_FOUND));

    let complaints = both.server.stop_with_complaints()?;
    assert!(complaints.starts_with("Rate `cache:rates:GBP` in memory: "), "{complaints}");
    assert_eq!(complaints.lines().count(), 1, "{complaints}");
    Ok(())
}
