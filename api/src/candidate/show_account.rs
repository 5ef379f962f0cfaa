//! `GET /v1/account`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Account;
use crate::wire::json;

problems!(AccountProblems: CANDIDATE ENGINE);

/// The own account; ID number and phone are masked.
#[utoipa::path(get, path = "/v1/account", tag = "candidate", security(("bearer" = [])),
    responses((status = 200, description = "The account.", body = Account), AccountProblems))]
pub(super) async fn show_account(
    State(app): State<App>,
    Candidate(account): Candidate,
) -> Result<Response, Problem> {
    let details = app.engine.account_details(account).await?;
    Ok(json(StatusCode::OK, &Account::from(&details)))
}
