//! `GET /v1/claims/{id}`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::ClaimId;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Claim, ClaimAnswer};
use crate::wire::{PathId, bytes_tagged};

problems!(ShowProblems: CANDIDATE ENGINE; NotFound);

/// One of the own claims. Another's is `not_found`.
#[utoipa::path(get, path = "/v1/claims/{id}", tag = "candidate", security(("bearer" = [])),
    params(("id" = String, Path, description = "The claim's id."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The claim.", body = ClaimAnswer,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              ShowProblems))]
pub(super) async fn show_claim(
    State(app): State<App>,
    Candidate(account): Candidate,
    PathId(id): PathId<ClaimId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = app.engine.claim_by_id(account, id).await?;
    Ok(bytes_tagged(&headers, Claim::from(&view).to_answer()))
}
