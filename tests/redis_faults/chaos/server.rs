//! One server behind a proxy.

use std::time::Duration;

use tokio::time::Instant;

use super::super::Test;
use super::super::load::{Load, counters};
use super::super::proxy::Proxy;
use super::super::redis_server::RedisServer;
use super::{COUNTERS, TASKS, ends_well, is_over, options, pause, seeded};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_loses_nothing() -> Test {
    let mut random = seeded();
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let proxy = Proxy::start(server.port());
    let connection = counters(options().connect(&proxy.url()).await?);
    let load = Load::start(std::slice::from_ref(&connection), TASKS, COUNTERS);
    let calm = load.every_task_goes_on(1).await?;
    let begin = Instant::now();
    while !is_over(begin) {
        match random.u8(0..7) {
            0 => {
                server.kill();
                pause(&mut random, 600).await;
                server.restart();
            }
            1 => {
                let frozen = server.freeze();
                pause(&mut random, 1_500).await;
                drop(frozen);
            }
            2 => proxy.cut(),
            3 => proxy.silence(),
            4 => {
                proxy.part();
                pause(&mut random, 1_500).await;
                proxy.heal();
            }
            5 => {
                proxy.answer(Some(b"-LOADING the data\r\n"));
                proxy.cut();
                pause(&mut random, 500).await;
                proxy.answer(None);
                proxy.cut();
            }
            _ => {
                proxy.delay(Duration::from_millis(random.u64(1..50)));
                pause(&mut random, 500).await;
                proxy.delay(Duration::ZERO);
            }
        }
        pause(&mut random, 600).await;
    }
    ends_well(load, &connection, calm).await.map(drop)
}
