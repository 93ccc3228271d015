//! One request to the API: its address, its attempts, and the bytes of its answer.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kv_store::__private::network::within;
use kv_store::{Clock, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::runtime::Handle;

use super::failure::{Cause, Failure, Refusal};
use super::reply::Envelope;

/// All but what no part of an address gives a meaning to. `/` and `%` in a key are no separators.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The first pause; each further one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause that the server did not ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How much of the server's message an error shows.
const LONGEST_MESSAGE: usize = 200;

/// The longest answer that is read, whatever the server says: 100 values together have at most 25
/// MiB, and a character of a value may take six in JSON.
pub(super) const LONGEST_ANSWER: usize = 160 << 20;

pub(super) struct Client {
    pub(super) http: reqwest::Client,
    /// What drives its connections.
    pub(super) runtime: Handle,
    /// Up to the namespace, with a `/` at its end.
    pub(super) base: String,
    pub(super) token: HeaderValue,
    pub(super) clock: Clock,
    pub(super) attempts: u32,
    pub(super) longest_wait: Duration,
}

/// What is asked of the API.
pub(super) struct Request {
    method: Method,
    /// Behind the namespace, escaped.
    path: String,
    json: Option<Bytes>,
    /// Whether the keys of the request hold secret ids, which the server's words might quote.
    secret: bool,
}

/// What came back with a status of success.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, json: None, secret: false }
    }

    pub(super) fn post(path: &str, json: Bytes) -> Self {
        Self { method: Method::POST, path: path.to_owned(), json: Some(json), secret: false }
    }

    pub(super) fn put(path: &str, json: Bytes) -> Self {
        Self { method: Method::PUT, path: path.to_owned(), json: Some(json), secret: false }
    }

    pub(super) fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }
}

/// A part of a path or of a query.
pub(super) fn escape(part: &str) -> String {
    utf8_percent_encode(part, ESCAPED).to_string()
}

impl Client {
    /// The result of a request, which must have one.
    pub(super) async fn result<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        let envelope = self.envelope::<T>(request).await?;
        envelope.result.ok_or(Failure {
            cause: Cause::NoAnswer("it has no result"),
            may_be_done: true,
            attempts: 1,
        })
    }

    /// The answer of a request, as JSON.
    pub(super) async fn envelope<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<Envelope<T>, Failure> {
        self.attempt(request, |answer| parse(&answer.body, request.secret)).await
    }

    /// The answer of a request, as it is.
    pub(super) async fn answer(&self, request: &Request) -> Result<Answer, Failure> {
        self.attempt(request, Ok).await
    }

    /// Makes the request, and repeats it with pauses as often as the options allow. All requests
    /// are idempotent: a write contains the whole record.
    async fn attempt<T>(
        &self,
        request: &Request,
        read: impl Fn(Answer) -> Result<T, Cause>,
    ) -> Result<T, Failure> {
        let (mut attempts, mut may_be_done) = (0, false);
        loop {
            attempts += 1;
            let cause = match self.once(request).await.and_then(&read) {
                Ok(read) => return Ok(read),
                Err(cause) => cause,
            };
            may_be_done |= cause.may_be_done();
            let pause = pause(attempts, cause.retry_after());
            let last = attempts >= self.attempts || !cause.is_transient() || pause > self.longest_wait;
            if last {
                return Err(Failure { cause, may_be_done, attempts });
            }
            tracing::debug!(attempts, ?pause, status = cause.status(), "retrying a request to Cloudflare KV");
            if let Err(cause) = self.wait(pause).await {
                return Err(Failure { cause, may_be_done, attempts });
            }
        }
    }

    async fn wait(&self, pause: Duration) -> Result<(), Cause> {
        self.clock.timer().sleep(pause).map_err(Cause::NoTimer)?.await;
        Ok(())
    }

    /// The pause before keys are sent again that a batch did not take.
    pub(super) async fn pause_after(&self, rounds: u32) -> Result<(), Failure> {
        self.wait(pause(rounds, None)).await.map_err(Failure::unsent)
    }

    async fn once(&self, request: &Request) -> Result<Answer, Cause> {
        within(&self.runtime, self.exchange(request)).await
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Cause> {
        let address = format!("{}{}", self.base, request.path);
        let url = Url::parse(&address).map_err(|_| Cause::NoAnswer("its address is none"))?;
        let mut builder =
            self.http.request(request.method.clone(), url).header(AUTHORIZATION, self.token.clone());
        if let Some(json) = &request.json {
            builder = builder.header(CONTENT_TYPE, "application/json").body(json.clone());
        }
        let response = builder.send().await.map_err(connection)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = read_body(response).await;
        if status.is_success() {
            return Ok(Answer { headers, body: body? });
        }
        // The status says enough if the body cannot be read.
        Err(Cause::Refused(self.refusal(status, &headers, &body.unwrap_or_default(), request.secret)))
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], secret: bool) -> Refusal {
        let envelope = serde_json::from_slice::<Envelope<IgnoredAny>>(body).ok();
        let error = envelope.and_then(|it| it.errors).and_then(|errors| errors.into_iter().next());
        let retry_after = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        Refusal {
            status: status.as_u16(),
            code: error.as_ref().and_then(|error| error.code),
            message: error.and_then(|error| error.message).filter(|_| !secret).map(cut),
            retry_after: retry_after.and_then(|it| parse_retry_after(it, self.clock.now())),
        }
    }
}

