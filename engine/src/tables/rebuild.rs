//! The tables made anew, and compared with the journal.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use tokio::sync::watch;

use super::{Checkpoint, Progress};
use crate::failure::OpenError;
use crate::recovery::{Source, load};
use crate::store::{Store, on};

const TABLES: [&str; 18] = [
    "checkpoint",
    "stream_heads",
    "stream_index",
    "documents",
    "campuses",
    "pools",
    "claims",
    "candidates",
    "enrolments",
    "idempotency_keys",
    "notices",
    "reminders",
    "reviews",
    "orders",
    "order_claims",
    "score_reports",
    "quick_prints",
    "staff_accounts",
];

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildReport {
    /// Events taken over.
    pub events: u64,
    /// Pools there are.
    pub pools: usize,
    /// Candidates there are.
    pub candidates: usize,
}

/// Empties the tables.
pub(crate) async fn clear(store: &Store) -> Result<(), OpenError> {
    let _undisturbed = store.tables_lock.lock().await;
    for table in TABLES {
        let sql = AssertSqlSafe(format!("DELETE FROM {table}"));
        on!(&store.tables, pool => sqlx::query(sql).execute(pool).await?.rows_affected());
    }
    Ok(())
}

/// Fills the tables from the journal, from where they stand to its end.
pub(crate) async fn fill(store: &Arc<Store>, progress: &dyn Fn(u64, u64)) -> Result<u64, OpenError> {
    let (total,): (i64,) = on!(&store.journal, pool => {
        sqlx::query_as("SELECT CAST(COALESCE(SUM(position), 0) AS BIGINT) FROM cells").fetch_one(pool).await?
    });
    let total = u64::try_from(total).unwrap_or(0);
    let mut checkpoint = Checkpoint::open(store.clone(), watch::Sender::new(Progress::default())).await?;
    let mut done = 0;
    loop {
        let taken = checkpoint.step().await?;
        if let Some(evidence) = checkpoint.stuck() {
            return Err(OpenError::Damaged(evidence.into()));
        }
        if taken == 0 {
            return Ok(done);
        }
        done += taken as u64;
        progress(done, total);
    }
}

/// Compares what the tables say with what the journal says; both must have been brought to its end.
///
/// # Errors
/// [`OpenError::Damaged`] names the first difference (I8).
pub(crate) async fn verify(store: &Store) -> Result<RebuildReport, OpenError> {
    let from_tables = load(store, Source::Tables).await?;
    let from_journal = load(store, Source::Journal).await?;
    let differs = |what: &str| Err(OpenError::Damaged(format!("tables and journal differ in {what}")));
    for (id, pool) in &from_journal.pools {
        if from_tables.pools.get(id) != Some(pool) {
            return differs(&format!("pool {id}"));
        }
    }
    for (id, candidate) in &from_journal.candidates {
        if from_tables.candidates.get(id) != Some(candidate) {
            return differs(&format!("candidate {id}"));
        }
    }
    if from_tables != from_journal {
        return differs("something that the journal does not have");
    }
    super::notices::verify(store).await?;
    Ok(RebuildReport {
        events: 0,
        pools: from_journal.pools.len(),
        candidates: from_journal.candidates.len(),
    })
}
