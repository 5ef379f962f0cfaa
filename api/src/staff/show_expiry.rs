//! `GET /v1/staff/expiry` (1.4)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::ExpiryStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Instant;
use crate::wire::json;

/// Whether deadlines are acted on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Expiry {
    /// Whether holds expire.
    running: bool,
    /// Since when not.
    since: Option<Instant>,
    /// Why not, or why it was resumed.
    reason: Option<String>,
}

impl From<&ExpiryStatus> for Expiry {
    fn from(status: &ExpiryStatus) -> Self {
        Self {
            running: status.running,
            since: status.since.map(Instant),
            reason: status.reason.as_ref().map(ToString::to_string),
        }
    }
}

problems!(ExpiryProblems: STAFF ENGINE);

/// Whether holds expire, or expiry is suspended because the clocks disagree.
#[utoipa::path(get, path = "/v1/staff/expiry", tag = "staff", security(("bearer" = [])),
    responses((status = 200, description = "How it stands.", body = Expiry), ExpiryProblems))]
pub(super) async fn show_expiry(
    State(app): State<App>,
    StaffMember(_staff): StaffMember,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &Expiry::from(&app.engine.expiry()?)))
}
