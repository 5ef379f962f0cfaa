//! `GET /v1/enrolment` (R30)

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::EnrolmentPage;
use crate::wire::answer_tagged;

problems!(EnrolmentProblems: CANDIDATE ENGINE; AgreementRequired, NotEnrolled, OutsideWindow);

/// The registration page in one object: record, progress, claims with deadlines and places, what is due.
#[utoipa::path(get, path = "/v1/enrolment", tag = "candidate", security(("bearer" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The page.", body = EnrolmentPage,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              EnrolmentProblems))]
pub(super) async fn show_enrolment(
    State(app): State<App>,
    Candidate(account): Candidate,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let enrolment = app.engine.enrolment(account).await?;
    let catalogue = app.engine.catalogue()?;
    let page = EnrolmentPage::new(&enrolment, catalogue.sitting.as_deref(), app.engine.now());
    Ok(answer_tagged(&headers, &page))
}
