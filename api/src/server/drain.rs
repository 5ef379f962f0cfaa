//! Bodies that nobody read: up to 1 MiB of one is read before the answer is sent, so that a client which writes first
//! and reads then gets the answer and not a reset connection.
//!
//! A small body of known length is read whole before the handler runs: that costs less than any bookkeeping, and
//! whether it is looked at stays the handler's decision (authentication first). A large one is lent: whatever of it
//! the handler did not read comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use parking_lot::Mutex;

use crate::wire::BODY_BYTES_MAX;

/// Bodies up to this are read before the handler runs.
const READ_AHEAD_MAX: u64 = 16_384;
/// How long the rest of an unread body is waited for.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// Where an unread body comes back to.
#[derive(Debug, Default)]
pub(super) struct Unread(Option<Arc<Mutex<Option<Incoming>>>>);

/// A body that did not arrive whole.
#[derive(Debug)]
pub(super) struct Broken;

/// Makes a request fit for the router.
pub(super) async fn prepare(request: Request<Incoming>) -> Result<(Request<Body>, Unread), Broken> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok((Request::from_parts(parts, Body::empty()), Unread(None)));
    }
    let length = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length <= READ_AHEAD_MAX) {
        let bytes = body.collect().await.map_err(|_| Broken)?.to_bytes();
        return Ok((Request::from_parts(parts, Body::from(bytes)), Unread(None)));
    }
    let slot = Arc::new(Mutex::new(None));
    let lent = Lent {
        body: Some(body),
        slot: Arc::clone(&slot),
    };
    Ok((Request::from_parts(parts, Body::new(lent)), Unread(Some(slot))))
}

impl Unread {
    /// Reads what is left, up to 1 MiB. Beyond that the connection is closed after the answer.
    pub(super) async fn drain(self) {
        let Some(mut body) = self.0.and_then(|slot| slot.lock().take()) else {
            return;
        };
        let read_all = async {
            let mut read = 0;
            while read < BODY_BYTES_MAX {
                match body.frame().await {
                    Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                    Some(Err(_)) | None => return,
                }
            }
        };
        // Slower than that, and the client has given up or means no good.
        let _ = tokio::time::timeout(DRAIN_TIME_MAX, read_all).await;
    }
}

/// A body that goes back when it is dropped.
#[derive(Debug)]
struct Lent {
    body: Option<Incoming>,
    slot: Arc<Mutex<Option<Incoming>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.slot.lock() = self.body.take();
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
