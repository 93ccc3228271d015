//! The example `sessions` over HTTP, with a client that keeps cookies as a browser does.

#![cfg(unix)] // Ctrl-C is sent by `kill`.

use std::time::Duration;

use examples_support::client::client;
use examples_support::testing::{Result, Server};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sessions");

/// Logs in, and gives the cookie as it is sent.
async fn log_in(server: &Server, client: &Client, user: &str) -> Result<String> {
    let response = client.post(server.url("/login")).json(&json!({"user": user})).send().await?;
    let cookie = response.headers().get(SET_COOKIE).ok_or("there is no cookie")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

async fn me(server: &Server, client: &Client) -> reqwest::Result<Option<Value>> {
    let response = client.get(server.url("/me")).send().await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    response.error_for_status()?.json().await.map(Some)
}

#[tokio::test]
async fn log_in_and_out() -> Result {
    let server = Server::start(PROGRAM, [""; 0])?;
    let (ada, bob) = (client()?, client()?);
    assert_eq!(me(&server, &ada).await?, None);
    let cookie = log_in(&server, &ada, "ada").await?;
    log_in(&server, &bob, "bob").await?;
    ada.post(server.url("/cart")).json(&json!({"item": "tea"})).send().await?.error_for_status()?;
    assert_eq!(me(&server, &ada).await?, Some(json!({"user": "ada", "cart": ["tea"]})));
    assert_eq!(me(&server, &bob).await?, Some(json!({"user": "bob", "cart": []})));

    // A second log-in changes the id, and keeps the cart.
    let again = log_in(&server, &ada, "ada").await?;
    assert_ne!(cookie, again);
    assert_eq!(me(&server, &ada).await?, Some(json!({"user": "ada", "cart": ["tea"]})));
    let old = client()?.get(server.url("/me")).header(COOKIE, &cookie).send().await?;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);

    // A log-out while another request of the same session is under way.
    let checkout = tokio::spawn(ada.post(server.url("/checkout")).send());
    sleep(Duration::from_millis(400)).await;
    ada.post(server.url("/logout")).send().await?.error_for_status()?;
    checkout.await??.error_for_status()?;
    for cookie in [&cookie, &again] {
        let kept = client()?.get(server.url("/me")).header(COOKIE, cookie).send().await?;
        assert_eq!(kept.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(me(&server, &ada).await?, None);
    assert!(me(&server, &bob).await?.is_some());
    server.stop()
}

#[tokio::test]
async fn a_session_outlives_the_server_and_slides_until_it_is_left_alone() -> Result {
    let directory = tempfile::tempdir()?;
    let store = format!("redb:{}", directory.path().join("sessions.redb").display());
    let options = ["--store", &store, "--idle", "3"];
    let first = Server::start(PROGRAM, options)?;
    let cookie = log_in(&first, &client()?, "ada").await?;
    first.stop()?;

    let second = Server::start(PROGRAM, options)?;
    let get = || client().map(|client| client.get(second.url("/me")).header(COOKIE, &cookie));
    // Longer than the timeout in all.
    for _ in 0..4 {
        assert_eq!(get()?.send().await?.status(), StatusCode::OK);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(get()?.send().await?.status(), StatusCode::OK);
    sleep(Duration::from_millis(3_100)).await;
    assert_eq!(get()?.send().await?.status(), StatusCode::UNAUTHORIZED);
    second.stop()
}
