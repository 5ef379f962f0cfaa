//! `DELETE /v1/sessions` (R1)

use axum::extract::State;
use http::StatusCode;

use crate::auth::Session;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;

problems!(CloseProblems: CANDIDATE ENGINE);

/// Logs out: the token ends at once. Other sessions of the account go on.
///
/// A token that no login made – of an outside passport, of the command line – ends by itself: 403.
#[utoipa::path(delete, path = "/v1/sessions", tag = "candidate", security(("bearer" = [])),
    responses((status = 204, description = "Logged out."), CloseProblems))]
pub(super) async fn close_session(State(app): State<App>, session: Session) -> Result<StatusCode, Problem> {
    app.end_session(session).await?;
    Ok(StatusCode::NO_CONTENT)
}
