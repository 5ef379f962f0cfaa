//! `PUT /v1/agreement` (R2)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Instant;
use crate::wire::{RawJson, json, parse};

/// Which version of the agreement is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptAgreement {
    /// The version of `GET /v1/sitting`.
    #[schema(example = "2026-1")]
    version: String,
}

/// The accepted agreement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedAgreement {
    /// The version.
    version: String,
    /// When it was accepted.
    accepted_at: Instant,
}

problems!(AgreementProblems: CANDIDATE ENGINE BODY; OutsideWindow);

/// Accepts the agreement and integrity pledge, in the version in force.
///
/// Repeating it changes nothing. Another version than the one in force is 422; `outside_window` while there is no
/// sitting.
#[utoipa::path(put, path = "/v1/agreement", tag = "candidate", security(("bearer" = [])),
    request_body = AcceptAgreement,
    responses((status = 200, description = "Accepted.", body = AcceptedAgreement), AgreementProblems))]
pub(super) async fn accept_agreement(
    State(app): State<App>,
    Candidate(account): Candidate,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: AcceptAgreement = parse(&body)?;
    let agreed = app.engine.accept_agreement(account, &asked.version).await?;
    let accepted = AcceptedAgreement {
        version: agreed.version.to_string(),
        accepted_at: agreed.at.into(),
    };
    Ok(json(StatusCode::OK, &accepted))
}
