//! `DELETE /v1/review` (R7)

use axum::extract::State;
use http::StatusCode;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;

problems!(DeleteProblems: CANDIDATE ENGINE; AgreementRequired, NotFound, ReviewExists, OutsideWindow);

/// Deletes a review that was rejected. One that is pending or approved stays: `review_exists`.
#[utoipa::path(delete, path = "/v1/review", tag = "candidate", security(("bearer" = [])),
    responses((status = 204, description = "Deleted."), DeleteProblems))]
pub(super) async fn delete_review(
    State(app): State<App>,
    Candidate(account): Candidate,
) -> Result<StatusCode, Problem> {
    app.engine.delete_review(account).await?;
    Ok(StatusCode::NO_CONTENT)
}
