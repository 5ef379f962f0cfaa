//! `GET /v1/staff/pools`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::{CampusCode, PoolId, ProvinceCode, SchoolCode};
use kaowei_core::sites::Scope;
use kaowei_engine::PoolFilter;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::public::paper;
use crate::state::App;
use crate::views::{POOLS_NEXT_POLL_MS, StaffPool, StaffPools};
use crate::wire::{Page, Params, answer_tagged, page_of};

problems!(PoolsProblems: STAFF ENGINE PARAMETERS);

/// Pools with their numbers, below the scope, by id.
#[utoipa::path(get, path = "/v1/staff/pools", tag = "staff", security(("bearer" = [])),
    params(("province" = Option<String>, Query, description = "Of this province."),
           ("school" = Option<String>, Query, description = "Of this school."),
           ("campus" = Option<String>, Query, description = "Of this campus."),
           ("paper" = Option<String>, Query, description = "`written` or `oral`."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The pools.", body = StaffPools,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              PoolsProblems))]
pub(super) async fn list_staff_pools(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut filter = PoolFilter {
        campus: params.parse::<CampusCode>("campus")?,
        school: params.parse::<SchoolCode>("school")?,
        province: params.parse::<ProvinceCode>("province")?,
        paper: paper(&params)?,
    };
    let page = Page::<PoolId>::of(&params)?;
    // The scope narrows what the engine lists; what remains is checked one by one below.
    match staff.scope {
        Scope::National => {}
        Scope::Province(province) => filter.province = filter.province.or(Some(province)),
        Scope::School(school) => filter.school = filter.school.or(Some(school)),
    }
    let mut pools = app.engine.pools(&filter)?;
    pools.retain(|pool| staff.scope.covers(pool.facts.site));
    let (range, next_cursor) = page_of(&pools, &page, |pool| pool.facts.id);
    let catalogue = app.engine.catalogue()?;
    let list = StaffPools {
        pools: pools[range]
            .iter()
            .map(|pool| StaffPool::new(pool, &catalogue))
            .collect(),
        next_cursor,
        next_poll_ms: POOLS_NEXT_POLL_MS,
    };
    Ok(answer_tagged(&headers, &list))
}
