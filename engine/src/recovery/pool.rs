//! One pool read from the store again: after its actor panicked, or an event of it was refused.

use std::sync::Arc;

use super::memory::{Source, load};
use crate::actors::PoolHandle;
use crate::failure::OpenError;
use crate::incarnation::Incarnation;

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
    let mut memory = load(&incarnation.store, Source::Tables).await?;
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
