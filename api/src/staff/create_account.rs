//! `POST /v1/staff/accounts` (R32)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::sites::Scope;
use kaowei_engine::NewStaffAccount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffAccount;
use crate::wire::{IdempotencyKey, Operation, RawJson, json, parse};

/// An account for a member of staff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateStaffAccount {
    /// What they are to log in with: 3 to 64 letters, digits, dots, hyphens, underscores or @; upper and lower case are
    /// the same.
    #[schema(example = "wang.fang")]
    login: String,
    /// Who that is.
    #[schema(example = "王芳")]
    name: String,
    /// How far they are to see: `national`, `province:99`, `school:99101`.
    #[schema(example = "school:99101")]
    scope: String,
    /// Why, in 1 to 500 letters, without a name; kept in the audit trail.
    #[schema(
        example = "runs registration at this school from September on",
        nullable = false
    )]
    reason: Option<String>,
}

/// An account with the code that sets its password.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedStaffAccount {
    /// The account.
    #[serde(flatten)]
    account: StaffAccount,
    /// To be handed to its holder, who sets a password with it at the first login (`POST /v1/staff/sessions`)
    /// before `code_expires_at`; afterwards, take the account away and give another.
    #[schema(example = "k7qx-m2np-9wte-hb4c")]
    code: String,
}

problems!(CreateProblems: STAFF ENGINE BODY; AccountExists, IdempotencyMismatch);

/// Gives a member of staff an account.
///
/// Province staff give accounts for schools of their province, national staff for everything, also for more national
/// staff; a school's staff give none. The answer has a code with which the new member of staff sets a password that nobody
/// else knows; the request repeated with its `Idempotency-Key` answers the same code again. The first national account is
/// given with a token of the command line, `kaowei token staff --scope national`.
///
/// The audit trail knows the account's id and scope, nobody's name. A login whose account was taken away may be given again.
#[utoipa::path(post, path = "/v1/staff/accounts", tag = "staff", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = CreateStaffAccount,
    responses((status = 201, description = "Given.", body = CreatedStaffAccount), CreateProblems))]
pub(super) async fn create_staff_account(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: CreateStaffAccount = parse(&body)?;
    let scope: Scope = asked.scope.trim().parse().map_err(|_| {
        let problem = (
            "须为 national、province:省份代码 或 school:学校代码。",
            "It must be national, province: and a province's code, or school: and a school's.",
        );
        Problem::wrong_field("/scope", problem)
    })?;
    let new = NewStaffAccount {
        login: asked.login,
        name: asked.name,
        scope,
        reason: asked.reason.map(|reason| reason.trim().into()),
        key: key.with(Operation::CreateStaffAccount, &body),
    };
    let invitation = app.engine.create_staff_account(&staff, new).await?;
    let created = CreatedStaffAccount {
        account: (&invitation.account).into(),
        code: invitation.code,
    };
    Ok(json(StatusCode::CREATED, &created))
}
