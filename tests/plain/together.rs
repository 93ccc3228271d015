//! An express application with connect-redis and a service of this library share one Redis, and both
//! write all the time: for 3 seconds, or for `KV_TOGETHER_SECONDS`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kv_runtime::store::RedisStore;
use kv_runtime::{Error, Kv, KvEntity};
use serde::Deserialize;

use super::redis_server::RedisServer;
use super::{Outcome, program};

/// How many sessions there are, and how many tasks of the service write them.
const CLIENTS: usize = 8;
const TASKS: usize = 4;

#[derive(KvEntity, Clone, Debug)]
#[kv(shared_prefix = "sess:", plain)]
struct Session {
    #[kv(id, raw, secret)]
    id: String,
    #[serde(default)]
    views: u64,
    /// Only the service writes it.
    #[serde(default)]
    service: u64,
}

/// What the application says of a client at the end.
#[derive(Deserialize)]
struct Client {
    id: String,
    requests: u64,
    /// How often something that was written before was not there.
    back: u64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn an_application_with_connect_redis_and_a_service_lose_nothing() -> Outcome {
    let seconds = std::env::var("KV_TOGETHER_SECONDS").unwrap_or_else(|_| "3".to_owned());
    let server = Arc::new(RedisServer::start());
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?);
    let application = {
        let (url, clients) = (server.url(0), CLIENTS.to_string());
        std::thread::spawn(move || program("express_run.mjs", &url, &[&seconds, &clients]))
    };
    let (is_over, counted) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeMap::new())));
    let tasks = (0..TASKS).map(|_| {
        let (sessions, is_over, counted) = (kv.collection::<Session>(), is_over.clone(), counted.clone());
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let ids = sessions.list().ids().page().await?.ids;
                if ids.is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                for id in ids {
                    sessions.update(id.as_str(), |session| session.service += 1).await?;
                    *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(0_u64) += 1;
                }
            }
            Ok::<_, Error>(())
        })
    });
    let tasks: Vec<_> = tasks.collect();
    while !application.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let ended = application.join().map_err(|_| "the application failed")?;
    let counted = counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (mut requests, mut updates) = (0, 0);
    let sessions = kv.collection::<Session>();
    for line in ended.lines() {
        let client: Client = serde_json::from_str(line)?;
        let session = sessions.get(client.id.as_str()).await?.ok_or("the session is there")?;
        assert_eq!((session.views, client.back), (client.requests, 0));
        assert_eq!(Some(&session.service), counted.get(&client.id));
        requests += client.requests;
        updates += session.service;
    }
    assert_eq!((ended.lines().count(), counted.len()), (CLIENTS, CLIENTS));
    assert!(requests > 0 && updates > 0);
    println!("{requests} requests and {updates} updates of {CLIENTS} sessions; none was lost");
    Ok(())
}
