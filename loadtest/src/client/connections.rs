//! The connections of one worker thread.
//!
//! Promises: never more than the stated number at once; one that broke, or whose answer nobody waited for, is closed
//! and not used again. Whoever finds none free waits, and his latency counts meanwhile.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::Target;

/// What became of a request.
#[derive(Debug)]
pub enum Reply {
    /// An answer, complete.
    Answered {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
    },
    /// The connection could not be made, or broke.
    Lost,
    /// The time was up.
    TimedOut,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connections of one thread to one server. Lives inside a `LocalSet`.
pub struct Connections {
    target: Target,
    idle: RefCell<VecDeque<Connection>>,
    permits: Semaphore,
}

impl Connections {
    /// At most `count_max` connections, none of them open yet.
    pub fn new(target: Target, count_max: usize) -> Self {
        Self {
            target,
            idle: RefCell::new(VecDeque::with_capacity(count_max)),
            permits: Semaphore::new(count_max),
        }
    }

    /// Opens `count` connections ahead of the load.
    pub async fn open_ahead(&self, count: usize) -> std::io::Result<()> {
        for _ in 0..count {
            let connection = self.open().await?;
            self.idle.borrow_mut().push_back(connection);
        }
        Ok(())
    }

    /// Sends a request and reads its answer; `sent` is called when a connection is free, just before sending.
    pub async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        limit: Duration,
        sent: impl FnOnce(),
    ) -> Reply {
        let Ok(_permit) = self.permits.acquire().await else {
            return Reply::Lost;
        };
        let connection = self.take_idle();
        let opened = match connection {
            Some(connection) => Ok(connection),
            None => self.open().await,
        };
        sent();
        let Ok(mut connection) = opened else {
            return Reply::Lost;
        };
        match tokio::time::timeout(limit, connection.exchange(request)).await {
            Ok(Ok(reply)) => {
                if !connection.sender.is_closed() {
                    self.idle.borrow_mut().push_back(connection);
                }
                reply
            }
            Ok(Err(_)) => Reply::Lost,
            Err(_) => Reply::TimedOut,
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        while let Some(connection) = idle.pop_front() {
            if !connection.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn open(&self) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(self.target.address()).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        let task = tokio::task::spawn_local(async move {
            // A connection that ends in an error fails its request, which says so.
            let _ = driver.await;
        });
        Ok(Connection {
            sender,
            task: task.abort_handle(),
        })
    }
}

impl Connection {
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Reply> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (head, mut incoming) = response.into_parts();
        let mut body = Bytes::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if body.is_empty() {
                body = data;
            } else {
                body = [body, data].concat().into();
            }
        }
        Ok(Reply::Answered {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}
