//! `PUT /v1/enrolment/quick-print` (R31)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Choices;
use crate::wire::{RawJson, json, parse};

/// 快速打印
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetQuickPrint {
    /// On or off.
    enabled: bool,
}

problems!(QuickPrintProblems: CANDIDATE ENGINE BODY; AgreementRequired, NotEnrolled, OutsideWindow);

/// Switches quick print of the admission ticket; it is on at first. Until the sitting's `choices_close_at`.
#[utoipa::path(put, path = "/v1/enrolment/quick-print", tag = "candidate", security(("bearer" = [])),
    request_body = SetQuickPrint,
    responses((status = 200, description = "All that is chosen now.", body = Choices), QuickPrintProblems))]
pub(super) async fn set_quick_print(
    State(app): State<App>,
    Candidate(account): Candidate,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: SetQuickPrint = parse(&body)?;
    let chosen = app.engine.set_quick_print(account, asked.enabled).await?;
    Ok(json(StatusCode::OK, &Choices::from(&chosen)))
}
