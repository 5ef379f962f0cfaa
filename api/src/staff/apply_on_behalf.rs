//! `POST /v1/staff/reviews` (R6, R33)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::ProvinceCode;
use kaowei_engine::{Denied, Fault, IdType, ReviewOnBehalf};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::StaffReview;
use crate::wire::{IdempotencyKey, Operation, RawJson, json, parse};

/// For whom, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyOnBehalf {
    /// The province of the candidate's student record.
    #[schema(example = "99")]
    province: String,
    /// The kind of the candidate's ID document.
    #[schema(example = "resident_id")]
    id_type: String,
    /// Its number.
    #[schema(example = "990101200501010010")]
    id_number: String,
    /// The ticket number of the CET4 exam, where it is known.
    #[schema(example = "991010031100001")]
    cet4_ticket: Option<String>,
    /// Why, in 1 to 500 letters that name nobody; kept in the audit trail.
    #[schema(example = "passed in 2003; the certificate was seen")]
    reason: String,
}

const NO_ACCOUNT: (&str, &str) = (
    "该学生还没有通行证账号，请其先注册。",
    "The student has no account yet, and has to register first.",
);

problems!(ApplyProblems: STAFF ENGINE BODY;
    NoStudentRecord, NotFound, OutsideWindow, NotEligible, ReviewExists, IdempotencyMismatch);

/// Applies for a review on a candidate's behalf: where the result is from before 2005, or the ticket number is forgotten.
///
/// Nothing is looked up: the review is `pending`, and staff decide by what they have seen. It needs neither the
/// candidate's acceptance of the agreement nor an open window (`outside_window` means that there is no sitting).
/// `no_student_record` where no record of the province has that document, `forbidden` where it is one of another school,
/// `not_found` where the student has no account yet; then `not_eligible` and `review_exists` as for the candidate.
#[utoipa::path(post, path = "/v1/staff/reviews", tag = "staff", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = ApplyOnBehalf,
    responses((status = 201, description = "It is pending.", body = StaffReview), ApplyProblems))]
pub(super) async fn apply_on_behalf(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: ApplyOnBehalf = parse(&body)?;
    let province = asked.province.parse().map_err(|_| {
        let fault = Fault::Code {
            given: asked.province.clone(),
            max: ProvinceCode::LENGTH_MAX,
        };
        Problem::wrong_field("/province", &fault)
    })?;
    let id_type = asked
        .id_type
        .parse()
        .map_err(|_| Problem::wrong_field("/id_type", &Fault::OneOf(IdType::NAMES)))?;
    let ticket = asked.cet4_ticket.as_deref().map(str::trim);
    let request = ReviewOnBehalf {
        province,
        id_type,
        id_number: asked.id_number,
        ticket: ticket.filter(|ticket| !ticket.is_empty()).map(str::to_owned),
        reason: asked.reason.trim().into(),
        key: key.of(&staff).with(Operation::ReviewOnBehalf, &body),
    };
    let applied = app.engine.apply_on_behalf(&staff, request).await;
    let (id, review) = applied.map_err(|denied| match denied {
        Denied::NotFound => Problem::new(Code::NotFound).detailed(NO_ACCOUNT),
        denied => denied.into(),
    })?;
    Ok(json(StatusCode::CREATED, &StaffReview::new(id, &review)))
}
