//! `GET /v1/review` (S10)

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OwnReview;
use crate::wire::answer_tagged;

problems!(ReviewProblems: CANDIDATE ENGINE; AgreementRequired, NotFound, OutsideWindow);

/// The own review; `not_found` where there is none, `outside_window` while there is no sitting.
#[utoipa::path(get, path = "/v1/review", tag = "candidate", security(("bearer" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The review.", body = OwnReview,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              ReviewProblems))]
pub(super) async fn show_review(
    State(app): State<App>,
    Candidate(account): Candidate,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let review = app.engine.review(account)?;
    Ok(answer_tagged(&headers, &OwnReview::from(&review)))
}
