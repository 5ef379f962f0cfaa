//! A webhook's receiver: takes what it is sent over HTTP, keeps it, and answers as the test says.
//!
//! Speaks just enough HTTP/1.1 for that, on threads of its own, so that tests of the program and tests in process can
//! both have one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::engine::eventually;

/// The secret that it shares with the server.
pub const SECRET: &str = "the secret of a school's gateway";

/// One request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
    /// What it was answered with.
    pub status: u16,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the webhook is sent JSON")
    }

    /// What it is a notice of.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("a notice has an id").to_owned()
    }
}

type Answer = Box<dyn FnMut(&Value) -> u16 + Send>;

struct Shared {
    received: Vec<Received>,
    answer: Answer,
}

/// A receiver that listens.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let receiver = Self {
            address: listener.local_addr().expect("a listener has an address"),
            shared: Arc::new(Mutex::new(Shared {
                received: Vec::new(),
                answer: Box::new(|_| 204),
            })),
        };
        let serving = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let receiver = serving.clone();
                // A sender that is killed breaks off in the middle.
                std::thread::spawn(move || receiver.converse(stream).ok());
            }
        });
        receiver
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers so from now on; with 0 it hangs up.
    pub fn answers(&self, answer: impl FnMut(&Value) -> u16 + Send + 'static) {
        self.shared().answer = Box::new(answer);
    }

    /// All that came, in its order.
    pub fn received(&self) -> Vec<Received> {
        self.shared().received.clone()
    }

    /// The body of the `nth` request, from 1, which is waited for.
    pub async fn nth(&self, nth: usize) -> Value {
        eventually("the webhook is sent that", async || self.received().len() >= nth).await;
        self.received()[nth - 1].json()
    }

    /// What was taken.
    pub fn taken(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|received| received.status == 204);
        received
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut answers = stream.try_clone()?;
        let mut requests = BufReader::new(stream);
        while let Some(headers) = read_head(&mut requests)? {
            let length = headers
                .get("content-length")
                .and_then(|length| length.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            requests.read_exact(&mut body)?;
            let body = String::from_utf8_lossy(&body).into_owned();
            let json = serde_json::from_str(&body).unwrap_or_default();
            let status = {
                let mut shared = self.shared();
                let status = (shared.answer)(&json);
                shared.received.push(Received {
                    headers,
                    body,
                    status,
                });
                status
            };
            if status == 0 {
                return Ok(());
            }
            write!(
                answers,
                "HTTP/1.1 {status} As The Test Says\r\ncontent-length: 0\r\n\r\n"
            )?;
        }
        Ok(())
    }
}

/// The headers of the next request; none where there is none.
fn read_head(requests: &mut impl BufRead) -> std::io::Result<Option<BTreeMap<String, String>>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some(headers));
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.into());
        }
    }
}
