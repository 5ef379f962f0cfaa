//! `POST /v1/sessions` (R1)

use axum::extract::State;
use axum::response::Response;
use kaowei_engine::{LoggedIn, Login, Password};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::holder::Holder;
use super::opened_session::{OpenedSession, opened};
use crate::auth::{Role, TokenClaims};
use crate::captcha::CaptchaAnswer;
use crate::entry::Visitor;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{RawJson, parse};

/// 登录
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenSession {
    /// The province of the account.
    #[schema(example = "99")]
    province: String,
    /// The kind of ID document; `resident_id` if absent.
    #[schema(example = "resident_id", nullable = false)]
    id_type: Option<String>,
    /// The number of that document.
    #[schema(example = "11010519491231002X")]
    id_number: String,
    /// The password.
    #[schema(value_type = String, example = "correct horse")]
    password: Password,
    /// The solved captcha; not needed where the server asks for none.
    #[schema(value_type = Option<CaptchaAnswer>, nullable = false)]
    captcha: Option<Value>,
}

problems!(SessionProblems: ENGINE BODY; BadCredentials, RateLimited);

/// Logs in.
///
/// A wrong captcha, a wrong password and an account that does not exist look and take the same: `bad_credentials`, with
/// the `captcha_level` that the next captcha must have. Tries are counted for the pair of account and address; beyond
/// five, each waits longer (`rate_limited` with `Retry-After`).
#[utoipa::path(post, path = "/v1/sessions", tag = "public",
    request_body = OpenSession,
    responses((status = 201, description = "Logged in.", body = OpenedSession), SessionProblems))]
pub(super) async fn open_session(
    State(app): State<App>,
    visitor: Visitor,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: OpenSession = parse(&body)?;
    let holder = Holder::read(&asked.province, asked.id_type.as_deref(), &asked.id_number)?;
    let captcha = app.captcha(asked.captcha)?;
    let login = Login {
        province: holder.province,
        id_type: holder.id_type,
        id_number: holder.id_number,
        password: asked.password,
    };
    let key = holder.tries_from(visitor.address);
    let app = &app;
    let logged_in = app.try_login(key, |level| {
        app.engine
            .log_in(login, move || app.is_solved(captcha.as_ref(), level))
    });
    let LoggedIn { generation, .. } = logged_in.await?;
    opened(app, Role::Candidate, |token| TokenClaims {
        sub: holder.subject(),
        generation,
        province: Some(holder.province.to_string()),
        ..token
    })
}
