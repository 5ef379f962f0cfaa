//! What is handed to the journal: what happened, and what to do when it is durable.

use std::sync::Arc;

use kaowei_core::audit::Seal;
use kaowei_core::ids::Cell;
use kaowei_core::seats::Refusal;
use kaowei_core::time::Moment;
use kaowei_core::{cell, seats};
use smallvec::SmallVec;

use crate::actors::{Numbers, PoolHandle};
use crate::failure::Failure;
use crate::incarnation::Incarnation;

/// One event of a pool with its place in the pool's chain.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) event: seats::Event,
    pub(crate) seal: Seal,
    pub(crate) payload: String,
}

/// The events of one decision.
pub(crate) type PoolEvents = SmallVec<[Sealed; 1]>;

/// One event of a cell; the writer gives it its place in the cell's chain.
#[derive(Debug, Clone)]
pub(crate) struct CellEvent {
    pub(crate) event: cell::Event,
    pub(crate) at: Moment,
}

/// What happened.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events of pools, which would pay for the box"
)]
pub(crate) enum Happened {
    /// In a pool: perhaps nothing, where something was refused.
    InPool {
        pool: Arc<PoolHandle>,
        /// The life of the pool's actor that decided it: what an actor decided on top of a lost event is dropped.
        life: u32,
        events: PoolEvents,
        /// The pool's numbers afterwards.
        numbers: Numbers,
        outcome: Result<(), Refusal>,
    },
    /// In a cell, outside its pools.
    InCell { cell: Cell, events: Vec<CellEvent> },
    /// Nothing; all cells are marked as alive.
    Heartbeat,
    /// Nothing; for who wants to know that all before is durable.
    Barrier,
}

/// What became of an entry.
pub(crate) enum Fate<'a> {
    /// It is durable and published.
    Committed {
        /// What was decided.
        outcome: Result<(), Refusal>,
        /// What happened in the pool.
        events: &'a [Sealed],
    },
    /// It is not, or nobody knows.
    Failed(Failure),
}

/// What to do when the fate is known: to answer.
pub(crate) type Then = Box<dyn FnOnce(&Arc<Incarnation>, Fate<'_>) + Send>;

/// What is handed over.
pub(crate) struct Entry {
    pub(crate) happened: Happened,
    pub(crate) then: Then,
}

impl Entry {
    /// Gives up on it.
    pub(crate) fn fail(self, incarnation: &Arc<Incarnation>, failure: Failure) {
        (self.then)(incarnation, Fate::Failed(failure));
    }

    /// How many events it holds.
    pub(crate) fn len(&self) -> usize {
        match &self.happened {
            Happened::InPool { events, .. } => events.len(),
            Happened::InCell { events, .. } => events.len(),
            Happened::Heartbeat | Happened::Barrier => 0,
        }
    }

    /// Whether a transaction is needed for it.
    pub(crate) fn needs_commit(&self) -> bool {
        self.len() > 0 || matches!(self.happened, Happened::Heartbeat)
    }

    /// Whether it was decided on top of something that was dropped.
    pub(crate) fn is_stale(&self) -> bool {
        match &self.happened {
            Happened::InPool { pool, life, .. } => pool.life() != *life,
            Happened::InCell { .. } | Happened::Heartbeat | Happened::Barrier => false,
        }
    }
}
