//! `DELETE /v1/staff/accounts/{id}` (R32)

use axum::extract::State;
use http::StatusCode;
use kaowei_core::ids::StaffAccountId;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::{Params, PathId};

problems!(RevokeProblems: STAFF ENGINE PARAMETERS; NotFound);

/// Takes an account away from a member of staff: all its tokens and streams end at once.
///
/// By whoever may give such an account. Accounts that its holder gave stay. It goes on being listed, so that the audit
/// trail's ids have names; taking it away again changes nothing.
#[utoipa::path(delete, path = "/v1/staff/accounts/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The account's id."),
           ("reason" = Option<String>, Query, description = "Why, in 1 to 500 letters, without a name; kept in the audit trail.")),
    responses((status = 204, description = "It has ended."), RevokeProblems))]
pub(super) async fn revoke_staff_account(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<StaffAccountId>,
    params: Params,
) -> Result<StatusCode, Problem> {
    let reason = params.get("reason").map(|reason| reason.trim().to_owned());
    app.engine.revoke_staff_account(&staff, id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
