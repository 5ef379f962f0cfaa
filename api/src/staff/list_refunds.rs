//! `GET /v1/staff/refunds` (R28)

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::RefundId;
use kaowei_engine::UnfinishedRefund;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{POOLS_NEXT_POLL_MS, Refund};
use crate::wire::{Page, Params, answer_tagged, page_of};

/// Money on its way back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefundUnderWay {
    /// The order whose money it is.
    order: String,
    /// Whose, as a pseudonym.
    candidate: i64,
    /// The refund.
    refund: Refund,
}

impl From<&UnfinishedRefund> for RefundUnderWay {
    fn from(unfinished: &UnfinishedRefund) -> Self {
        Self {
            order: unfinished.order.to_string(),
            candidate: unfinished.candidate.0,
            refund: Refund::from(&unfinished.refund),
        }
    }
}

/// What is on its way back, by refund.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefundList {
    /// The refunds.
    refunds: Vec<RefundUnderWay>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
    /// When to ask again.
    next_poll_ms: u32,
}

problems!(RefundsProblems: STAFF ENGINE PARAMETERS);

/// Refunds below the scope that are not done yet, by whomever they were decided, with how often each has failed.
///
/// One that keeps failing is asked again by itself; `failures` that grow want somebody who looks at the provider's side.
#[utoipa::path(get, path = "/v1/staff/refunds", tag = "staff", security(("bearer" = [])),
    params(("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The refunds.", body = RefundList,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              RefundsProblems))]
pub(super) async fn list_refunds(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::<RefundId>::of(&params)?;
    let refunds = app.engine.unfinished_refunds(&staff)?;
    let (range, next_cursor) = page_of(&refunds, &page, |unfinished| unfinished.refund.id);
    let list = RefundList {
        refunds: refunds[range].iter().map(RefundUnderWay::from).collect(),
        next_cursor,
        next_poll_ms: POOLS_NEXT_POLL_MS,
    };
    Ok(answer_tagged(&headers, &list))
}
