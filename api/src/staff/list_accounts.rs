//! `GET /v1/staff/accounts` (R32)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::StaffAccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffAccount;
use crate::wire::{Page, Params, cursor_after, json};

/// Accounts of staff, in the order in which they were given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StaffAccountList {
    /// The accounts.
    accounts: Vec<StaffAccount>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

problems!(ListProblems: STAFF ENGINE PARAMETERS);

/// The accounts that one may give and take away, those that were taken away included.
///
/// National staff see all, province staff those of their province's schools, a school's staff none.
#[utoipa::path(get, path = "/v1/staff/accounts", tag = "staff", security(("bearer" = [])),
    params(("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.")),
    responses((status = 200, description = "The accounts.", body = StaffAccountList), ListProblems))]
pub(super) async fn list_staff_accounts(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
) -> Result<Response, Problem> {
    let page = Page::<StaffAccountId>::of(&params)?;
    // One more than asked for tells whether there is a next page.
    let wanted = page.limit + 1;
    let mut accounts = app.engine.staff_accounts(&staff, page.after, wanted).await?;
    let has_more = accounts.len() > page.limit;
    accounts.truncate(page.limit);
    let next_cursor = accounts
        .last()
        .filter(|_| has_more)
        .map(|account| cursor_after(&account.id));
    let list = StaffAccountList {
        accounts: accounts.iter().map(StaffAccount::from).collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}
