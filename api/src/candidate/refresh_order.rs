//! `POST /v1/orders/{id}/refresh` (R26)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::OrderId;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OrderAnswer;
use crate::wire::{PathId, json};

problems!(RefreshProblems: CANDIDATE ENGINE; NotFound);

/// 更新: asks the provider for the true state of an order, and answers when that is known and done.
///
/// A provider that does not answer is 503 `store_unavailable`; the order is asked for again by itself.
#[utoipa::path(post, path = "/v1/orders/{id}/refresh", tag = "candidate", security(("bearer" = [])),
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The order as it is now.", body = OrderAnswer), RefreshProblems))]
pub(super) async fn refresh_order(
    State(app): State<App>,
    Candidate(account): Candidate,
    PathId(id): PathId<OrderId>,
) -> Result<Response, Problem> {
    let order = app.engine.refresh_order(account, id).await?;
    Ok(json(StatusCode::OK, &OrderAnswer::from(&order)))
}
