//! A proxy between a client and a server on 127.0.0.1, which counts round trips and breaks connections when it is told to.
//!
//! For a test that needs one: `#[path = "../support/proxy.rs"] mod proxy;`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// It lives as long as the process; its port is freed then.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    round_trips: AtomicUsize,
    fault: Mutex<Option<Fault>>,
}

/// What happens to the next bytes.
pub enum Fault {
    /// What the client sends is lost, and the connection with it.
    LoseRequest,
    /// The server gets it; of its answer so many bytes come through, and the connection is lost. Before that the function is called.
    CutReply(usize, Box<dyn FnOnce() + Send>),
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    ToServer,
    ToClient,
}

impl Proxy {
    /// A proxy before the server on this port.
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared { server, round_trips: AtomicUsize::new(0), fault: Mutex::default() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                drop(connect(client, &accepting));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has this happen, once.
    pub fn arm(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// How often the client sent something and waited.
    pub fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", shared.server))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let last = Arc::new(Mutex::new(Way::ToClient));
    let ways = [(Way::ToServer, client.try_clone()?, server.try_clone()?), (Way::ToClient, server, client)];
    for (way, from, to) in ways {
        let (shared, last) = (Arc::clone(shared), Arc::clone(&last));
        std::thread::spawn(move || {
            // An end of either side ends the other.
            drop(forward(way, &from, &to, &shared, &last));
            drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
        });
    }
    Ok(())
}

fn forward(
    way: Way,
    mut from: &TcpStream,
    mut to: &TcpStream,
    shared: &Shared,
    last: &Mutex<Way>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        let before = std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), way);
        if way == Way::ToServer && before == Way::ToClient {
            shared.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        let fault = {
            let mut armed = shared.fault.lock().unwrap_or_else(PoisonError::into_inner);
            match (&*armed, way) {
                (Some(Fault::LoseRequest), Way::ToServer) | (Some(Fault::CutReply(..)), Way::ToClient) => {
                    armed.take()
                }
                _ => None,
            }
        };
        match fault {
            None => to.write_all(&buffer[..len])?,
            Some(Fault::LoseRequest) => return Ok(()),
            Some(Fault::CutReply(shown, before)) => {
                before();
                return to.write_all(&buffer[..shown.min(len)]);
            }
        }
    }
}
