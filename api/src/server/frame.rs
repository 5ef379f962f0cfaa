//! What surrounds every request, in one function instead of a stack of layers: an id, the time limit, panics caught,
//! problems written in the language asked for, unread bodies drained, security headers, metrics.
//!
//! Deliberately absent: a tracing span for each request. At tens of thousands a second it would cost more than the
//! claim; what goes wrong is logged once, here, with the request's id.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use kaowei_core::time::Span;
use tower::ServiceExt;

use super::drain::{self, Unread};
use super::metrics::HttpRecorder;
use super::request_id::{RequestId, RequestIds};
use super::routes::{RouteIndex, Routes};
use super::working::Working;
use crate::events::Streams;
use crate::problem::{Code, Language, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NOTHING_LOADS: HeaderValue =
    HeaderValue::from_static("default-src 'none'; form-action 'self'; frame-ancestors 'none'");
/// Swagger UI sets styles on its elements and has its icons in them; it runs no script but the server's own files.
const DOCS_LOAD: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// Serves requests through a router.
#[derive(Debug, Clone)]
pub struct Frame(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    router: Router,
    routes: Routes,
    unlimited: Vec<bool>,
    ids: RequestIds,
    working: Working,
    streams: Streams,
    recorder: HttpRecorder,
    time_max: Duration,
}

impl Frame {
    /// A frame around a router. Routes for which `unlimited` says so (imports, exports) have no time limit: they
    /// stream, and end when their client does.
    pub fn new(
        operations: Router,
        routes: Routes,
        unlimited: impl Fn(&str) -> bool,
        start: u32,
        streams: Streams,
        time_max: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            router: operations,
            unlimited: routes
                .templates()
                .iter()
                .map(|template| unlimited(template))
                .collect(),
            recorder: HttpRecorder::new(routes.templates()),
            routes,
            ids: RequestIds::new(start),
            working: Working::default(),
            streams,
            time_max,
        }))
    }

    /// Answers one request.
    ///
    /// # Errors
    /// None: whatever goes wrong is an answer.
    pub async fn serve(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let started = Instant::now();
        let inner = &*self.0;
        let request_counted = inner.working.one();
        let route = inner.routes.find(request.uri().path());
        let method = request.method().clone();
        let language = Language::of(request.headers());
        let is_docs = request.uri().path().starts_with("/docs");
        let id = inner.ids.next();

        let (response, unread) = inner.answer(request, route).await;
        let (mut response, code) = finish(response, language, &id);
        protect(response.headers_mut(), is_docs);
        if response.status().is_client_error() || response.status().is_server_error() {
            unread.drain().await;
        }
        // The engine has logged why; this says which request. The 503 of an overload are counted, not logged: a line
        // for each would make it worse.
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(
                request.id = id.as_str(),
                http.route = inner.routes.template(route),
                "a request could not be served"
            );
        }
        inner
            .recorder
            .record(route, &method, response.status(), code, started.elapsed());
        Ok(request_counted.until_sent(response))
    }

    /// Ends the streams of events, which would else go on for as long as they may.
    pub(super) fn end_streams(&self) {
        self.0.streams.end();
    }

    /// How many requests are being answered.
    pub(super) fn working(&self) -> usize {
        self.0.working.count()
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>, route: RouteIndex) -> (Response, Unread) {
        let limit = if self.unlimited[route.get()] {
            Duration::MAX
        } else {
            self.time_max
        };
        let mut unread = Unread::default();
        let work = async {
            let (request, body) = match drain::prepare(request).await {
                Ok(prepared) => prepared,
                Err(drain::Broken) => {
                    return Problem::unreadable(("请求内容没有完整到达。", "The body did not arrive whole."))
                        .into_response();
                }
            };
            unread = body;
            let Ok(response) = self.router.clone().oneshot(request).await;
            response
        };
        let caught = AssertUnwindSafe(work).catch_unwind();
        let response = match tokio::time::timeout(limit, caught).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                tracing::error!(panic.message = message(&*panic), "a handler panicked");
                Problem::new(Code::Internal).into_response()
            }
            Err(_) => Problem::new(Code::Overloaded)
                .detailed((
                    "请求处理超时；重复同一请求即可得知结果。",
                    "The request took longer than its time limit; repeating it finds what became of it.",
                ))
                .with_retry_after(Span::from_ms(1_000))
                .into_response(),
        };
        (response, unread)
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Writes a problem out and adds the headers that every answer has.
fn finish(response: Response, language: Language, id: &RequestId) -> (Response, Option<Code>) {
    let mut response = response;
    let problem = response
        .extensions_mut()
        .remove::<Problem>()
        .or_else(|| unnamed_problem(&response));
    let code = problem.as_ref().map(Problem::code);
    if let Some(problem) = problem {
        response = problem.render(language, id.as_str());
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    (response, code)
}

/// What a page may load.
fn protect(headers: &mut HeaderMap, is_docs: bool) {
    let is_html = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_html {
        let policy = if is_docs { DOCS_LOAD } else { NOTHING_LOADS };
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// The problem that a bare error answer of the router means: an unknown address, a method it does not take.
fn unnamed_problem(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let has_body = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    if !is_error || has_body {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::InvalidRequest)
            .with_status(status)
            .with_allow(response.headers().get(ALLOW).cloned())
            .detailed((
                "该地址不支持此请求方法。",
                "This address does not take that method.",
            )),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::PayloadTooLarge),
        _ if status.is_server_error() => Problem::new(Code::Internal),
        _ => Problem::new(Code::InvalidRequest).with_status(status),
    })
}
