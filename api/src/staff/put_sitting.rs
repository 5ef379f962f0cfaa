//! `PUT /v1/staff/sitting`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::sites::Sitting;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{RawJson, json, parse};

problems!(SittingProblems: STAFF ENGINE BODY);

/// Sets the sitting, as its file says it (2.8). National staff only.
///
/// Everything that is wrong with it is listed in `errors`; a wrong sitting changes nothing. Once it is used it keeps
/// its promises: the id while there are enrolments or claims, subjects that have pools, the text of an agreement that
/// was accepted, a window for seats that are held or waited for, and payment until the last hold has ended.
#[utoipa::path(put, path = "/v1/staff/sitting", tag = "staff", security(("bearer" = [])),
    request_body(content = Object, description = "The sitting file."),
    responses((status = 200, description = "As it is now.", body = Object), SittingProblems))]
pub(super) async fn put_sitting(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    scope::national(&staff)?;
    let sitting: Sitting = parse(&body)?;
    let sitting = app.engine.put_sitting(&staff, sitting).await?;
    Ok(json(StatusCode::OK, &*sitting))
}
