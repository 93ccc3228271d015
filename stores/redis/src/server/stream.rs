//! The bytes between here and a server: TCP, TLS over it, or a socket.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::RedisError;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Address;
use crate::tls::{Connector, TlsStream};

/// After so much silence the kernel asks whether the other side is still there, so often, and so
/// many times. It then closes the connection, which fails the calls on it.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
#[cfg(not(windows))]
const KEEPALIVE_TRIES: u32 = 3;

/// How long bytes that were sent may stay unconfirmed before the kernel closes the connection.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(20);

pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    #[cfg(unix)]
    Socket(tokio::net::UnixStream),
}

impl Stream {
    pub(super) async fn open(address: &Address, tls: Option<&Connector>) -> Result<Self, RedisError> {
        match address {
            Address::Tcp { host, port } => {
                let stream = connect(host, *port).await?;
                match tls {
                    Some(tls) => Ok(Self::Tls(Box::new(tls.connect(host, stream).await?))),
                    None => Ok(Self::Tcp(stream)),
                }
            }
            #[cfg(unix)]
            Address::Socket(path) => Ok(Self::Socket(tokio::net::UnixStream::connect(path).await?)),
            #[cfg(not(unix))]
            Address::Socket(_) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        }
    }
}

/// Connects to the first address of the host that answers.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                set_options(&stream)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_TRIES);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNCONFIRMED))?;
    Ok(())
}

/// Does the same on whichever stream it is.
macro_rules! on {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            Stream::Tls($inner) => $call,
            #[cfg(unix)]
            Stream::Socket($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on!(&mut *self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(&mut *self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(&mut *self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(&mut *self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on!(&mut *self, stream => Pin::new(stream).poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        on!(self, stream => stream.is_write_vectored())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_is_told_to_end_silent_connections() -> io::Result<()> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let stream = connect("127.0.0.1", listener.local_addr()?.port()).await?;
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive()? && socket.tcp_nodelay()?);
        assert_eq!(socket.tcp_keepalive_time()?, KEEPALIVE_AFTER);
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_interval()?, KEEPALIVE_EVERY);
            assert_eq!(socket.tcp_keepalive_retries()?, KEEPALIVE_TRIES);
            assert_eq!(socket.tcp_user_timeout()?, Some(UNCONFIRMED));
        }
        // As kv-runtime/docs/redis.md says.
        let silent = KEEPALIVE_AFTER + KEEPALIVE_EVERY * 3;
        assert!(silent <= Duration::from_secs(30), "{silent:?}");
        Ok(())
    }
}
