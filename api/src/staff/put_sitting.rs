//! `PUT /v1/staff/sitting`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::sites::Sitting;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{FieldProblem, Problem};
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
    let sitting: Sitting = parse(&body)?;
    check(&sitting)?;
    let sitting = app.engine.put_sitting(&staff, sitting).await?;
    Ok(json(StatusCode::OK, &*sitting))
}

/// The engine names the first problem; a form wants all of them.
fn check(sitting: &Sitting) -> Result<(), Problem> {
    let problems = sitting.validate();
    let Some(first) = problems.first() else { return Ok(()) };
    let problem = Problem::wrong_field(first.pointer(), first.to_string());
    Err(problems[1..].iter().fold(problem, |problem, more| {
        problem.with_error(FieldProblem {
            pointer: Some(more.pointer().into()),
            parameter: None,
            detail: more.to_string(),
        })
    }))
}
