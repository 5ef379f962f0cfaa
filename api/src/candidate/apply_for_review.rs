//! `POST /v1/review` (R5–R7, S8–S10)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::ReviewRequest;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OwnReview;
use crate::wire::{IdempotencyKey, Operation, RawJson, json, parse};

/// 新增 CET6 资格复核申请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyForReview {
    /// The ticket number of the CET4 exam that was passed with 425 or more, in 2005 or later.
    #[schema(example = "991010231100001")]
    cet4_ticket: String,
}

problems!(ApplyProblems: CANDIDATE ENGINE BODY;
    AgreementRequired, NoStudentRecord, OutsideWindow, NotEligible, ReviewExists, NoMatchingResult, IdempotencyMismatch);

/// Applies for a review of the eligibility for CET6, before or after the enrolment is saved.
///
/// Ticket and ID number of a CET4 result with 425 or more: `approved` at once, whatever the name. Ticket and name alone:
/// `pending`, for staff of the school to decide. Neither: `no_matching_result`, and nothing is stored. A review that was
/// rejected is replaced. Refusals come in this order: `agreement_required`, `no_student_record`, `outside_window` (while
/// no window of the school is open), `not_eligible` (where a review would not help: the campus does not offer CET6, the
/// candidate is barred, or may sit it anyway), `review_exists` (pending or approved), `no_matching_result`.
#[utoipa::path(post, path = "/v1/review", tag = "candidate", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = ApplyForReview,
    responses((status = 201, description = "Approved, or pending.", body = OwnReview), ApplyProblems))]
pub(super) async fn apply_for_review(
    State(app): State<App>,
    Candidate(account): Candidate,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: ApplyForReview = parse(&body)?;
    let request = ReviewRequest {
        ticket: asked.cet4_ticket.trim().into(),
        key: key.with(Operation::Review, &body),
    };
    let review = app.engine.apply_for_review(account, request).await?;
    Ok(json(StatusCode::CREATED, &OwnReview::from(&review)))
}
