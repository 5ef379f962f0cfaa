//! One candidate's entry: committed state, and the turn that makes a candidate's own requests run one at a time.
//!
//! The turn is what reserves a level (R12) while a pool decides: it travels with the request and ends when the answer
//! is durable. A cascade (R13) holds back the next turn until the oral claim is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kaowei_core::ids::CandidateId;
use kaowei_core::registration::{Candidate, Eligibility};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use crate::people::Found;

/// What is known of a record's eligibility, live (R4).
#[derive(Debug, Default)]
struct Known {
    generation: u64,
    allows: Option<Arc<Eligibility>>,
}

/// An entry of the map of candidates.
#[derive(Debug)]
pub(crate) struct CandidateEntry {
    pub(crate) id: CandidateId,
    state: Mutex<Candidate>,
    /// What the bound record allows; none until it is looked up, and again after an import touched the record.
    eligibility: Mutex<Known>,
    /// The record that was found for this candidate, as of so many imports.
    found: Mutex<Option<(u64, Arc<Found>)>>,
    turn: Semaphore,
    cascades: AtomicU32,
    calm: Notify,
    /// Something happened to one of the orders.
    pub(crate) orders_changed: Notify,
}

impl CandidateEntry {
    pub(crate) fn new(id: CandidateId, candidate: Candidate) -> Self {
        Self {
            id,
            state: Mutex::new(candidate),
            eligibility: Mutex::new(Known::default()),
            found: Mutex::new(None),
            turn: Semaphore::new(1),
            cascades: AtomicU32::new(0),
            calm: Notify::new(),
            orders_changed: Notify::new(),
        }
    }

    /// Looks at the committed state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Candidate) -> T) -> T {
        look(&self.state.lock())
    }

    /// Changes the committed state, after a commit.
    pub(crate) fn publish<T>(&self, change: impl FnOnce(&mut Candidate) -> T) -> T {
        change(&mut self.state.lock())
    }

    /// What the bound record allows, if it is known.
    pub(crate) fn eligibility(&self) -> Option<Arc<Eligibility>> {
        self.eligibility.lock().allows.clone()
    }

    /// How often what was known was forgotten: to be asked before the record is looked up.
    pub(crate) fn eligibility_generation(&self) -> u64 {
        self.eligibility.lock().generation
    }

    /// Keeps what was looked up, unless the record was imported again meanwhile.
    pub(crate) fn know_eligibility(&self, generation: u64, allows: Option<Arc<Eligibility>>) {
        let mut known = self.eligibility.lock();
        if known.generation == generation {
            known.allows = allows;
        }
    }

    /// The record was imported again, or is bound no more.
    pub(crate) fn forget_eligibility(&self) {
        let mut known = self.eligibility.lock();
        known.generation += 1;
        known.allows = None;
    }

    /// The record that was found before, unless something was imported since.
    pub(crate) fn found(&self, imports: u64) -> Option<Arc<Found>> {
        self.found
            .lock()
            .as_ref()
            .filter(|(as_of, _)| *as_of == imports)
            .map(|(_, found)| found.clone())
    }

    pub(crate) fn remember_found(&self, imports: u64, found: Option<Arc<Found>>) {
        *self.found.lock() = found.map(|found| (imports, found));
    }

    /// Forgets the record that matched: what it is found by has changed.
    pub(crate) fn forget_found(&self) {
        *self.found.lock() = None;
    }

    /// Waits until this candidate's earlier requests and cascades are done.
    pub(crate) async fn take_turn(self: &Arc<Self>) -> Turn {
        loop {
            // The semaphore is never closed.
            if let Ok(permit) = self.turn.acquire().await {
                permit.forget();
            }
            let turn = Turn { entry: self.clone() };
            let calm = self.calm.notified();
            if self.cascades.load(Ordering::Acquire) == 0 {
                return turn;
            }
            drop(turn);
            calm.await;
        }
    }

    /// Holds back further turns until the guard is dropped.
    pub(crate) fn hold_back(self: &Arc<Self>) -> HeldBack {
        self.cascades.fetch_add(1, Ordering::AcqRel);
        HeldBack { entry: self.clone() }
    }
}

/// A candidate's turn; ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    entry: Arc<CandidateEntry>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.entry.turn.add_permits(1);
    }
}

/// A cascade that runs.
#[derive(Debug)]
pub(crate) struct HeldBack {
    entry: Arc<CandidateEntry>,
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        self.entry.cascades.fetch_sub(1, Ordering::AcqRel);
        self.entry.calm.notify_waiters();
    }
}
