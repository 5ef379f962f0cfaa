//! `PUT /v1/staff/pools/{id}`

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::{Fen, PoolId};
use kaowei_engine::NewPool;
use serde::Deserialize;
use utoipa::ToSchema;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffPool;
use crate::wire::{PathId, RawJson, json, parse};

/// A pool as it should be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutPool {
    /// The number of seats.
    capacity: u32,
    /// Whether it takes claims.
    open: bool,
    /// What a seat costs, in fen.
    fee_fen: u32,
    /// When the exam is sat, as the school writes it.
    exam_date: Option<String>,
}

problems!(PutProblems: STAFF ENGINE BODY; NotFound, CapacityBelowTaken);

/// Makes a pool, or makes an existing one be like this.
///
/// Campus and subject of the id must exist.
#[utoipa::path(put, path = "/v1/staff/pools/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "Campus and subject, such as `991010-1`.")),
    request_body = PutPool,
    responses((status = 201, description = "Made.", body = StaffPool),
              (status = 200, description = "It existed; as it is now.", body = StaffPool),
              PutProblems))]
pub(super) async fn put_pool(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<PoolId>,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    scope::campus(&app, &staff, id.campus)?;
    let asked: PutPool = parse(&body)?;
    let pool = NewPool {
        capacity: asked.capacity,
        open: asked.open,
        fee: Fen(asked.fee_fen),
        exam_date: asked.exam_date.map(Into::into),
    };
    let catalogue = app.engine.catalogue()?;
    let (created, pool) = app.engine.put_pool(&staff, id, pool).await?;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(json(status, &StaffPool::new(&pool, &catalogue)))
}
