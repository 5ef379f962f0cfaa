//! `GET /v1/orders/{id}`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::OrderId;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OrderAnswer;
use crate::wire::{PathId, answer_tagged};

problems!(ShowProblems: CANDIDATE ENGINE; NotFound);

/// One of the own orders. Another's is `not_found`.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "candidate", security(("bearer" = [])),
    params(("id" = String, Path, description = "The order's id."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The order.", body = OrderAnswer,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              ShowProblems))]
pub(super) async fn show_order(
    State(app): State<App>,
    Candidate(account): Candidate,
    PathId(id): PathId<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let order = app.engine.order(account, id)?;
    Ok(answer_tagged(&headers, &OrderAnswer::from(&order)))
}
