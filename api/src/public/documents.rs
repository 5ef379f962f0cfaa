//! `GET /openapi.json`: what this server takes and answers.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::openapi::problems;
use crate::state::App;
use crate::wire::{bytes_json, content_tag, not_modified, tagged};

problems!(OpenApiProblems:);

/// The OpenAPI 3.1 document; readable at `/docs`.
#[utoipa::path(get, path = "/openapi.json", tag = "public",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The document.", body = Object,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              OpenApiProblems))]
pub(super) async fn show_openapi(State(app): State<App>, headers: HeaderMap) -> Response {
    let tag = content_tag(&app.openapi);
    not_modified(&headers, &tag)
        .unwrap_or_else(|| tagged(bytes_json(StatusCode::OK, app.openapi.clone()), &tag))
}
