//! `PUT /v1/staff/sitting`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::sites::Sitting;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::wire::{RawJson, json, parse};

problems!(SittingProblems: STAFF ENGINE BODY);

/// Sets the sitting, as its file says it (2.8). National staff only.
///
/// Everything that is wrong with it is listed in `errors`; a wrong sitting changes nothing.
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
    check(&sitting)?;
    let sitting = app.engine.put_sitting(&staff, sitting).await?;
    Ok(json(StatusCode::OK, &*sitting))
}

/// The engine names the first problem; a form wants all of them.
fn check(sitting: &Sitting) -> Result<(), Problem> {
    let problems = sitting.validate();
    if problems.is_empty() {
        return Ok(());
    }
    let refused = Problem::new(Code::InvalidRequest);
    Err(problems.iter().fold(refused, |refused, wrong| {
        let text = wrong.to_string();
        let words = text
            .strip_prefix(wrong.pointer())
            .and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(&text);
        refused.and_wrong_field(wrong.pointer(), words.to_owned())
    }))
}
