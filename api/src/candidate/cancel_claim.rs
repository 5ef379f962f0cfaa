//! `POST /v1/claims/{id}/cancel` (R17, R22)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::ClaimId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Claim, ClaimAnswer};
use crate::wire::{PathId, RawJson, bytes_json, parse};

/// Why a claim is given up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelClaim {
    /// Needed to leave a queue: `changed_plans`, `wrong_choice`, `waited_too_long`, `time_conflict`, or your own
    /// words (up to 500 letters).
    #[schema(example = "changed_plans")]
    reason: Option<String>,
}

problems!(CancelProblems: CANDIDATE ENGINE BODY; NotFound, AlreadyPaid, AlreadyGone);

/// Gives up a held seat, or a place in the queue (which needs a reason).
///
/// The seat goes to the head of the queue in the same step. While an order for it is open, the answer is 202 with
/// `settling: true`: the order is closed at the provider first, and then the claim is cancelled; if the provider says
/// that it was paid, it is paid.
#[utoipa::path(post, path = "/v1/claims/{id}/cancel", tag = "candidate", security(("bearer" = [])),
    params(("id" = String, Path, description = "The claim's id.")),
    request_body(content = Option<CancelClaim>, description = "May be absent for a held seat."),
    responses((status = 200, description = "Cancelled or withdrawn.", body = ClaimAnswer),
              (status = 202, description = "Taken: it goes when its order is closed.", body = ClaimAnswer),
              CancelProblems))]
pub(super) async fn cancel_claim(
    State(app): State<App>,
    Candidate(account): Candidate,
    PathId(id): PathId<ClaimId>,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked = if body.trim_ascii().is_empty() {
        CancelClaim::default()
    } else {
        parse(&body)?
    };
    let reason = asked
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let claim = app.engine.cancel(account, id, reason).await?;
    let status = if claim.settling_since.is_some() {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok(bytes_json(status, Claim::from(&claim).to_answer()))
}
