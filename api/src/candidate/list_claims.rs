//! `GET /v1/claims`: the own state, polled.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::ClaimId;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Claim, ClaimList};
use crate::wire::{Page, Params, bytes_tagged, cursor_after};

problems!(ListProblems: CANDIDATE ENGINE PARAMETERS);

/// Own claims in the order in which they were made: all active ones and the latest of those gone.
#[utoipa::path(get, path = "/v1/claims", tag = "candidate", security(("bearer" = [])),
    params(("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The claims.", body = ClaimList,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              ListProblems))]
pub(super) async fn list_claims(
    State(app): State<App>,
    Candidate(account): Candidate,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::<ClaimId>::of(&params)?;
    let claims = app.engine.claims(account)?;
    let from = page.after.map_or(0, |after| {
        let place = claims.iter().position(|claim| claim.standing.id == after);
        place.map_or(claims.len(), |place| place + 1)
    });
    let to = from.saturating_add(page.limit).min(claims.len());
    let next = (to < claims.len()).then(|| cursor_after(&claims[to - 1].standing.id));
    let bytes = Claim::to_list(claims[from..to].iter(), next.as_deref());
    // The tag is of the bytes, since places in queues change without any event about the claim itself.
    Ok(bytes_tagged(&headers, bytes))
}
