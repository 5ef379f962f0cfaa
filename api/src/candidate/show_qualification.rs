//! `GET /v1/qualification` (R3–R5)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Qualification, Record, Review, SubjectView};
use crate::wire::json;

problems!(QualificationProblems: CANDIDATE ENGINE; AgreementRequired, NoStudentRecord, OutsideWindow);

/// The student record that matches the account, what may be sat, and whether a review may add CET6 to it.
#[utoipa::path(get, path = "/v1/qualification", tag = "candidate", security(("bearer" = [])),
    responses((status = 200, description = "The record.", body = Qualification), QualificationProblems))]
pub(super) async fn show_qualification(
    State(app): State<App>,
    Candidate(account): Candidate,
) -> Result<Response, Problem> {
    let found = app.engine.qualification(account).await?;
    let answer = Qualification {
        record: Record::from(&found.record),
        record_version: found.record_version.0,
        eligible_subjects: found.eligible_subjects.iter().map(SubjectView::from).collect(),
        review: Review::from(found.review),
    };
    Ok(json(StatusCode::OK, &answer))
}
