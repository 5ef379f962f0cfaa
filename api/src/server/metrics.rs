//! Metrics: the recorder, the listener that serves them to Prometheus, and what is told of HTTP requests.
//!
//! Handles are kept: a request that has a route, method, status and code like one before costs a read lock and two
//! additions.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kaowei_engine::metrics::{Kind, Metric};
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::RwLock;
use tokio::net::TcpListener;

use super::routes::RouteIndex;
use crate::problem::Code;

const REQUESTS: &str = "kaowei_http_requests_total";
const SECONDS: &str = "kaowei_http_request_duration_seconds";

/// Between two upkeeps of the recorder; without them its memory grows.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Upper ends of durations, in seconds.
const DURATIONS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 4.0, 15.0,
];
/// Upper ends of sizes.
const SIZES: [f64; 13] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0, 4_096.0,
];

/// What is told of HTTP; the engine's are in [`kaowei_engine::metrics::ALL`], the process's in `metrics-process`.
pub const HTTP_METRICS: &[Metric] = &[
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        unit: Unit::Count,
        help: "Requests answered, by route, method, status and problem code (empty where there is none).",
    },
    Metric {
        name: SECONDS,
        kind: Kind::Histogram,
        unit: Unit::Seconds,
        help: "From a request's head to its answer's head, by route.",
    },
];

/// The recorder of all metrics of the process.
#[derive(Debug, Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Installs it; once a process.
    ///
    /// # Errors
    /// When one is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &DURATIONS)?
            .set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES)?
            .install_recorder()?;
        for metric in HTTP_METRICS {
            match metric.kind {
                Kind::Counter => describe_counter!(metric.name, metric.unit, metric.help),
                Kind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
                Kind::Histogram => describe_histogram!(metric.name, metric.unit, metric.help),
            }
        }
        kaowei_engine::metrics::describe();
        metrics_process::Collector::default().describe();
        Ok(Self(handle))
    }

    /// Keeps its memory bounded; runs until it is dropped.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            self.0.run_upkeep();
        }
    }

    fn text(&self) -> String {
        metrics_process::Collector::default().collect();
        self.0.render()
    }
}

/// Serves the metrics on a listener of their own, so that they are not public.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
    recorder: Recorder,
}

impl MetricsServer {
    /// A server on that listener.
    pub fn new(listener: TcpListener, recorder: Recorder) -> Self {
        Self { listener, recorder }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system can't say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped.
    pub async fn serve(self) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let recorder = self.recorder.clone();
            let service = service_fn(move |request| answer(request, recorder.clone()));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .serve_connection(TokioIo::new(stream), service);
            // A scraper that hangs up is nobody's concern.
            tokio::spawn(async move { drop(connection.await) });
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    recorder: Recorder,
) -> Result<Response<Full<Bytes>>, tokio::task::JoinError> {
    if request.uri().path() != "/metrics" || request.method() != Method::GET {
        let mut response = Response::new(Full::from("the metrics are at GET /metrics\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    }
    let text = tokio::task::spawn_blocking(move || recorder.text()).await?;
    let mut response = Response::new(Full::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// Counts and times requests.
pub(super) struct HttpRecorder {
    routes: Vec<RouteRecorder>,
}

/// How a request was answered.
type Answered = (MethodName, StatusCode, Option<Code>);

struct RouteRecorder {
    template: String,
    seconds: Histogram,
    requests: RwLock<HashMap<Answered, Counter>>,
}

/// The methods that are told apart; all that clients make up are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct MethodName(&'static str);

impl From<&Method> for MethodName {
    fn from(method: &Method) -> Self {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let known = known.into_iter().find(|name| *name == method.as_str());
        Self(known.unwrap_or("other"))
    }
}

impl std::fmt::Debug for HttpRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpRecorder")
    }
}

impl HttpRecorder {
    pub(super) fn new(templates: &[String]) -> Self {
        let route = |template: &String| RouteRecorder {
            template: template.clone(),
            seconds: histogram!(SECONDS, "route" => template.clone()),
            requests: RwLock::default(),
        };
        Self {
            routes: templates.iter().map(route).collect(),
        }
    }

    pub(super) fn record(
        &self,
        route: RouteIndex,
        method: &Method,
        status: StatusCode,
        code: Option<Code>,
        took: Duration,
    ) {
        let Some(route) = self.routes.get(route.get()) else {
            return;
        };
        route.seconds.record(took);
        let key = (MethodName::from(method), status, code);
        if let Some(counter) = route.requests.read().get(&key) {
            counter.increment(1);
            return;
        }
        let counter = counter!(
            REQUESTS,
            "route" => route.template.clone(),
            "method" => key.0.0,
            "status" => status.as_str().to_owned(),
            "code" => code.map_or("", Code::as_str),
        );
        counter.increment(1);
        route.requests.write().insert(key, counter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_in_the_documentation_as_the_code_describes_it() {
        const DOCUMENT: &str = include_str!("../../../docs/METRICS.md");
        for metric in kaowei_engine::metrics::ALL.iter().chain(HTTP_METRICS) {
            let described = DOCUMENT.lines().any(|line| {
                line.starts_with(&format!("| `{}` |", metric.name)) && line.contains(metric.help)
            });
            assert!(
                described,
                "docs/METRICS.md lacks {} as: {}",
                metric.name, metric.help
            );
        }
    }
}
