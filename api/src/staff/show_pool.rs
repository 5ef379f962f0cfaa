//! `GET /v1/staff/pools/{id}`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::PoolId;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffPool;
use crate::wire::{PathId, answer_tagged};

problems!(PoolProblems: STAFF ENGINE; NotFound);

/// One pool with its numbers.
#[utoipa::path(get, path = "/v1/staff/pools/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pool's id."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The pool.", body = StaffPool,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              PoolProblems))]
pub(super) async fn show_staff_pool(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<PoolId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let pool = scope::pool(&app, &staff, id)?;
    Ok(answer_tagged(
        &headers,
        &StaffPool::new(&pool, &*app.engine.catalogue()?),
    ))
}
