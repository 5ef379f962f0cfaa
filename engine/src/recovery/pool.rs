//! One pool read from the store again: after its actor panicked, or an event of it was refused.

use std::sync::Arc;
use std::time::Duration;

use super::memory::{Memory, Source, load};
use crate::actors::PoolHandle;
use crate::failure::OpenError;
use crate::incarnation::Incarnation;

/// How often and how soon the store is read again.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Rebuilds one pool and puts a fresh actor in charge.
pub(crate) async fn rebuild_pool(
    incarnation: &Arc<Incarnation>,
    handle: &Arc<PoolHandle>,
    life: u32,
) -> Result<(), OpenError> {
    // Whatever its former actor handed over is durable or dropped before the store is read.
    if incarnation.barrier().await.is_err() {
        return Ok(());
    }
    let mut memory = read_again(incarnation).await?;
    if handle.life() != life || incarnation.is_over() {
        // A later rebuild, or recovery as a whole, has taken over.
        return Ok(());
    }
    let id = handle.facts.id;
    let found = memory
        .pools
        .remove(&id)
        .ok_or_else(|| OpenError::Damaged(format!("{id}: the pool is not in the store")))?;
    handle.republish(&found.pool, found.head);
    incarnation.start_actor(handle, found.pool, found.head, life);
    tracing::info!(pool = %id, "a pool was rebuilt from the store");
    Ok(())
}

/// Reads the store; a read that fails once is no reason to give up a whole incarnation.
async fn read_again(incarnation: &Arc<Incarnation>) -> Result<Memory, OpenError> {
    for _ in 0..TRIES {
        match load(&incarnation.store, Source::Tables).await {
            Err(OpenError::Connect { source }) => {
                tracing::warn!(%source, "a pool's rebuild has to wait for the store");
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            other => return other,
        }
    }
    load(&incarnation.store, Source::Tables).await
}
