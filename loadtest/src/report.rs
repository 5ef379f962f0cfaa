//! What a run says at its end: figures from the history, the verdict, as a page, as JSON and as text.
//!
//! Promises: the page is one file that needs no network and no script; every chart has its table behind it; every
//! figure is computed from the same history that the judge sees.

mod chart;
mod html;
mod logins;
mod style;
mod summary;
mod text;

use serde::Serialize;

pub use html::page;
pub use logins::{LoginAnswers, LoginFigures};
pub use summary::{CodeCount, OperationFigures, Percentiles, Second, Summary};
pub use text::print;

use crate::check::Verdict;
use crate::world::World;

/// Everything about a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The subcommand.
    pub scenario: String,
    /// What it was, in a line.
    pub title: String,
    /// What was decided by rule or default.
    pub told: Vec<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Where and with what.
    pub setting: Setting,
    /// How many of everything.
    pub world: WorldFigures,
    /// How long each phase took.
    pub phases: Phases,
    /// What was measured.
    pub summary: Summary,
    /// What a storm of logins came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logins: Option<LoginFigures>,
    /// What was proved.
    pub verdict: Verdict,
    /// Whether the user ended it early.
    pub interrupted: bool,
}

/// Where and with what a run was made.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// The server.
    pub server: String,
    /// Its store.
    pub store: String,
    /// The machine's cores, for client, server and store together.
    pub cores: usize,
    /// Client threads.
    pub workers: usize,
    /// Keep-alive connections.
    pub connections: usize,
    /// How long a client waits.
    pub timeout_ms: u64,
    /// The seed.
    pub seed: u64,
    /// The run's name, a part of its idempotency keys.
    pub run: String,
}

/// How many of everything.
#[derive(Clone, Debug, Serialize)]
pub struct WorldFigures {
    /// Schools.
    pub schools: usize,
    /// Campuses.
    pub campuses: usize,
    /// Pools.
    pub pools: usize,
    /// Seats of all pools.
    pub seats: u64,
    /// Candidates.
    pub candidates: usize,
    /// Of these, enrolled in the warm-up.
    pub enrolled: u64,
}

impl WorldFigures {
    /// Of this world, of whom so many are enrolled.
    pub fn of(world: &World, enrolled: u64) -> Self {
        Self {
            schools: world.schools.len(),
            campuses: world.campuses.len(),
            pools: world.pools.len(),
            seats: world.seats(),
            candidates: world.candidates.len(),
            enrolled,
        }
    }
}

/// How long each phase took.
#[derive(Clone, Debug, Serialize)]
pub struct Phases {
    /// Imports and tokens.
    pub set_up_seconds: f64,
    /// Agreement, qualification, enrolment of everybody.
    pub warm_up_seconds: f64,
    /// The load.
    pub load_seconds: f64,
    /// Waiting until nothing changes, and fetching the exports.
    pub export_seconds: f64,
    /// Judging.
    pub check_seconds: f64,
}
