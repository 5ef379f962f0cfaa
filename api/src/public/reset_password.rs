//! `POST /v1/password-resets/{id}` (R1)

use axum::extract::{Path, State};
use http::StatusCode;
use kaowei_engine::Password;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::entry::Visitor;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{RawJson, parse};

/// A new password, with the code that was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetPassword {
    /// The code.
    #[schema(example = "01234567")]
    code: String,
    /// The new password: 8 to 128 characters.
    #[schema(value_type = String, example = "correct horse")]
    password: Password,
}

problems!(NewPasswordProblems: ENGINE BODY; BadCredentials, RateLimited);

/// Sets a new password and ends all tokens of the account.
///
/// `bad_credentials`: the code is not that one, was used, was mistyped five times, or has ended.
#[utoipa::path(post, path = "/v1/password-resets/{id}", tag = "public",
    params(("id" = String, Path, description = "The id that asking for the code answered.")),
    request_body = ResetPassword,
    responses((status = 204, description = "Set: log in with it."), NewPasswordProblems))]
pub(super) async fn reset_password(
    State(app): State<App>,
    _: Visitor,
    Path(id): Path<String>,
    RawJson(body): RawJson,
) -> Result<StatusCode, Problem> {
    let asked: ResetPassword = parse(&body)?;
    let new = app.engine.redeem_password_reset(&id, &asked.code, asked.password);
    app.set_password(new.await?).await?;
    Ok(StatusCode::NO_CONTENT)
}
