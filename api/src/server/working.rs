//! Counts requests that are being answered, streamed answers included, so that stopping waits for those and for
//! nothing else: a connection that is idle, or in the middle of a request's head, is no reason to wait. Nor is a stream of
//! events: it is ended, and a reader who does not read that must not hold the server.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::events::EVENT_STREAM;

/// How many requests are being answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Working(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct OneRequest(Working);

impl Working {
    /// One more, until the guard is dropped.
    pub(super) fn one(&self) -> OneRequest {
        self.0.fetch_add(1, Ordering::Relaxed);
        OneRequest(self.clone())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for OneRequest {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl OneRequest {
    /// Lets the request go on until its answer is sent: of a streamed one that is when the stream ends; one that is
    /// in memory is as good as sent, and a stream of events never is.
    pub(super) fn until_sent(self, response: Response) -> Response {
        let is_endless = response.headers().get(CONTENT_TYPE) == Some(&EVENT_STREAM);
        if is_endless || response.body().size_hint().exact().is_some() {
            return response;
        }
        response.map(|body| Body::new(Streamed { body, _request: self }))
    }
}

/// A streamed body that keeps its request counted.
struct Streamed {
    body: Body,
    _request: OneRequest,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Streams;

    #[test]
    fn a_streamed_answer_counts_until_its_stream_ends_and_one_in_memory_does_not() {
        let working = Working::default();
        let whole = working.one().until_sent(Response::new(Body::from("abc")));
        assert_eq!(working.count(), 0);
        drop(whole);
        let chunks = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from("abc")) });
        let streamed = working.one().until_sent(Response::new(Body::from_stream(chunks)));
        assert_eq!(working.count(), 1);
        drop(streamed);
        assert_eq!(working.count(), 0);
    }

    #[tokio::test]
    async fn a_stream_of_events_that_nobody_reads_is_no_reason_to_wait() {
        let (working, streams) = (Working::default(), Streams::new(1));
        let place = streams.enter().ok().unwrap();
        let unread = place.stream(futures_util::stream::pending());
        let unread = working.one().until_sent(unread);
        assert_eq!(working.count(), 0);
        drop(unread);
    }
}
