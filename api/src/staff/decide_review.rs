//! `POST /v1/staff/reviews/{id}` (R6, R7, R33)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::CandidateId;
use kaowei_core::registration::ReviewDecision;
use kaowei_engine::ReviewVerdict;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffReview;
use crate::wire::{IdempotencyKey, Operation, PathId, RawJson, json, parse};

/// What is decided.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    /// The candidate may sit CET6. Final.
    Approved,
    /// He may not; he may correct the application, or delete it.
    Rejected,
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideReview {
    /// Which.
    decision: Decision,
    /// Why, in 1 to 500 letters that name nobody; the candidate is shown it, and it is kept in the audit trail.
    #[schema(example = "the name was changed; the old and the new ID card were seen")]
    reason: String,
}

problems!(DecideProblems: STAFF ENGINE BODY; NotFound, ReviewExists, IdempotencyMismatch);

/// Decides about a review that is pending. One that is decided already is `review_exists`.
#[utoipa::path(post, path = "/v1/staff/reviews/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The review's id."),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = DecideReview,
    responses((status = 200, description = "As it is now.", body = StaffReview), DecideProblems))]
pub(super) async fn decide_review(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<CandidateId>,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    app.engine.review_below(&staff, id)?;
    let asked: DecideReview = parse(&body)?;
    let verdict = ReviewVerdict {
        decision: match asked.decision {
            Decision::Approved => ReviewDecision::Approved,
            Decision::Rejected => ReviewDecision::Rejected,
        },
        reason: asked.reason.trim().into(),
        key: key.of(&staff).with(Operation::DecideReview, &body),
    };
    let review = app.engine.decide_review(&staff, id, verdict).await?;
    Ok(json(StatusCode::OK, &StaffReview::new(id, &review)))
}
