//! `POST /v1/accounts` (R1)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::{Denied, IdType, Password, Person, Registration};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::holder::Holder;
use crate::auth::OWN_ISSUER;
use crate::captcha::{CaptchaAnswer, Level};
use crate::entry::Visitor;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Account;
use crate::wire::{IdempotencyKey, RawJson, json, parse};

/// 注册新用户
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterAccount {
    /// The province in which the candidate sits.
    #[schema(example = "99")]
    province: String,
    /// `resident_id` (with its check digit), `passport`, `hk_macao_permit`, `taiwan_permit`, `permanent_resident_id` or
    /// `other`.
    #[schema(example = "resident_id")]
    id_type: String,
    /// The number of that document.
    #[schema(example = "11010519491231002X")]
    id_number: String,
    /// The name, as in the document.
    #[schema(example = "张三")]
    name: String,
    /// The phone that codes go to: 6 to 15 digits, perhaps with a + before them.
    #[schema(example = "13800000000")]
    phone: String,
    /// 8 to 128 characters; not the ID number, its last eight characters, or the phone.
    #[schema(value_type = String, example = "correct horse")]
    password: Password,
    /// The solved captcha; not needed where the server asks for none.
    #[schema(value_type = Option<CaptchaAnswer>, nullable = false)]
    captcha: Option<Value>,
}

problems!(RegisterProblems: ENGINE BODY; BadCredentials, AccountExists, IdempotencyMismatch, RateLimited);

/// Makes an account: once for each person in each province.
///
/// `bad_credentials` is a captcha that was not solved. Log in afterwards. Whoever missed the answer repeats the request
/// with its key, which needs no captcha then, or logs in.
#[utoipa::path(post, path = "/v1/accounts", tag = "public",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = RegisterAccount,
    responses((status = 201, description = "Made.", body = Account), RegisterProblems))]
pub(super) async fn register_account(
    State(app): State<App>,
    _: Visitor,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: RegisterAccount = parse(&body)?;
    let holder = Holder::read(&asked.province, Some(&asked.id_type), &asked.id_number)?;
    let captcha = app.captcha(asked.captcha)?;
    let id_number = match holder.id_type {
        IdType::ResidentId => holder.id_number.to_ascii_uppercase(),
        _ => holder.id_number.to_owned(),
    };
    let registration = Registration {
        issuer: OWN_ISSUER,
        subject: &holder.subject(),
        province: holder.province,
        person: Person {
            id_type: holder.id_type,
            id_number,
            name: asked.name.trim().into(),
            phone: asked.phone.trim().into(),
        },
        password: asked.password,
        key: key.hash(),
    };
    let solved = || app.is_solved(captcha.as_ref(), Level::Easy);
    let account = match app.engine.register(registration, solved).await {
        Ok(account) => account,
        Err(Denied::BadCredentials) => return Err(app.refused_login(0)),
        Err(denied) => return Err(denied.into()),
    };
    Ok(json(StatusCode::CREATED, &Account::from(&account)))
}