impl Cause {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

/// The API's JSON; an answer of success may yet say that it is none.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], secret: bool) -> Result<Envelope<T>, Cause> {
    let envelope: Envelope<T> =
        serde_json::from_slice(body).map_err(|_| Cause::NoAnswer("its body is not the JSON of an answer"))?;
    if envelope.success == Some(false) {
        let error = envelope.errors.and_then(|errors| errors.into_iter().next());
        return Err(Cause::Refused(Refusal {
            status: StatusCode::OK.as_u16(),
            code: error.as_ref().and_then(|error| error.code),
            message: error.and_then(|error| error.message).filter(|_| !secret).map(cut),
            retry_after: None,
        }));
    }
    Ok(envelope)
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(connection)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Cause::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Without the address, which holds a key.
fn connection(error: reqwest::Error) -> Cause {
    Cause::Connection(error.without_url())
}

fn cut(mut message: String) -> String {
    let end = (0..=LONGEST_MESSAGE.min(message.len())).rev().find(|at| message.is_char_boundary(*at));
    message.truncate(end.unwrap_or_default());
    message
}

/// What the server asks for, or longer each time, and at random so that many callers do not come
/// back at once.
fn pause(attempts: u32, asked: Option<Duration>) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    let own = most.mul_f64(0.5 + fastrand::f64() / 2.0);
    asked.map_or(own, |asked| asked.max(own))
}

/// Seconds, or a date.
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date: SystemTime = httpdate::parse_http_date(text).ok()?;
            Some(Timestamp::from(date).saturating_since(now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_part_of_an_address() {
        assert_eq!(escape("user:a/b %é?#&+"), "user%3Aa%2Fb%20%25%C3%A9%3F%23%26%2B");
        assert_eq!(escape("a-b_c.d~0"), "a-b_c.d~0");
    }

    #[test]
    fn pauses_grow_and_are_as_long_as_the_server_asks() {
        let first = pause(1, None);
        assert!(first >= FIRST_PAUSE / 2 && first <= FIRST_PAUSE);
        assert!(pause(40, None) <= LONGEST_PAUSE && pause(40, None) >= LONGEST_PAUSE / 2);
        assert_eq!(pause(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_millis(784_111_777_000 - 5_000);
        assert_eq!(parse_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(5)));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn the_servers_words_are_cut_between_characters() {
        assert_eq!(cut("é".repeat(200)).len(), 200);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
