//! `POST /v1/sessions` (R1)

use aws_lc_rs::rand::fill;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use kaowei_core::time::Moment;
use kaowei_engine::{Denied, LoggedIn, Login, Password};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::holder::Holder;
use crate::auth::{OWN_ISSUER, Role, TokenClaims};
use crate::captcha::{CaptchaAnswer, Level};
use crate::entry::Visitor;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::Instant;
use crate::wire::{RawJson, json, parse};

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

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenedSession {
    /// To be sent as `Authorization: Bearer`.
    token: String,
    /// When it ends.
    expires_at: Instant,
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
    let now = app.engine.now();
    let key = holder.tries_from(visitor.address);
    let failures = app.entry.begin_login(key, now)?;
    let login = Login {
        province: holder.province,
        id_type: holder.id_type,
        id_number: holder.id_number,
        password: asked.password,
    };
    let solved = || app.is_solved(captcha.as_ref(), Level::after(failures));
    let logged_in = match app.engine.log_in(login, solved).await {
        Ok(logged_in) => logged_in,
        Err(Denied::BadCredentials) => return Err(app.refused_login(failures + 1)),
        Err(denied) => {
            app.entry.login_not_served(key);
            return Err(denied.into());
        }
    };
    app.entry.login_succeeded(key);
    let ends_at = now + app.access.session;
    let session = OpenedSession {
        token: token(&app, &holder, logged_in, ends_at)?,
        expires_at: Moment::from_unix_ms(ends_at.unix_ms() / 1_000 * 1_000).into(),
    };
    Ok(json(StatusCode::CREATED, &session))
}

fn token(app: &App, holder: &Holder<'_>, logged_in: LoggedIn, ends_at: Moment) -> Result<String, Problem> {
    let mut session = [0; 16];
    fill(&mut session).map_err(|_| Code::Internal)?;
    let claims = TokenClaims {
        iss: OWN_ISSUER.into(),
        sub: holder.subject(),
        role: Role::Candidate,
        exp: ends_at.unix_ms() / 1_000,
        sid: Some(URL_SAFE_NO_PAD.encode(session)),
        generation: logged_in.generation,
        province: Some(holder.province.to_string()),
        scope: None,
        id_type: None,
        id_number: None,
        name: None,
        phone: None,
    };
    app.keys.mint(&claims).map_err(|error| {
        tracing::error!(%error, "a login's token can't be made");
        Code::Internal.into()
    })
}
