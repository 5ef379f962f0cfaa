//! `POST /v1/password-resets` (R1)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::holder::Holder;
use crate::captcha::{CaptchaAnswer, Level};
use crate::entry::Visitor;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Instant;
use crate::wire::{RawJson, json, parse};

/// 忘记密码
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskPasswordReset {
    /// The province of the account.
    #[schema(example = "99")]
    province: String,
    /// The kind of ID document; `resident_id` if absent.
    #[schema(example = "resident_id", nullable = false)]
    id_type: Option<String>,
    /// The number of that document.
    #[schema(example = "11010519491231002X")]
    id_number: String,
    /// The solved captcha; not needed where the server asks for none.
    #[schema(value_type = Option<CaptchaAnswer>, nullable = false)]
    captcha: Option<Value>,
}

/// A code that is on its way, if there is such an account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AskedPasswordReset {
    /// Where to hand in the code: `POST /v1/password-resets/{id}`.
    id: String,
    /// Until when the code may be typed in.
    expires_at: Instant,
}

problems!(ResetProblems: ENGINE BODY; BadCredentials, RateLimited);

/// Sends a code of eight digits to the phone of that person's account.
///
/// The answer is the same where there is no such account. `bad_credentials` is a captcha that was not solved. Whoever asks
/// for the same person's again from the same address has to wait a minute, then longer (`rate_limited`). Where somebody
/// asked from elsewhere just before, no second message goes out: the code of the last one does.
#[utoipa::path(post, path = "/v1/password-resets", tag = "public",
    request_body = AskPasswordReset,
    responses((status = 202, description = "Sent, if there is such an account.", body = AskedPasswordReset),
              ResetProblems))]
pub(super) async fn ask_password_reset(
    State(app): State<App>,
    visitor: Visitor,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: AskPasswordReset = parse(&body)?;
    let holder = Holder::read(&asked.province, asked.id_type.as_deref(), &asked.id_number)?;
    let captcha = app.captcha(asked.captcha)?;
    if !app.is_solved(captcha.as_ref(), Level::Easy)? {
        return Err(app.refused_login(0));
    }
    let (key, now) = (holder.tries_from(visitor.address), app.engine.now());
    app.entry.begin_code(key, now)?;
    let message = app.entry.message(holder.messages(), now);
    let reset = app
        .engine
        .ask_password_reset(holder.province, holder.id_type, holder.id_number, message)
        .await
        .inspect_err(|_| app.entry.code_not_made(key))?;
    let answer = AskedPasswordReset {
        id: reset.id,
        expires_at: reset.ends_at.into(),
    };
    Ok(json(StatusCode::ACCEPTED, &answer))
}
