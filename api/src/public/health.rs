//! `GET /healthz`: the process answers.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::problems;
use crate::wire::json;

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: &'static str,
}

problems!(HealthProblems:);

/// Is the process alive?
///
/// Says nothing about the store; `readyz` does.
#[utoipa::path(get, path = "/healthz", tag = "public",
    responses((status = 200, description = "It is.", body = Health), HealthProblems))]
pub(super) async fn show_health() -> Response {
    json(StatusCode::OK, &Health { status: "alive" })
}
