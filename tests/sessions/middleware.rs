//! What tower-sessions' own middleware makes of the store: its expectations, through requests and
//! cookies.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use kv_runtime::Kv;
use kv_runtime::store::MemoryStore;
use kv_runtime::tower_sessions::{KvSessionStore, StoredSession};
use tower::ServiceExt;
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::Outcome;

type Answer<T = ()> = Result<T, StatusCode>;

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn insert(session: Session) -> Answer {
    session.insert("foo", 42).await.map_err(failed)
}

async fn value(session: Session) -> Answer<String> {
    let value = session.get::<u32>("foo").await.map_err(failed)?;
    Ok(format!("{value:?}"))
}

async fn remove(session: Session) -> Answer {
    session.remove::<u32>("foo").await.map(|_| ()).map_err(failed)
}

async fn cycle_id(session: Session) -> Answer {
    session.cycle_id().await.map_err(failed)
}

async fn flush(session: Session) -> Answer {
    session.flush().await.map_err(failed)
}

/// Clears without looking: tower-sessions then saves under the cookie's id, whatever that is.
async fn clear(session: Session) {
    session.clear().await;
}

async fn end_with_browser(session: Session) {
    session.set_expiry(Some(Expiry::OnSessionEnd));
}

struct App {
    kv: Kv<MemoryStore>,
    router: Router,
}

impl App {
    fn new() -> Self {
        let kv = Kv::new(MemoryStore::new());
        let layer = SessionManagerLayer::new(KvSessionStore::new(&kv))
            .with_expiry(Expiry::OnInactivity(Duration::hours(1)));
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/insert", get(insert))
            .route("/value", get(value))
            .route("/remove", get(remove))
            .route("/cycle_id", get(cycle_id))
            .route("/flush", get(flush))
            .route("/clear", get(clear))
            .route("/end_with_browser", get(end_with_browser))
            .layer(layer);
        Self { kv, router }
    }

    async fn get(&self, path: &str, cookie: Option<&Cookie<'_>>) -> Outcome<Response> {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie.stripped().to_string());
        }
        let response = self.router.clone().oneshot(request.body(Body::empty())?).await?;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Ok(response)
    }

    async fn value(&self, cookie: Option<&Cookie<'_>>) -> Outcome<String> {
        let body = self.get("/value", cookie).await?.into_body();
        Ok(String::from_utf8(axum::body::to_bytes(body, 1_000).await?.into())?)
    }

    async fn sessions(&self) -> Outcome<usize> {
        Ok(self.kv.collection::<StoredSession>().list().ids().page().await?.ids.len())
    }
}

fn cookie_of(response: &Response) -> Option<Cookie<'static>> {
    let header = response.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    Cookie::parse(header.to_owned()).ok()
}

#[tokio::test]
async fn a_session_begins_with_its_first_value() -> Outcome {
    let app = App::new();
    assert!(cookie_of(&app.get("/", None).await?).is_none());
    assert_eq!(app.sessions().await?, 0);

    let cookie = cookie_of(&app.get("/insert", None).await?).ok_or("there is no cookie")?;
    assert_eq!((cookie.name(), cookie.http_only(), cookie.secure()), ("id", Some(true), Some(true)));
    assert_eq!(cookie.same_site(), Some(SameSite::Strict));
    assert!(cookie.max_age().is_some_and(|age| age <= Duration::hours(1)));
    assert_eq!(app.value(Some(&cookie)).await?, "Some(42)");
    assert_eq!(app.value(None).await?, "None");
    app.get("/remove", Some(&cookie)).await?;
    assert_eq!(app.value(Some(&cookie)).await?, "None");
    assert_eq!(app.sessions().await?, 1);
    Ok(())
}

/// Session fixation: an id that a client made up is never taken over.
#[tokio::test]
async fn an_id_that_the_client_made_up_has_no_session() -> Outcome {
    let app = App::new();
    for forged in ["AAAAAAAAAAAAAAAAAAAAAA", "malformed"] {
        let forged = Cookie::new("id", forged);
        let cookie = cookie_of(&app.get("/insert", Some(&forged)).await?).ok_or("there is no cookie")?;
        assert_ne!(cookie.value(), forged.value());
        assert_eq!(app.value(Some(&forged)).await?, "None");
    }
    let before = app.sessions().await?;
    app.get("/clear", Some(&Cookie::new("id", "AAAAAAAAAAAAAAAAAAAAAA"))).await?;
    assert_eq!(app.sessions().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_new_id_takes_the_values_along() -> Outcome {
    let app = App::new();
    let first = cookie_of(&app.get("/insert", None).await?).ok_or("there is no cookie")?;
    let second = cookie_of(&app.get("/cycle_id", Some(&first)).await?).ok_or("there is no cookie")?;
    assert_ne!(first.value(), second.value());
    assert_eq!(app.value(Some(&second)).await?, "Some(42)");
    assert_eq!(app.value(Some(&first)).await?, "None");
    assert_eq!(app.sessions().await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_end_takes_record_and_cookie() -> Outcome {
    let app = App::new();
    let cookie = cookie_of(&app.get("/insert", None).await?).ok_or("there is no cookie")?;
    let removal = cookie_of(&app.get("/flush", Some(&cookie)).await?).ok_or("there is no cookie")?;
    assert_eq!((removal.value(), removal.max_age()), ("", Some(Duration::ZERO)));
    assert_eq!(app.value(Some(&cookie)).await?, "None");
    assert_eq!(app.sessions().await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_kind_of_expiry_can_change() -> Outcome {
    let app = App::new();
    let cookie = cookie_of(&app.get("/insert", None).await?).ok_or("there is no cookie")?;
    let changed =
        cookie_of(&app.get("/end_with_browser", Some(&cookie)).await?).ok_or("there is no cookie")?;
    assert_eq!(changed.max_age(), None);
    assert_eq!(app.value(Some(&changed)).await?, "Some(42)");
    Ok(())
}
