//! `GET /v1/staff/overview`: what the console shows first.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine::{Readiness, Sums};
use serde::Serialize;
use utoipa::ToSchema;

use super::show_expiry::Expiry;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Instant, POOLS_NEXT_POLL_MS, StaffPool};
use crate::wire::json;

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
    responses((status = 200, description = "How it stands.", body = OverviewAnswer), OverviewProblems))]
pub(super) async fn show_overview(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
) -> Result<Response, Problem> {
    let overview = app.engine.overview(&staff)?;
    let catalogue = app.engine.catalogue()?;
    let answer = OverviewAnswer {
        sitting: catalogue.sitting.as_ref().map(|sitting| sitting.id.clone()),
        now: app.engine.now().into(),
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
    Ok(json(StatusCode::OK, &answer))
}
