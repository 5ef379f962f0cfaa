//! Connections: accepted, served by hyper, bounded in number and in the time that a request's head may take, and
//! ended gracefully.
//!
//! `axum::serve` sets no time limit for heads, so a client that sends one byte a minute would hold its connection
//! for ever; hence this loop. It hands each connection to one of the threads that run the pools, in turn: half of the
//! claims of two cores then meet their pool on the thread that read them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::ArbiterHandle;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::Frame;

/// Connections that wait to be accepted: an opening brings thousands in the same second.
const BACKLOG: u32 = 4_096;
/// How long the head of a request, and the pause before it, may take.
const HEAD_TIME_MAX: Duration = Duration::from_mins(1);
/// How long a request's head may be.
const HEAD_BYTES_MAX: usize = 32_768;
/// The pause after the system refused to accept: it has no more files, or memory, at the moment.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Between two looks whether the requests are done, when stopping.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long connections have to send what was answered, when stopping.
const SEND_TIME_MAX: Duration = Duration::from_millis(500);

/// How many connections are served, and how they end.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// At most so many at the same time; more wait to be accepted.
    pub max: usize,
    /// How long requests may go on after the server was told to stop.
    pub stop_time_max: Duration,
}

/// An address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}; choose another address with {setting}")]
pub struct ListenError {
    address: SocketAddr,
    setting: &'static str,
    source: std::io::Error,
}

/// Listens on an address; `setting` is the flag that the error names.
///
/// # Errors
/// [`ListenError`].
pub fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ListenError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| ListenError {
        address,
        setting,
        source,
    })
}

/// Serves HTTP on a listener.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    frame: Frame,
    connections: Connections,
    threads: Vec<ArbiterHandle>,
}

impl HttpServer {
    /// A server of that frame, on those threads.
    pub fn new(
        listener: TcpListener,
        frame: Frame,
        connections: Connections,
        threads: Vec<ArbiterHandle>,
    ) -> Self {
        Self {
            listener,
            frame,
            connections,
            threads,
        }
    }

    /// Serves until `stop` is done, then accepts nobody any more and lets requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.connections.max));
        let mut threads = self.threads.iter().cycle();
        let mut stop = std::pin::pin!(stop);
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut stop => break,
                next = next => next,
            };
            // Leaves this thread's reactor, to enter that of the thread that serves it.
            let stream = match accepted.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (watcher, frame) = (graceful.watcher(), self.frame.clone());
            let connection = async move {
                match TcpStream::from_std(stream) {
                    // A client that hangs up or sends no HTTP is nobody's concern.
                    Ok(stream) => drop(watcher.watch(serve_connection(stream, frame)).await),
                    Err(error) => tracing::warn!(%error, "a connection could not be served"),
                }
                drop(place);
            };
            if !threads.next().is_some_and(|thread| thread.spawn(connection)) {
                tracing::warn!("no thread takes connections any more");
            }
        }
        drop(self.listener);
        let requests_done = async {
            while self.frame.working() > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tokio::time::sleep(SEND_TIME_MAX).await;
        };
        tokio::select! {
            () = graceful.shutdown() => {}
            () = requests_done => {}
            () = tokio::time::sleep(self.connections.stop_time_max) => {
                tracing::warn!("requests that took too long were cut off at the end");
            }
        }
    }
}

fn serve_connection(
    stream: TcpStream,
    frame: Frame,
) -> hyper::server::conn::http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::Service<
        http::Request<hyper::body::Incoming>,
        Response = axum::response::Response,
        Error = std::convert::Infallible,
        Future: Send,
    > + use<>,
> {
    // Answers are small and written whole: waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| frame.clone().serve(request));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}
