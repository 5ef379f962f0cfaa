//! `GET /v1/staff/reviews` (R6, R33)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::CandidateId;
use kaowei_core::registration::ReviewState;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{ReviewList, ReviewToDecide};
use crate::wire::{Page, Params, cursor_after, json};

problems!(ReviewsProblems: STAFF ENGINE PARAMETERS);

/// Reviews of the eligibility for CET6 below the scope, by id, with what to decide them by.
///
/// ID numbers are masked; whether the result's is the applicant's is said beside them.
#[utoipa::path(get, path = "/v1/staff/reviews", tag = "staff", security(("bearer" = [])),
    params(("state" = Option<String>, Query, description = "`pending`, `approved` or `rejected`; all by default."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.")),
    responses((status = 200, description = "The reviews.", body = ReviewList), ReviewsProblems))]
pub(super) async fn list_reviews(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
) -> Result<Response, Problem> {
    let wanted = wanted(&params)?;
    let page = Page::<CandidateId>::of(&params)?;
    // One more than asked for tells whether there is a next page.
    let mut cases = app
        .engine
        .reviews(&staff, wanted, page.after, page.limit + 1)
        .await?;
    let has_more = cases.len() > page.limit;
    cases.truncate(page.limit);
    let next_cursor = cases
        .last()
        .filter(|_| has_more)
        .map(|case| cursor_after(&case.candidate));
    let list = ReviewList {
        reviews: cases.iter().map(ReviewToDecide::from).collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}

fn wanted(params: &Params) -> Result<Option<ReviewState>, Problem> {
    match params.get("state") {
        None => Ok(None),
        Some("pending") => Ok(Some(ReviewState::Pending)),
        Some("approved") => Ok(Some(ReviewState::Approved)),
        Some("rejected") => Ok(Some(ReviewState::Rejected)),
        Some(_) => {
            let problem = (
                "state 只能是 pending、approved 或 rejected。",
                "state must be pending, approved or rejected.",
            );
            Err(Problem::wrong_parameter(
                StatusCode::UNPROCESSABLE_ENTITY,
                "state",
                problem,
            ))
        }
    }
}
