//! `GET /v1/staff/overview`: what the console shows first.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use kaowei_core::time::Moment;
use kaowei_engine::{Readiness, Sums};
use serde::Serialize;
use utoipa::ToSchema;

use super::show_expiry::Expiry;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Instant, POOLS_NEXT_POLL_MS, StaffPool};
use crate::wire::{bytes_of, content_tag, json, not_modified, tagged};

/// Sums over pools.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Totals {
    /// Pools.
    pools: u64,
    /// Of them without a seat for a newcomer.
    full_pools: u64,
    /// Seats.
    capacity: u64,
    /// Seats held, unpaid.
    held: u64,
    /// Seats paid.
    paid: u64,
    /// Claims that wait.
    waiting: u64,
}

impl From<Sums> for Totals {
    fn from(sums: Sums) -> Self {
        Self {
            pools: sums.pools,
            full_pools: sums.full_pools,
            capacity: sums.capacity,
            held: sums.held,
            paid: sums.paid,
            waiting: sums.waiting,
        }
    }
}

/// Sums over the pools of one province.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProvinceTotals {
    /// The province's code.
    province: String,
    /// Its sums.
    #[serde(flatten)]
    totals: Totals,
}

/// How everything below the scope stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OverviewAnswer {
    /// The sitting's id.
    sitting: Option<String>,
    /// The server's time.
    now: Instant,
    /// Whether requests are answered.
    ready: bool,
    /// Sums below the scope.
    total: Totals,
    /// Sums by province.
    provinces: Vec<ProvinceTotals>,
    /// The pools with the longest queues.
    longest_queues: Vec<StaffPool>,
    /// Whether deadlines are acted on.
    expiry: Expiry,
    /// Claims being decided.
    claims_in_flight: usize,
    /// Events committed.
    journal_position: i64,
    /// Of them not in the tables yet.
    checkpoint_lag: i64,
    /// When to ask again.
    next_poll_ms: u32,
}

problems!(OverviewProblems: STAFF ENGINE);

/// Sums, queues and health, below the scope.
#[utoipa::path(get, path = "/v1/staff/overview", tag = "staff", security(("bearer" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "How it stands.", body = OverviewAnswer,
                   headers(("ETag" = String, description = "To ask again with; the server's time is not part of it."))),
              (status = 304, description = "Nothing but the time has changed."),
              OverviewProblems))]
pub(super) async fn show_overview(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let overview = app.engine.overview(&staff)?;
    let catalogue = app.engine.catalogue()?;
    let mut answer = OverviewAnswer {
        sitting: catalogue.sitting.as_ref().map(|sitting| sitting.id.clone()),
        now: Moment::MIN.into(),
        ready: matches!(app.engine.readiness(), Readiness::Ready),
        total: overview.total.into(),
        provinces: overview
            .provinces
            .iter()
            .map(|(province, sums)| ProvinceTotals {
                province: province.to_string(),
                totals: Totals::from(*sums),
            })
            .collect(),
        longest_queues: overview
            .longest_queues
            .iter()
            .map(|pool| StaffPool::new(pool, &catalogue))
            .collect(),
        expiry: Expiry::from(&overview.expiry),
        claims_in_flight: overview.claims_in_flight,
        journal_position: overview.journal_position,
        checkpoint_lag: overview.checkpoint_lag,
        next_poll_ms: POOLS_NEXT_POLL_MS,
    };
    // The time of asking alone is no change.
    let tag = content_tag(&bytes_of(&answer));
    answer.now = app.engine.now().into();
    Ok(not_modified(&headers, &tag).unwrap_or_else(|| tagged(json(StatusCode::OK, &answer), &tag)))
}
