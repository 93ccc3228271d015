//! A proxy between a client and a server on 127.0.0.1, which counts round trips and breaks
//! connections on request.
//!
//! For a test that needs one: `#[path = "../support/proxy.rs"] mod proxy;`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// It lives as long as the process; its port is freed then.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: AtomicU16,
    round_trips: AtomicUsize,
    accepted: AtomicUsize,
    fault: Mutex<Option<Fault>>,
    delay: Mutex<Duration>,
    /// What new connections are answered with, instead of being led to a server.
    answer: Mutex<Option<Vec<u8>>>,
    connections: Mutex<Vec<Arc<Connection>>>,
    /// Connections that the proxy answers by itself.
    answered: Mutex<Vec<TcpStream>>,
}

/// Both sides of one connection.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    is_silent: AtomicBool,
}

/// What happens to the next bytes, once.
pub enum Fault {
    /// What the client sends is lost, and the connection with it.
    LoseRequest,
    /// The server gets it; of its answer so many bytes come through, and the connection is lost.
    /// Before that the function is called.
    CutReply(usize, Box<dyn FnOnce() + Send>),
    /// The server gets it. Its answer is lost, as is everything later on this connection, and
    /// nothing is closed.
    SilenceReply,
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
        let shared = Arc::new(Shared {
            server: AtomicU16::new(server),
            round_trips: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
            fault: Mutex::default(),
            delay: Mutex::default(),
            answer: Mutex::default(),
            connections: Mutex::default(),
            answered: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.accepted.fetch_add(1, Ordering::SeqCst);
                // A server that is not there closes the connection.
                drop(connect(client, &accepting));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Has this happen, once.
    pub fn arm(&self, fault: Fault) {
        *lock(&self.shared.fault) = Some(fault);
    }

    /// Has nothing happen any more that has not happened yet.
    pub fn disarm(&self) {
        *lock(&self.shared.fault) = None;
    }

    /// How often the client sent something and waited.
    pub fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// How many connections were made to it.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, server: u16) {
        self.shared.server.store(server, Ordering::SeqCst);
    }

    /// Has every answer come later.
    pub fn delay(&self, delay: Duration) {
        *lock(&self.shared.delay) = delay;
    }

    /// Drops the bytes of the connections that there are, both ways, and closes none.
    pub fn silence(&self) {
        for connection in lock(&self.shared.connections).iter() {
            connection.is_silent.store(true, Ordering::SeqCst);
        }
    }

    /// Closes the connections that there are.
    pub fn cut(&self) {
        for connection in lock(&self.shared.connections).drain(..) {
            connection.close();
        }
        for client in lock(&self.shared.answered).drain(..) {
            // The client may have closed it.
            drop(client.shutdown(Shutdown::Both));
        }
    }

    /// Drops all bytes, those of new connections too, and closes nothing.
    pub fn part(&self) {
        self.answer(Some(b""));
        self.silence();
    }

    /// Ends that. The connections that were silent are closed.
    pub fn heal(&self) {
        self.answer(None);
        self.cut();
    }

    /// Answers whatever new connections send with these bytes, or leads them to the server again.
    pub fn answer(&self, answer: Option<&[u8]>) {
        *lock(&self.shared.answer) = answer.map(<[u8]>::to_vec);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    if let Some(answer) = lock(&shared.answer).clone() {
        lock(&shared.answered).push(client.try_clone()?);
        std::thread::spawn(move || answer_by_itself(client, &answer));
        return Ok(());
    }
    let server = TcpStream::connect(("127.0.0.1", shared.server.load(Ordering::SeqCst)))?;
    server.set_nodelay(true)?;
    let connection = Arc::new(Connection { client, server, is_silent: AtomicBool::new(false) });
    lock(&shared.connections).push(Arc::clone(&connection));
    let last = Arc::new(Mutex::new(Way::ToClient));
    for way in [Way::ToServer, Way::ToClient] {
        let (shared, last, connection) = (Arc::clone(shared), Arc::clone(&last), Arc::clone(&connection));
        std::thread::spawn(move || {
            // An end of either side ends the other.
            drop(forward(way, &connection, &shared, &last));
            connection.close();
        });
    }
    Ok(())
}

fn answer_by_itself(mut client: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    while client.read(&mut buffer)? > 0 {
        client.write_all(answer)?;
    }
    Ok(())
}

impl Connection {
    fn close(&self) {
        // One side may be gone already.
        drop((self.client.shutdown(Shutdown::Both), self.server.shutdown(Shutdown::Both)));
    }
}

fn forward(way: Way, connection: &Connection, shared: &Shared, last: &Mutex<Way>) -> std::io::Result<()> {
    let (mut from, mut to) = match way {
        Way::ToServer => (&connection.client, &connection.server),
        Way::ToClient => (&connection.server, &connection.client),
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        if connection.is_silent.load(Ordering::SeqCst) {
            continue;
        }
        let before = std::mem::replace(&mut *lock(last), way);
        if way == Way::ToServer && before == Way::ToClient {
            shared.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        if way == Way::ToClient {
            let delay = *lock(&shared.delay);
            std::thread::sleep(delay);
        }
        match armed(shared, way) {
            None => to.write_all(&buffer[..len])?,
            Some(Fault::LoseRequest) => return Ok(()),
            Some(Fault::SilenceReply) => connection.is_silent.store(true, Ordering::SeqCst),
            Some(Fault::CutReply(shown, before)) => {
                before();
                return to.write_all(&buffer[..shown.min(len)]);
            }
        }
    }
}

/// The fault that strikes bytes that go this way.
fn armed(shared: &Shared, way: Way) -> Option<Fault> {
    let mut armed = lock(&shared.fault);
    match (&*armed, way) {
        (Some(Fault::LoseRequest), Way::ToServer)
        | (Some(Fault::CutReply(..) | Fault::SilenceReply), Way::ToClient) => armed.take(),
        _ => None,
    }
}
