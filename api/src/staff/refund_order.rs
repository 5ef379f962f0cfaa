//! `POST /v1/staff/orders/{id}/refund` (R29)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::{ClaimId, OrderId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::OrderAnswer;
use crate::wire::{PathId, RawJson, json, parse};

/// Why, and what of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundOrder {
    /// Why, in 1 to 500 letters; kept in the audit trail, and shown to the candidate.
    #[schema(example = "系统故障")]
    reason: String,
    /// One claim of the order; all that it has paid if absent.
    claim: Option<String>,
}

problems!(RefundProblems: STAFF ENGINE BODY; NotFound, NothingDue, AlreadyGone, AlreadyPaid);

/// Takes paid seats back, which go to the head of the queue, and refunds them.
///
/// An oral seat is refunded before the written one that it needs, else `already_paid` names it. The money goes by
/// itself from here on: `refunds` of the order shows how far it is.
#[utoipa::path(post, path = "/v1/staff/orders/{id}/refund", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The order's id.")),
    request_body = RefundOrder,
    responses((status = 200, description = "The order, with its refunds.", body = OrderAnswer), RefundProblems))]
pub(super) async fn refund_order(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<OrderId>,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    // Whether it lies below the scope comes before the body.
    app.engine.staff_order(&staff, id)?;
    let asked: RefundOrder = parse(&body)?;
    // Ids are opaque: one that can't be one of ours names no claim.
    let claim: Option<ClaimId> = asked
        .claim
        .map(|claim| claim.parse().map_err(|_| Problem::new(Code::NotFound)))
        .transpose()?;
    let order = app
        .engine
        .refund_order(&staff, id, claim, asked.reason.trim())
        .await?;
    Ok(json(StatusCode::OK, &OrderAnswer::from(&order)))
}
