//! Looking up a claim in the tables: one that is gone for so long that its candidate's entry has forgotten it.

use kaowei_core::ids::{CandidateId, ClaimId};
use kaowei_core::seats::Standing;

use crate::failure::Failure;
use crate::recovery::read_claim;
use crate::store::{Store, on};

const CLAIM: &str = "SELECT pool, number, candidate, paper, level, requires, state, held_until, first_until, first_position, \
     fee_fen, registered_by, created_at, sequence, chain_hash, state_at, state_sequence, state_hash, paid_by, attached_order, asked_at FROM claims \
     WHERE pool = $1 AND number = $2 AND candidate = $3";

/// A candidate's claim.
pub(crate) async fn claim_of(
    store: &Store,
    candidate: CandidateId,
    claim: ClaimId,
) -> Result<Option<Standing>, Failure> {
    let (pool_id, number) = (claim.pool.to_string(), i64::from(claim.number.0));
    let unavailable = |error: &dyn std::fmt::Display| {
        tracing::warn!(%error, "a claim can't be looked up in the tables");
        Failure::StoreUnavailable
    };
    on!(&store.tables, pool => {
        let row = sqlx::query(CLAIM)
            .bind(pool_id)
            .bind(number)
            .bind(candidate.0)
            .fetch_optional(pool)
            .await
            .map_err(|error| unavailable(&error))?;
        match row {
            Some(row) => read_claim(&row).map(|(_, standing)| Some(standing)).map_err(|error| unavailable(&error)),
            None => Ok(None),
        }
    })
}
