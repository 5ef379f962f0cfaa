//! `POST /v1/staff/expiry` (1.4)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::scope;
use super::show_expiry::Expiry;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{RawJson, json, parse};

/// Whether holds should expire.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetExpiry {
    /// True to resume, false to suspend.
    resume: bool,
    /// Why, in 1 to 500 letters; kept in the audit trail.
    #[schema(example = "the time server was mended; all clocks agree again")]
    reason: String,
}

problems!(SetProblems: STAFF ENGINE BODY);

/// Resumes expiry after a clock jump, or suspends it. National staff only.
#[utoipa::path(post, path = "/v1/staff/expiry", tag = "staff", security(("bearer" = [])),
    request_body = SetExpiry,
    responses((status = 200, description = "As it is now.", body = Expiry), SetProblems))]
pub(super) async fn set_expiry(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    scope::national(&staff)?;
    let asked: SetExpiry = parse(&body)?;
    let status = app
        .engine
        .set_expiry(&staff, asked.resume, asked.reason.trim())
        .await?;
    Ok(json(StatusCode::OK, &Expiry::from(&status)))
}
