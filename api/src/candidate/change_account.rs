//! `PATCH /v1/account` (R1)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::{Account as Pseudonym, Denied, Password};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::entry::{ClientAddress, Key};
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::{Account, Instant, mask};
use crate::wire::{RawJson, json, parse};

/// One change: of the name, of the phone, or of the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeAccount {
    /// The name, as in the ID document. What was saved with an enrolment stays as it was.
    #[schema(example = "张三", nullable = false)]
    name: Option<String>,
    /// A new phone. Without `code`, a code is sent to it.
    #[schema(example = "13900000000", nullable = false)]
    phone: Option<String>,
    /// The code that was sent to the new phone.
    #[schema(example = "01234567", nullable = false)]
    code: Option<String>,
    /// A new password, with the one in force. It ends all tokens of the account, this one too.
    #[schema(value_type = Option<String>, nullable = false)]
    password: Option<Password>,
    /// The password in force.
    #[schema(value_type = Option<String>, nullable = false)]
    current_password: Option<Password>,
}

/// A code that is on its way to a new phone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PhoneChange {
    /// The new phone, masked.
    #[schema(example = "139****0000")]
    phone: String,
    /// Until when the code may be typed in.
    expires_at: Instant,
}

problems!(ChangeProblems: CANDIDATE ENGINE BODY; BadCredentials);

/// Changes the own account; ID type and ID number stay.
///
/// One change a request: `name`; `phone`, which sends a code to it (202), then `phone` with `code`; or `password` with
/// `current_password`. `bad_credentials`: the code or the password in force is not right.
#[utoipa::path(patch, path = "/v1/account", tag = "candidate", security(("bearer" = [])),
    request_body = ChangeAccount,
    responses((status = 200, description = "Changed.", body = Account),
              (status = 202, description = "A code was sent to the new phone.", body = PhoneChange),
              ChangeProblems))]
pub(super) async fn change_account(
    State(app): State<App>,
    Candidate(account): Candidate,
    address: ClientAddress,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: ChangeAccount = parse(&body)?;
    match asked {
        ChangeAccount {
            name: Some(name),
            phone: None,
            code: None,
            password: None,
            current_password: None,
        } => app.engine.change_name(account, name.trim()).await?,
        ChangeAccount {
            name: None,
            phone: Some(phone),
            code,
            password: None,
            current_password: None,
        } => match code {
            None => return send_code(&app, account, phone.trim()).await,
            Some(code) => app.engine.change_phone(account, phone.trim(), &code).await?,
        },
        ChangeAccount {
            name: None,
            phone: None,
            code: None,
            password: Some(password),
            current_password: Some(current),
        } => change_password(&app, account, address, current, password).await?,
        _ => {
            return Err(Problem::wrong_field(
                "",
                (
                    "每次只能修改一项：name；phone（及 code）；或 password 与 current_password。",
                    "One change at a time: name; phone, then with code; or password with current_password.",
                ),
            ));
        }
    }
    let details = app.engine.account_details(account).await?;
    Ok(json(StatusCode::OK, &Account::from(&details)))
}

async fn send_code(app: &App, account: Pseudonym, phone: &str) -> Result<Response, Problem> {
    let key = Key::of(&["phone", &account.candidate.to_string()]);
    app.entry.begin_code(key, app.engine.now())?;
    let asked = app.engine.ask_phone_change(account, phone).await;
    let ends_at = asked.inspect_err(|_| app.entry.code_not_made(key))?;
    let change = PhoneChange {
        phone: mask(phone),
        expires_at: ends_at.into(),
    };
    Ok(json(StatusCode::ACCEPTED, &change))
}

/// Whoever found an open session may not guess the password either.
async fn change_password(
    app: &App,
    account: Pseudonym,
    address: ClientAddress,
    current: Password,
    new: Password,
) -> Result<(), Problem> {
    let key = Key::of(&["password", &account.candidate.to_string(), &address.to_string()]);
    app.entry.begin_login(key, app.engine.now())?;
    let new = match app.engine.check_password_change(account, current, new).await {
        Ok(new) => new,
        Err(Denied::BadCredentials) => {
            return Err(Problem::new(Code::BadCredentials)
                .detailed(("当前密码不正确。", "That is not the password in force.")));
        }
        Err(denied) => {
            app.entry.login_not_served(key);
            return Err(denied.into());
        }
    };
    app.entry.login_succeeded(key);
    Ok(app.set_password(new).await?)
}
