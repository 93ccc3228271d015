//! Clients of the service, which print its answers.

use std::error::Error;

use examples_support::client::client;
use reqwest::{Client, Method};
use serde_json::{Value, json};

pub async fn all(server: &str) -> Result<(), Box<dyn Error>> {
    let visitor = |key: &str| -> Result<Visitor, Box<dyn Error>> {
        Ok(Visitor { client: client()?, server: server.to_owned(), key: key.to_owned() })
    };
    let stranger = visitor("")?;

    println!("A new tenant has an owner, and its name must be unique:");
    let acme = json!({"name": "acme", "title": "Acme Ltd.", "owner": "ada", "email": "ada@acme.example"});
    let key = stranger.send(Method::POST, "/tenants", &acme).await?;
    stranger.send(Method::POST, "/tenants", &acme).await?;
    stranger.send(Method::GET, "/me", &Value::Null).await?;

    println!("\nA program sends its key with each request, and a browser logs in with it:");
    let ada = visitor(key["key"].as_str().unwrap_or_default())?;
    ada.send(Method::GET, "/me", &Value::Null).await?;
    let browser = visitor("")?;
    browser.send(Method::POST, "/login", &key).await?;
    let bob = json!({"name": "bob", "email": "bob@acme.example", "role": "member"});
    let key = browser.send(Method::POST, "/users", &bob).await?;
    let rob = json!({"name": "rob", "email": "bob@acme.example", "role": "member"});
    browser.send(Method::POST, "/users", &rob).await?;
    let bob = visitor(key["key"].as_str().unwrap_or_default())?;
    bob.send(Method::GET, "/users?email=bob@acme.example", &Value::Null).await?;
    let eve = json!({"name": "eve", "email": "eve@acme.example", "role": "owner"});
    bob.send(Method::POST, "/users", &eve).await?;

    println!("\nProjects are numbered, and listed in pages:");
    for title in ["Rockets", "Anvils", "Magnets"] {
        bob.send(Method::POST, "/projects", &json!({ "title": title })).await?;
    }
    bob.send(Method::PATCH, "/projects/2", &json!({"is_archived": true})).await?;
    let page = ada.send(Method::GET, "/projects", &Value::Null).await?;
    let next = format!("/projects?cursor={}", page["cursor"].as_str().unwrap_or_default());
    ada.send(Method::GET, &next, &Value::Null).await?;

    println!("\nAnother tenant sees nothing of this:");
    let other = json!({"name": "other", "title": "Other Inc.", "owner": "ada", "email": "ada@acme.example"});
    let key = stranger.send(Method::POST, "/tenants", &other).await?;
    let other = visitor(key["key"].as_str().unwrap_or_default())?;
    other.send(Method::GET, "/projects", &Value::Null).await?;
    other.send(Method::PATCH, "/projects/2", &json!({"title": "Mine"})).await?;

    println!("\nA flag is off until an owner turns it on:");
    bob.send(Method::GET, "/flags/beta", &Value::Null).await?;
    browser.send(Method::PUT, "/flags/beta", &json!({"is_on": true})).await?;
    bob.send(Method::GET, "/flags/beta", &Value::Null).await?;

    println!("\nThe owner deletes the tenant, and its users and keys are refused:");
    browser.send(Method::DELETE, "/tenant", &Value::Null).await?;
    bob.send(Method::GET, "/me", &Value::Null).await?;
    bob.send(Method::POST, "/projects", &json!({"title": "Late"})).await?;
    Ok(())
}

struct Visitor {
    client: Client,
    server: String,
    key: String,
}

impl Visitor {
    /// Sends a request, prints the answer, and returns what it contains.
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Box<dyn Error>> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.server));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let (request, status) = (format!("{method} {path}"), status.to_string());
        let line = format!("  {request:<20}{status:<18}{}", shown(&value, &text));
        println!("{}", line.trim_end());
        Ok(value)
    }
}

/// An answer without what differs from run to run.
fn shown(value: &Value, text: &str) -> String {
    match value {
        Value::Object(members) if members.contains_key("key") => "a key".to_owned(),
        Value::Object(members) if members.contains_key("projects") => {
            let projects: Vec<String> =
                members["projects"].as_array().into_iter().flatten().map(project).collect();
            let more = if members["cursor"].is_null() { "" } else { ", and more" };
            format!("[{}]{more}", projects.join(", "))
        }
        _ => text.to_owned(),
    }
}

fn project(project: &Value) -> String {
    let archived = if project["is_archived"] == true { " (archived)" } else { "" };
    format!("{} {}{archived}", project["number"], project["title"].as_str().unwrap_or_default())
}
