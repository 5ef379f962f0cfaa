//! `GET /readyz`: the store is reachable and recovery is done.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::Readiness as Engine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::problems;
use crate::state::App;
use crate::wire::json;

/// How the server stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether requests are answered.
    ready: bool,
    /// `ready`, `recovering` or `stopped`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Why not.
    reason: Option<String>,
}

problems!(ReadinessProblems:);

/// Can the server answer requests?
///
/// 503 with the reason while it can't.
#[utoipa::path(get, path = "/readyz", tag = "public",
    responses((status = 200, description = "It can.", body = Readiness),
              ReadinessProblems,
              (status = 503, description = "It can't, for that reason.", body = Readiness)))]
pub(super) async fn show_readiness(State(app): State<App>) -> Response {
    let (status, name, reason) = match app.engine.readiness_now().await {
        Engine::Ready => (StatusCode::OK, "ready", None),
        Engine::Recovering { reason } => (StatusCode::SERVICE_UNAVAILABLE, "recovering", Some(reason)),
        Engine::Stopped { reason } => (StatusCode::SERVICE_UNAVAILABLE, "stopped", Some(reason)),
    };
    json(
        status,
        &Readiness {
            ready: status == StatusCode::OK,
            status: name,
            reason,
        },
    )
}
