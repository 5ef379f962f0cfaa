//! `PATCH /v1/staff/pools/{id}` (R34)

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::{Fen, PoolId};
use kaowei_core::seats::{Change, WhenShort};
use serde::Deserialize;
use utoipa::ToSchema;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::StaffPool;
use crate::wire::{PathId, RawJson, json, parse};

/// What if a lowered capacity is less than what is taken.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhenShortChoice {
    /// Refused, with the numbers.
    #[default]
    Refuse,
    /// It becomes the capacity at once; released seats vanish until the rest fits.
    Drain,
}

/// A change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePool {
    /// The number of seats.
    capacity: Option<u32>,
    /// Whether it takes claims.
    open: Option<bool>,
    /// What a seat costs from now on, in fen.
    fee_fen: Option<u32>,
    /// When the exam is sat, as the school writes it.
    exam_date: Option<String>,
    /// What if the capacity is less than what is taken.
    #[serde(default)]
    when_short: WhenShortChoice,
}

problems!(ChangeProblems: STAFF ENGINE BODY; NotFound, CapacityBelowTaken);

/// Changes a pool: its capacity, whether it is open, its fee, its date.
///
/// Seats that are added, or an opening, go to the head of the queue at once. Changes by staff happen one after the
/// other: this one waits for an import that is under way.
#[utoipa::path(patch, path = "/v1/staff/pools/{id}", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pool's id.")),
    request_body = ChangePool,
    responses((status = 200, description = "As it is now.", body = StaffPool), ChangeProblems))]
pub(super) async fn change_pool(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<PoolId>,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    scope::pool(&app, &staff, id)?;
    let asked: ChangePool = parse(&body)?;
    let change = Change {
        capacity: asked.capacity,
        open: asked.open,
        fee: asked.fee_fen.map(Fen),
        exam_date: asked.exam_date.map(Arc::from),
        when_short: match asked.when_short {
            WhenShortChoice::Refuse => WhenShort::Refuse,
            WhenShortChoice::Drain => WhenShort::Drain,
        },
    };
    let catalogue = app.engine.catalogue()?;
    let pool = app.engine.change_pool(&staff, id, change).await?;
    Ok(json(StatusCode::OK, &StaffPool::new(&pool, &catalogue)))
}
