//! A server that records what it is asked and answers what a test says.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use kv_runtime::store::{CloudflareOptions, CloudflareStore};
use kv_runtime::{Clock, Timer};

pub const TOKEN: &str = "very-secret-token";

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and target.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// What is answered to one.
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The connection ends before any answer.
    Cut,
    /// The connection ends in the middle of an answer.
    CutInside,
}

/// A result, as the API gives one.
pub fn ok(result: Value) -> Answer {
    let body = serde_json::json!({ "success": true, "errors": [], "messages": [], "result": result });
    Answer::Reply { status: 200, headers: Vec::new(), body: body.to_string() }
}

/// An error, as the API gives one.
pub fn refused(status: u16, code: u64, message: &str) -> Answer {
    let errors = serde_json::json!([{ "code": code, "message": message }]);
    let body = serde_json::json!({ "success": false, "errors": errors, "messages": [], "result": null });
    Answer::Reply { status, headers: Vec::new(), body: body.to_string() }
}

pub fn text(status: u16, body: &str) -> Answer {
    Answer::Reply { status, headers: Vec::new(), body: body.to_owned() }
}

impl Answer {
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    /// The pauses that were made, none of them waited for.
    pub pauses: Arc<Mutex<Vec<std::time::Duration>>>,
}

impl Server {
    /// Answers the requests by their number, from 0.
    pub async fn start(answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = format!("http://{}/client/v4", listener.local_addr().expect("it is bound"));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let recorded = Arc::clone(&requests);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (recorded, answer) = (Arc::clone(&recorded), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = read(&mut stream).await else { return };
                    let number = {
                        let mut recorded = recorded.lock().expect("no test panics in here");
                        recorded.push(request.clone());
                        recorded.len() - 1
                    };
                    write(&mut stream, answer(number, &request)).await;
                });
            }
        });
        Self { address, requests, pauses: Arc::default() }
    }

    pub fn options(&self) -> CloudflareOptions {
        let pauses = Arc::clone(&self.pauses);
        let timer = Timer::new(move |pause| {
            pauses.lock().expect("nothing panics in here").push(pause);
            async {}
        });
        CloudflareStore::options("account-1", "namespace-1", TOKEN)
            .base_url(&self.address)
            .clock(Clock::system().with_timer(timer))
    }

    pub fn store(&self) -> CloudflareStore {
        self.options().open().expect("the options are right")
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics in there").clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_len].to_vec()).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, length)| length.parse().ok())?;
    let mut body = bytes.split_off(head_len + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { line, headers, body: String::from_utf8(body).ok()? })
}

async fn write(stream: &mut TcpStream, answer: Answer) {
    let (text, whole) = match answer {
        Answer::Cut => return,
        Answer::CutInside => {
            ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"success\":".to_owned(), false)
        }
        Answer::Reply { status, headers, body } => {
            let mut text = format!(
                "HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            (format!("{text}\r\n{body}"), true)
        }
    };
    let written = stream.write_all(text.as_bytes()).await;
    if written.is_ok() && whole {
        // Whether the client still listens is its business.
        drop(stream.shutdown().await);
    }
}
