//! `POST /v1/enrolment` (R8)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::RecordVersion;
use kaowei_engine::EnrolRequest;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::EnrolmentPage;
use crate::wire::{IdempotencyKey, Operation, RawJson, json, parse};

/// 保存并继续
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveEnrolment {
    /// That the bound phone number, which the page has shown, is right. Must be true.
    #[schema(example = true)]
    phone_confirmed: bool,
    /// The version of the record that was confirmed; the record's version now if absent.
    #[schema(example = 1)]
    record_version: Option<i32>,
}

problems!(SaveProblems: CANDIDATE ENGINE BODY;
    AgreementRequired, NoStudentRecord, OutsideWindow, NotEligible, RecordTaken, RecordChanged, IdempotencyMismatch);

/// Saves the enrolment: binds account and student record.
///
/// Needs no query before it. While an enrolment exists it answers 200 with it and the claims that are active in it.
#[utoipa::path(post, path = "/v1/enrolment", tag = "candidate", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = SaveEnrolment,
    responses((status = 201, description = "Saved.", body = EnrolmentPage),
              (status = 200, description = "There was one already: this one, with its active claims.", body = EnrolmentPage),
              SaveProblems))]
pub(super) async fn save_enrolment(
    State(app): State<App>,
    Candidate(account): Candidate,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: SaveEnrolment = parse(&body)?;
    if !asked.phone_confirmed {
        let problem = (
            "请先核对绑定的手机号码。",
            "Confirm the bound phone number first.",
        );
        return Err(Problem::wrong_field("/phone_confirmed", problem));
    }
    let request = EnrolRequest {
        record_version: asked.record_version.map(RecordVersion),
        key: key.with(Operation::Enrol, &body),
    };
    let catalogue = app.engine.catalogue()?;
    let enrolled = app.engine.enrol(account, request).await?;
    let page = EnrolmentPage::new(&enrolled.enrolment, catalogue.sitting.as_deref());
    let status = if enrolled.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(json(status, &page))
}
