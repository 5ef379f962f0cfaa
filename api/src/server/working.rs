//! Counts requests that are being answered, streamed answers included, so that stopping waits for those and for
//! nothing else: a connection that is idle, or in the middle of a request's head, is no reason to wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

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
    /// in memory is as good as sent.
    pub(super) fn until_sent(self, response: Response) -> Response {
        if response.body().size_hint().exact().is_some() {
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
}
