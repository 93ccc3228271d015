//! Options, and an HTTP server that stops cleanly.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use crate::usage::option;

/// Serves on 127.0.0.1 until the returned task is aborted. Port 0 is any free port.
pub async fn spawn(app: Router, port: u16) -> Result<(SocketAddr, JoinHandle<()>), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            eprintln!("the server stopped: {error}");
        }
    });
    Ok((address, task))
}

/// Serves on 127.0.0.1 until Ctrl-C, then finishes the requests in progress.
pub async fn until_stopped(app: Router, port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}, until Ctrl-C", listener.local_addr()?);
    let stop = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("Ctrl-C is not heard, so the server stops: {error}");
        }
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    println!("stopped");
    Ok(())
}
