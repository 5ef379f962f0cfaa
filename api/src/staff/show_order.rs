//! `GET /v1/staff/orders/{id}` (R28)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::OrderId;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OrderAnswer;
use crate::wire::{PathId, json};

problems!(OrderProblems: STAFF ENGINE; NotFound);

/// An order of which at least one claim lies below the scope, with what goes back of it.
#[utoipa::path(get, path = "/v1/staff/orders/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The order.", body = OrderAnswer), OrderProblems))]
pub(super) async fn show_staff_order(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<OrderId>,
) -> Result<Response, Problem> {
    let order = app.engine.staff_order(&staff, id)?;
    Ok(json(StatusCode::OK, &OrderAnswer::from(&order)))
}
