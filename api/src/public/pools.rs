//! `GET /v1/pools`: where seats are. The busiest read of all; of one campus it is served as kept bytes.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use kaowei_core::ids::{CampusCode, PoolId, SchoolCode};
use kaowei_core::sites::Paper;
use kaowei_core::time::Moment;
use kaowei_engine::{Catalogue, PoolFilter, PoolView};

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{POOLS_NEXT_POLL_MS, PublicPool, PublicPools};
use crate::wire::{Page, Params, Published, answer_tagged, page_of};

problems!(PoolsProblems: PARAMETERS ENGINE; Unauthenticated, RateLimited, NoStudentRecord);

/// Pools by id: availability, queue, fee and window of each.
///
/// With `offered_to=me` and a candidate's token: just the pools open to this candidate: written at the campuses the
/// school opened for him, oral anywhere in the province.
#[utoipa::path(get, path = "/v1/pools", tag = "public",
    params(("campus" = Option<String>, Query, description = "Of this campus."),
           ("school" = Option<String>, Query, description = "Of this school."),
           ("paper" = Option<String>, Query, description = "`written` or `oral`."),
           ("offered_to" = Option<String>, Query, description = "`me`: open to the candidate of the token."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    security((), ("bearer" = [])),
    responses((status = 200, description = "The pools.", body = PublicPools,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              (status = 403, description = "`offered_to=me` with a token that is no candidate's.",
                   content_type = "application/problem+json", body = crate::problem::ProblemBody),
              PoolsProblems))]
pub(super) async fn list_pools(
    State(app): State<App>,
    params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let filter = PoolFilter {
        campus: params.parse::<CampusCode>("campus")?,
        school: params.parse::<SchoolCode>("school")?,
        province: None,
        paper: paper(&params)?,
    };
    let (mut parts, _) = request.into_parts();
    match params.get("offered_to") {
        None => {}
        Some("me") => {
            let Candidate(account) = Candidate::from_request_parts(&mut parts, &app).await?;
            let pools = app.engine.offered_pools(account, &filter).await?;
            return page(&*app.engine.catalogue()?, &pools, &params, &parts.headers);
        }
        Some(_) => {
            let problem = ("offered_to 只能是 me。", "offered_to must be me.");
            return Err(Problem::wrong_parameter(
                StatusCode::UNPROCESSABLE_ENTITY,
                "offered_to",
                problem,
            ));
        }
    }
    let is_kept = filter.school.is_none() && params.get("cursor").is_none() && params.get("limit").is_none();
    match filter.campus.filter(|_| is_kept) {
        Some(campus) => of_campus(&app, campus, filter.paper, &parts.headers).await,
        None => page(
            &*app.engine.catalogue()?,
            &app.engine.pools(&filter)?,
            &params,
            &parts.headers,
        ),
    }
}

/// The parameter `paper`.
pub(crate) fn paper(params: &Params) -> Result<Option<Paper>, Problem> {
    match params.get("paper") {
        None => Ok(None),
        Some("written") => Ok(Some(Paper::Written)),
        Some("oral") => Ok(Some(Paper::Oral)),
        Some(_) => {
            let problem = ("paper 只能是 written 或 oral。", "paper must be written or oral.");
            Err(Problem::wrong_parameter(
                StatusCode::UNPROCESSABLE_ENTITY,
                "paper",
                problem,
            ))
        }
    }
}

async fn of_campus(
    app: &App,
    campus: CampusCode,
    paper: Option<Paper>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let catalogue = app.engine.catalogue()?;
    let now = app.engine.now();
    // The version is read before what it names: bytes that are newer than their version are made once more.
    let version = (catalogue.version, app.engine.campus_version(campus));
    if let Some(kept) = app.pools.get((campus, paper), version, now) {
        return Ok(kept.respond(headers).await);
    }
    let filter = PoolFilter {
        campus: Some(campus),
        paper,
        ..PoolFilter::default()
    };
    let pools = app.engine.pools(&filter)?;
    let bytes = serde_json::to_vec(&public(&catalogue, &pools, None)).unwrap_or_default();
    let made = Published::new(version, now, next_change(&pools, now), bytes.into());
    // Campuses that do not exist are not kept, or anybody could fill the memory.
    let made = match catalogue.tree.campus(campus) {
        Some(_) => app.pools.keep((campus, paper), made),
        None => Arc::new(made),
    };
    Ok(made.respond(headers).await)
}

/// When time alone changes what the list says: the next opening or end of a window.
fn next_change(pools: &[PoolView], now: Moment) -> Moment {
    pools
        .iter()
        .flat_map(|pool| {
            let terms = &pool.terms;
            [terms.opens_at, terms.closes_at, terms.waitlist_closes_at]
        })
        .filter(|moment| now < *moment)
        .min()
        .unwrap_or(Moment::MAX)
}

fn public(catalogue: &Catalogue, pools: &[PoolView], next_cursor: Option<String>) -> PublicPools {
    PublicPools {
        pools: pools
            .iter()
            .map(|pool| PublicPool::new(pool, catalogue))
            .collect(),
        next_cursor,
        next_poll_ms: POOLS_NEXT_POLL_MS,
    }
}

fn page(
    catalogue: &Catalogue,
    pools: &[PoolView],
    params: &Params,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::<PoolId>::of(params)?;
    let (range, next_cursor) = page_of(pools, &page, |pool| pool.facts.id);
    Ok(answer_tagged(
        headers,
        &public(catalogue, &pools[range], next_cursor),
    ))
}
