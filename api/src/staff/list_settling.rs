//! `GET /v1/staff/settling` (R27)

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::ClaimId;
use kaowei_engine::Settling;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Claim, Instant, POOLS_NEXT_POLL_MS};
use crate::wire::{Page, Params, answer_tagged, page_of};

/// A hold that is kept for nothing but its order's end.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettlingClaim {
    /// The claim.
    claim: Claim,
    /// Whose, as a pseudonym.
    candidate: i64,
    /// The order that has to end.
    order: String,
    /// Since when.
    since: Instant,
}

impl From<&Settling> for SettlingClaim {
    fn from(settling: &Settling) -> Self {
        Self {
            claim: Claim::from(&settling.claim),
            candidate: settling.candidate.0,
            order: settling.order.to_string(),
            since: settling.since.into(),
        }
    }
}

/// What is settling, by claim.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettlingList {
    /// The claims.
    settling: Vec<SettlingClaim>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
    /// When to ask again.
    next_poll_ms: u32,
}

problems!(SettlingProblems: STAFF ENGINE PARAMETERS);

/// Holds below the scope whose deadline has passed, or whose end was asked, while an order for them is open.
///
/// Each stays until the provider has said what became of its order.
#[utoipa::path(get, path = "/v1/staff/settling", tag = "staff", security(("bearer" = [])),
    params(("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The claims.", body = SettlingList,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              SettlingProblems))]
pub(super) async fn list_settling(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::<ClaimId>::of(&params)?;
    let mut settling = app.engine.settling(&staff)?;
    settling.sort_by_key(|settling| settling.claim.standing.id);
    let (range, next_cursor) = page_of(&settling, &page, |settling| settling.claim.standing.id);
    let list = SettlingList {
        settling: settling[range].iter().map(SettlingClaim::from).collect(),
        next_cursor,
        next_poll_ms: POOLS_NEXT_POLL_MS,
    };
    Ok(answer_tagged(&headers, &list))
}
