//! A client that asks for rates, and shows where the answers come from and what the upstream had to
//! do for them.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use examples_support::client::client;
use kv_runtime::ManualClock;
use reqwest::Client;
use tokio::task::JoinSet;

use super::app::Rate;
use super::upstream::{Mode, Upstream};

const MINUTE: Duration = Duration::from_secs(60);

struct Visitor<'a> {
    client: Client,
    server: SocketAddr,
    upstream: &'a Upstream,
}

pub async fn all(server: SocketAddr, upstream: &Upstream, clock: &ManualClock) -> Result<(), Box<dyn Error>> {
    let visitor = Visitor { client: client()?, server, upstream };

    println!("64 clients ask at once, for the first time:");
    upstream.set(Mode { slow_ms: 50, failing: false });
    visitor.crowd(64, "USD").await?;

    println!("\nAnswers are fresh for a minute, as the upstream says:");
    visitor.ask("USD", "at once").await?;
    clock.advance(MINUTE);
    visitor.ask("USD", "a minute later").await?;

    println!("\nThe upstream takes a second. Clients get the older answer and do not wait:");
    upstream.set(Mode { slow_ms: 1_000, failing: false });
    clock.advance(MINUTE);
    visitor.ask("USD", "a minute later").await?;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    visitor.ask("USD", "when the upstream has answered").await?;

    println!("\nThe upstream is down:");
    upstream.set(Mode { slow_ms: 0, failing: true });
    clock.advance(MINUTE);
    visitor.ask("USD", "a minute later").await?;
    visitor.crowd(64, "USD").await?;
    visitor.ask("GBP", "which nobody has asked for yet").await?;
    clock.advance(11 * MINUTE);
    visitor.ask("USD", "eleven minutes later").await?;

    println!("\nThe upstream is back:");
    upstream.set(Mode::default());
    clock.advance(Duration::from_secs(2));
    visitor.ask("USD", "two seconds later").await?;

    println!("\nThe cache also remembers that there is no such currency:");
    visitor.ask("XXX", "at once").await?;
    visitor.ask("XXX", "once more").await?;
    Ok(())
}

impl Visitor<'_> {
    async fn ask(&self, currency: &'static str, when: &str) -> Result<(), Box<dyn Error>> {
        let before = self.upstream.calls();
        let (answer, from) = get(self.client.clone(), self.server, currency).await?;
        let calls = self.upstream.calls() - before;
        println!("  {currency} {when:<31}{answer:<17}{:<13}{calls} calls", from.unwrap_or_default());
        Ok(())
    }

    async fn crowd(&self, clients: usize, currency: &'static str) -> Result<(), Box<dyn Error>> {
        let before = self.upstream.calls();
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(get(self.client.clone(), self.server, currency));
        }
        let mut answers = BTreeMap::<_, usize>::new();
        for answer in tasks.join_all().await {
            *answers.entry(answer?).or_default() += 1;
        }
        let calls = self.upstream.calls() - before;
        for ((answer, from), times) in answers {
            let when = format!("{times} times");
            println!("  {currency} {when:<31}{answer:<17}{:<13}{calls} calls", from.unwrap_or_default());
        }
        Ok(())
    }
}

/// Returns the answer in words, and its source.
async fn get(
    client: Client,
    server: SocketAddr,
    currency: &'static str,
) -> reqwest::Result<(String, Option<String>)> {
    let response = client.get(format!("http://{server}/rates/{currency}")).send().await?;
    let from = response.headers().get("x-cache").and_then(|value| value.to_str().ok());
    let from = from.map(|from| format!("from {from}"));
    if !response.status().is_success() {
        return Ok((response.status().to_string(), from));
    }
    let rate: Rate = response.json().await?;
    Ok((format!("{:.3}", rate.per_euro), from))
}
