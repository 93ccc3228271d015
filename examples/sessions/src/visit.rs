//! A client with a cookie jar, which visits the server and prints its answers.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use examples_support::client::client;
use kv_runtime::store::RedbStore;
use kv_runtime::tower_sessions::StoredSession;
use kv_runtime::{Kv, ManualClock};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Response, StatusCode};

use super::app::{Item, LogIn, Me};

const MINUTE: Duration = Duration::from_secs(60);

struct Visitor {
    client: Client,
    server: String,
}

pub async fn all(server: SocketAddr, kv: &Kv<RedbStore>, clock: &ManualClock) -> Result<(), Box<dyn Error>> {
    let visitor = Visitor { client: client()?, server: format!("http://{server}") };

    println!("A session begins with the log-in:");
    visitor.me("before").await?;
    visitor.log_in().await?;
    visitor.post("/cart", &Item { item: "tea".to_owned() }).await?.error_for_status()?;
    visitor.me("with tea in the cart").await?;

    println!("\nEach request extends it, with at most one write in five minutes:");
    let before = kv.store().stats().commits;
    for _ in 0..240 {
        clock.advance(MINUTE);
        visitor.get("/me").await?.error_for_status()?;
    }
    println!("  240 requests in four hours, {} writes", kv.store().stats().commits - before);
    visitor.me("four hours later").await?;

    println!("\nIt ends after thirty minutes without a request:");
    clock.advance(30 * MINUTE);
    visitor.me("after thirty minutes").await?;

    println!("\nA log-out is final, even while another request runs:");
    let cookie = visitor.log_in().await?;
    let (checked_out, logged_out) = tokio::join!(visitor.post("/checkout", &()), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        visitor.post("/logout", &()).await
    });
    show("POST /logout", "during the checkout", logged_out?.status());
    show("POST /checkout", "which ends after the log-out", checked_out?.status());
    let kept = visitor.client.get(visitor.url("/me")).header(COOKIE, cookie).send().await?;
    show("GET  /me", "with the cookie from before", kept.status());
    let left = kv.collection::<StoredSession>().list().ids().page().await?.ids.len();
    println!("  {left} sessions are left in the store");
    Ok(())
}

impl Visitor {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(self.url(path)).send().await
    }

    async fn post(&self, path: &str, body: &impl serde::Serialize) -> reqwest::Result<Response> {
        self.client.post(self.url(path)).json(body).send().await
    }

    async fn me(&self, when: &str) -> Result<(), Box<dyn Error>> {
        let response = self.get("/me").await?;
        show("GET  /me", when, response.status());
        if response.status().is_success() {
            let Me { user, cart } = response.json().await?;
            println!("       {user}, cart: {cart:?}");
        }
        Ok(())
    }

    /// Returns the cookie as a client sends it.
    async fn log_in(&self) -> Result<String, Box<dyn Error>> {
        let response = self.post("/login", &LogIn { user: "ada".to_owned() }).await?;
        show("POST /login", "as ada", response.status());
        let cookie = response.headers().get(SET_COOKIE).ok_or("there is no cookie")?.to_str()?;
        let (id, attributes) = cookie.split_once("; ").ok_or("the cookie has no attributes")?;
        println!("       set-cookie: id=(a secret); {attributes}");
        Ok(id.to_owned())
    }
}

fn show(request: &str, when: &str, status: StatusCode) {
    println!("  {request:<16}{when:<34}{status}");
}
