//! How many streams there may be, and how all of them end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use kaowei_core::time::Span;
use kaowei_engine::metrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::body::EVENT_STREAM;
use crate::problem::{Code, Problem};

/// How a stream goes on while there are no news.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// A stream that has nothing to tell says so, lest anybody between takes it for dead.
    heartbeat: Duration,
    /// A stream ends after so long, and its client, who comes again where it was, is asked for a token that still holds.
    time_max: Duration,
}

const PACE: Pace = Pace {
    heartbeat: Duration::from_secs(15),
    time_max: Duration::from_mins(15),
};

/// Streams of staff: candidates can't lock them out.
const STAFF_MAX: usize = 256;

/// When to come again where there was no room.
const LATER: Span = Span::from_secs(5);

/// What a stream begins with: when to come again after it has ended.
const BEGINNING: Bytes = Bytes::from_static(b"retry: 2000\n\n");
const NOTHING_NEW: Bytes = Bytes::from_static(b":\n\n");

/// All streams of a server.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    candidates: Arc<Semaphore>,
    staff: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// A stream's place among them.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    stopping: watch::Receiver<bool>,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::stream_followed(false);
    }
}

impl Streams {
    /// At most so many of candidates; staff have some of their own.
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Shared {
            candidates: Arc::new(Semaphore::new(max)),
            staff: Arc::new(Semaphore::new(STAFF_MAX)),
            stopping: watch::Sender::new(false),
        }))
    }

    /// A place for one more candidate's.
    ///
    /// # Errors
    /// 503 `overloaded` where there is none.
    pub fn enter(&self) -> Result<Place, Problem> {
        self.enter_among(&self.0.candidates)
    }

    /// A place for one more of staff.
    ///
    /// # Errors
    /// 503 `overloaded` where there is none.
    pub fn enter_as_staff(&self) -> Result<Place, Problem> {
        self.enter_among(&self.0.staff)
    }

    fn enter_among(&self, places: &Arc<Semaphore>) -> Result<Place, Problem> {
        let permit = Arc::clone(places).try_acquire_owned().map_err(|_| {
            let words = (
                "事件流已达上限，请改用轮询或稍后重试。",
                "There are as many streams as there may be; poll instead, or come again later.",
            );
            Problem::new(Code::Overloaded)
                .detailed(words)
                .with_retry_after(LATER)
        })?;
        metrics::stream_followed(true);
        Ok(Place {
            _permit: permit,
            stopping: self.0.stopping.subscribe(),
        })
    }

    /// Ends them: the server stops.
    pub fn end(&self) {
        self.0.stopping.send_replace(true);
    }
}

impl Place {
    /// The answer that passes the news on, until they end, the server stops, or the time is over.
    pub fn stream(self, news: impl Stream<Item = Bytes> + Send + 'static) -> Response {
        self.stream_at(PACE, news)
    }

    fn stream_at(self, pace: Pace, news: impl Stream<Item = Bytes> + Send + 'static) -> Response {
        let mut heartbeat = interval(pace.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let following = Following {
            place: self,
            news: news.boxed(),
            heartbeat,
            ends_at: Instant::now() + pace.time_max,
        };
        let chunks = stream::once(async { BEGINNING }).chain(stream::unfold(following, Following::next));
        let body = Body::from_stream(chunks.map(Ok::<_, std::convert::Infallible>));
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, EVENT_STREAM);
        // Proxies that gather answers would keep the news back.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

/// One stream while it goes on.
struct Following {
    place: Place,
    news: stream::BoxStream<'static, Bytes>,
    heartbeat: Interval,
    ends_at: Instant,
}

impl Following {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let chunk = tokio::select! {
            biased;
            _ = self.place.stopping.wait_for(|stopping| *stopping) => return None,
            () = sleep_until(self.ends_at) => return None,
            news = self.news.next() => news?,
            _ = self.heartbeat.tick() => NOTHING_NEW,
        };
        self.heartbeat.reset();
        Some((chunk, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_with_nothing_to_tell_gives_signs_of_life_and_ends_in_its_time() {
        let streams = Streams::new(1);
        let entered = streams.enter().ok().unwrap();
        assert!(streams.enter().is_err(), "there is room for one");
        let of_staff: Vec<_> = (0..STAFF_MAX)
            .map_while(|_| streams.enter_as_staff().ok())
            .collect();
        assert!(of_staff.len() == STAFF_MAX && streams.enter_as_staff().is_err());
        let pace = Pace {
            heartbeat: Duration::from_millis(1),
            time_max: Duration::from_millis(500),
        };
        let began = Instant::now();
        let body = entered.stream_at(pace, stream::pending()).into_body();
        let chunks: Vec<_> = body.into_data_stream().map(Result::unwrap).collect().await;
        assert!(began.elapsed() >= pace.time_max);
        assert_eq!(chunks[0], BEGINNING);
        assert!(chunks.len() > 1 && chunks[1..].iter().all(|chunk| *chunk == NOTHING_NEW));
        assert!(streams.enter().is_ok(), "its place is free again");
    }

    #[tokio::test]
    async fn streams_end_when_the_server_stops() {
        let streams = Streams::new(2);
        let body = streams
            .enter()
            .ok()
            .unwrap()
            .stream(stream::pending())
            .into_body();
        streams.end();
        let chunks: Vec<_> = body.into_data_stream().collect().await;
        assert_eq!(chunks.len(), 1);
    }
}
