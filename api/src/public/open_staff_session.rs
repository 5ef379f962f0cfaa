//! `POST /v1/staff/sessions` (R32)

use axum::extract::State;
use axum::response::Response;
use kaowei_engine::{Password, StaffLogin};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::opened_session::{OpenedSession, opened};
use crate::auth::{Role, TokenClaims};
use crate::captcha::CaptchaAnswer;
use crate::entry::{Key, Visitor};
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{RawJson, parse};

/// 管理人员登录
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenStaffSession {
    /// The login.
    #[schema(example = "wang.fang")]
    login: String,
    /// The password: 8 to 128 characters.
    #[schema(value_type = String, example = "correct horse")]
    password: Password,
    /// At the first login, the code that came with the account: `password` becomes the account's.
    #[schema(example = "k7qx-m2np-9wte-hb4c", nullable = false)]
    code: Option<String>,
    /// The solved captcha; not needed where the server asks for none.
    #[schema(value_type = Option<CaptchaAnswer>, nullable = false)]
    captcha: Option<Value>,
}

problems!(StaffSessionProblems: ENGINE BODY; BadCredentials, RateLimited);

/// Logs a member of staff in.
///
/// As candidates log in (`POST /v1/sessions`), with the same captchas and the same limits for each login and address. A
/// wrong captcha, login, password or code look and take the same: `bad_credentials`. The token ends by itself, and at once
/// when the account is taken away.
#[utoipa::path(post, path = "/v1/staff/sessions", tag = "public",
    request_body = OpenStaffSession,
    responses((status = 201, description = "Logged in.", body = OpenedSession), StaffSessionProblems))]
pub(super) async fn open_staff_session(
    State(app): State<App>,
    visitor: Visitor,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: OpenStaffSession = parse(&body)?;
    let captcha = app.captcha(asked.captcha)?;
    let login = StaffLogin {
        login: &asked.login,
        password: asked.password,
        code: asked.code.as_deref(),
    };
    let key = Key::of(&["staff", &login.normal(), &visitor.address.to_string()]);
    let app = &app;
    let logged_in = app.try_login(key, |level| {
        app.engine
            .log_in_staff(login, move || app.is_solved(captcha.as_ref(), level))
    });
    let staff = logged_in.await?;
    opened(app, Role::Staff, |token| TokenClaims {
        sub: staff.subject.to_string(),
        scope: Some(staff.scope.to_string()),
        ..token
    })
}
