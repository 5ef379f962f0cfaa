//! `GET /v1/staff/pools/{id}/preview` (R34)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::PoolId;
use serde::Serialize;
use utoipa::ToSchema;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Problem, refusal_code};
use crate::state::App;
use crate::wire::{Params, PathId, json};

/// What a change of the capacity would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewAnswer {
    /// The capacity asked about.
    capacity: u32,
    /// The capacity now.
    capacity_now: u32,
    /// Seats held, unpaid.
    held: u32,
    /// Seats paid.
    paid: u32,
    /// How many wait.
    waiting: u32,
    /// The claims that would be promoted, head first.
    would_promote: Vec<String>,
    /// The code with which it would be refused, unless drained.
    #[schema(example = "capacity_below_taken")]
    refused: Option<&'static str>,
}

problems!(PreviewProblems: STAFF ENGINE PARAMETERS; NotFound);

/// What a change of the capacity would do, before it is saved.
#[utoipa::path(get, path = "/v1/staff/pools/{id}/preview", tag = "staff", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pool's id."),
           ("capacity" = u32, Query, description = "The capacity to look at.")),
    responses((status = 200, description = "What would happen.", body = PreviewAnswer), PreviewProblems))]
pub(super) async fn preview_pool(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(id): PathId<PoolId>,
    params: Params,
) -> Result<Response, Problem> {
    scope::pool(&app, &staff, id)?;
    let capacity = params.parse::<u32>("capacity")?.ok_or_else(|| {
        let problem = ("请给出要预览的 capacity。", "Say which capacity to look at.");
        Problem::wrong_parameter(StatusCode::UNPROCESSABLE_ENTITY, "capacity", problem)
    })?;
    let preview = app.engine.preview(&staff, id, capacity)?;
    let answer = PreviewAnswer {
        capacity,
        capacity_now: preview.pool.capacity,
        held: preview.pool.held,
        paid: preview.pool.paid,
        waiting: preview.pool.waiting,
        would_promote: preview.would_promote.iter().map(ToString::to_string).collect(),
        refused: preview
            .refused
            .as_ref()
            .map(|refusal| refusal_code(refusal).as_str()),
    };
    Ok(json(StatusCode::OK, &answer))
}
