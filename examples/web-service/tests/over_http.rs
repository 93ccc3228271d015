//! The example `web-service` over HTTP: who may do what, and what a restart leaves.

#![cfg(unix)] // Ctrl-C is sent by `kill`.

use examples_support::client::client;
use examples_support::testing::{Result, Server};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_web-service");

/// Sends a request with a key, and returns its status and answer.
async fn send(
    server: &Server,
    (client, key): (&Client, &str),
    (method, path): (Method, &str),
    body: &Value,
) -> Result<(StatusCode, Value)> {
    let mut request = client.request(method, server.url(path)).json(body);
    if !key.is_empty() {
        request = request.bearer_auth(key);
    }
    let response = request.send().await?;
    let status = response.status();
    Ok((status, serde_json::from_str(&response.text().await?).unwrap_or(Value::Null)))
}

/// Makes a tenant, and returns the key of its owner.
async fn tenant(server: &Server, name: &str) -> Result<String> {
    let new = json!({"name": name, "title": name, "owner": "ada", "email": "ada@example.com"});
    let (status, key) = send(server, (&client()?, ""), (Method::POST, "/tenants"), &new).await?;
    assert_eq!(status, StatusCode::CREATED);
    Ok(key["key"].as_str().ok_or("there is no key")?.to_owned())
}

#[tokio::test]
async fn each_request_needs_a_caller_of_the_right_role() -> Result {
    let server = Server::start(PROGRAM, [""; 0])?;
    let client = client()?;
    let owner = tenant(&server, "acme").await?;
    let bob = json!({"name": "bob", "email": "bob@example.com", "role": "member"});
    let (_, member) = send(&server, (&client, &owner), (Method::POST, "/users"), &bob).await?;
    let member = member["key"].as_str().ok_or("there is no key")?;

    let on = json!({"is_on": true});
    for (key, request, body, expected) in [
        ("", (Method::GET, "/projects"), Value::Null, StatusCode::UNAUTHORIZED),
        ("k-123", (Method::GET, "/projects"), Value::Null, StatusCode::UNAUTHORIZED),
        (member, (Method::PUT, "/flags/beta"), on.clone(), StatusCode::FORBIDDEN),
        (member, (Method::DELETE, "/tenant"), Value::Null, StatusCode::FORBIDDEN),
        (&owner, (Method::PUT, "/flags/beta"), on, StatusCode::OK),
        (&owner, (Method::POST, "/users"), bob, StatusCode::CONFLICT),
        (&owner, (Method::GET, "/projects?cursor=x"), Value::Null, StatusCode::BAD_REQUEST),
        (&owner, (Method::PATCH, "/projects/7"), json!({}), StatusCode::NOT_FOUND),
    ] {
        let (status, _) = send(&server, (&client, key), request.clone(), &body).await?;
        assert_eq!(status, expected, "{request:?}");
    }
    server.stop()
}

#[tokio::test]
async fn an_email_is_unique_within_its_tenant() -> Result {
    let server = Server::start(PROGRAM, [""; 0])?;
    let client = client()?;
    let (acme, other) = (tenant(&server, "acme").await?, tenant(&server, "other").await?);
    for (key, name, email, expected) in [
        (&acme, "bob", "ada@example.com", StatusCode::CONFLICT),
        (&acme, "bob", "bob@example.com", StatusCode::CREATED),
        (&acme, "rob", "bob@example.com", StatusCode::CONFLICT),
        (&other, "rob", "bob@example.com", StatusCode::CREATED),
    ] {
        let new = json!({"name": name, "email": email, "role": "member"});
        let (status, _) = send(&server, (&client, key), (Method::POST, "/users"), &new).await?;
        assert_eq!(status, expected, "{name} {email}");
    }
    for (key, name) in [(&acme, "bob"), (&other, "rob")] {
        let request = (Method::GET, "/users?email=bob@example.com");
        let (_, found) = send(&server, (&client, key), request, &Value::Null).await?;
        assert_eq!(found[0]["name"], name);
    }
    server.stop()
}

#[tokio::test]
async fn projects_get_different_numbers_from_requests_at_once() -> Result {
    let server = Server::start(PROGRAM, [""; 0])?;
    let (client, key) = (client()?, tenant(&server, "acme").await?);
    let create = |title: u32| {
        let request = client.post(server.url("/projects")).bearer_auth(&key);
        tokio::spawn(request.json(&json!({"title": title.to_string()})).send())
    };
    let requests: Vec<_> = (0..20).map(create).collect();
    let mut numbers = Vec::new();
    for request in requests {
        let project: Value = request.await??.error_for_status()?.json().await?;
        numbers.extend(project["number"].as_u64());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    server.stop()
}

#[tokio::test]
async fn a_restart_keeps_users_sessions_and_projects() -> Result {
    let directory = tempfile::tempdir()?;
    let store = format!("redb:{}", directory.path().join("service.redb").display());
    let options = ["--store", &store];
    let browser = client()?;

    let first = Server::start(PROGRAM, options)?;
    let key = tenant(&first, "acme").await?;
    let login = send(&first, (&browser, ""), (Method::POST, "/login"), &json!({ "key": key })).await?;
    assert_eq!(login.0, StatusCode::OK);
    let rockets = json!({"title": "Rockets"});
    send(&first, (&browser, ""), (Method::POST, "/projects"), &rockets).await?;
    first.stop()?;

    let second = Server::start(PROGRAM, options)?;
    // The cookie is of the same host, and the port does not matter to it.
    let (_, me) = send(&second, (&browser, ""), (Method::GET, "/me"), &Value::Null).await?;
    assert_eq!(me, json!({"tenant": "acme", "name": "ada", "email": "ada@example.com", "role": "owner"}));
    let (_, page) = send(&second, (&browser, ""), (Method::GET, "/projects"), &Value::Null).await?;
    assert_eq!(page["projects"][0]["title"], "Rockets");

    let gone = send(&second, (&browser, ""), (Method::DELETE, "/tenant"), &Value::Null).await?;
    assert_eq!(gone.0, StatusCode::NO_CONTENT);
    for (request, expected) in
        [((Method::GET, "/me"), StatusCode::UNAUTHORIZED), ((Method::POST, "/projects"), StatusCode::GONE)]
    {
        let (status, _) = send(&second, (&browser, &key), request, &rockets).await?;
        assert_eq!(status, expected);
    }
    second.stop()
}
