//! `DELETE /v1/enrolment` (R10)

use axum::extract::State;
use http::StatusCode;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;

problems!(DeleteProblems: CANDIDATE ENGINE; AgreementRequired, NotEnrolled, AlreadyPaid);

/// Deletes the enrolment and releases everything that it holds, while nothing in it is paid.
#[utoipa::path(delete, path = "/v1/enrolment", tag = "candidate", security(("bearer" = [])),
    responses((status = 204, description = "Deleted."), DeleteProblems))]
pub(super) async fn delete_enrolment(
    State(app): State<App>,
    Candidate(account): Candidate,
) -> Result<StatusCode, Problem> {
    app.engine.delete_enrolment(account).await?;
    Ok(StatusCode::NO_CONTENT)
}
