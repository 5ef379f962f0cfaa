//! Refusals that show the claim which stands in the way.

use kaowei_core::ids::ClaimId;
use kaowei_core::seats::Refusal;
use kaowei_engine::{Account, Denied};

use crate::problem::Problem;
use crate::state::App;
use crate::views::Claim;

/// The problem of a refusal; `level_taken` and `already_waiting` carry the claim itself.
pub(super) async fn with_claim(app: &App, account: Account, denied: Denied) -> Problem {
    let claim: Option<ClaimId> = match &denied {
        Denied::Refused(Refusal::LevelTaken(claim) | Refusal::AlreadyWaiting(claim)) => Some(*claim),
        Denied::Refused(_)
        | Denied::Failed(_)
        | Denied::NotFound
        | Denied::OutOfScope
        | Denied::IdempotencyMismatch
        | Denied::Invalid(_)
        | Denied::NoSuchPool(_)
        | Denied::Unreadable(_)
        | Denied::AccountExists
        | Denied::BadCredentials
        | Denied::PassportAccount
        | Denied::StaffAccountEnded
        | Denied::UnknownAccount => None,
    };
    let problem = Problem::from(denied);
    let Some(claim) = claim else { return problem };
    match app.engine.claim_by_id(account, claim).await {
        Ok(view) => problem.with_claim(Claim::from(&view).to_json()),
        // It went away between the two questions; the refusal stands as it was given.
        Err(_) => problem,
    }
}
