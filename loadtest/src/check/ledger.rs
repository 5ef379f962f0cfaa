//! One pool's ledger: seats, queue and claims as its events make them, and the rules that no event may break.
//!
//! Promises: every event is applied in O(1) amortised, whether it breaks a rule or not, so that one violation does
//! not hide the next. Invariants: `held`, `paid` and `waiting` are the numbers of claims in these states; the
//! queue holds every waiting claim in the order of sequence (and some that no longer wait, skipped at the head).
//!
//! Deliberately absent: rules across pools (`active.rs`) and where records come from (`replay.rs`).

use std::collections::VecDeque;

use super::events::{Ending, Event};
use crate::history::ClaimState;

/// What the ledger knows of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) state: ClaimState,
    pub(super) candidate: u32,
    /// Of the event that created it.
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
    /// Of the latest event about it.
    pub(super) state_seq: u64,
    pub(super) state_hash: [u8; 32],
}

/// Where an event stands: its sequence number in the pool and its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

/// A rule that an event broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breach {
    /// A seat was granted while `taken` of `capacity` were held or paid.
    GrantAtCapacity { taken: u64, capacity: u64 },
    /// The capacity was lowered below what is taken, without a drain.
    LoweredBelowTaken { taken: u64, capacity: u64 },
    /// A newcomer got a seat while `head` waited.
    JumpedQueue { head: u32 },
    /// Another than `head`, the one with the smallest sequence, was promoted.
    NotTheHead { head: u32 },
    /// The event does not fit the claim's state (`None`: there is no such claim, or one already).
    Unfitting { state: Option<ClaimState> },
}

/// One pool, replayed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) capacity: u64,
    pub(super) open: bool,
    pub(super) draining: bool,
    pub(super) held: u64,
    pub(super) paid: u64,
    pub(super) waiting: u64,
    /// Whether there ever was a moment without a seat for a newcomer.
    pub(super) was_full: bool,
    claims: Vec<Option<Claim>>,
    queue: VecDeque<u32>,
}

impl Ledger {
    /// The claim with this number.
    pub(super) fn claim(&self, number: u32) -> Option<&Claim> {
        self.claims.get(number as usize)?.as_ref()
    }

    /// Every claim with its number.
    pub(super) fn claims(&self) -> impl Iterator<Item = (u32, &Claim)> {
        self.claims
            .iter()
            .enumerate()
            .filter_map(|(number, claim)| Some((u32::try_from(number).ok()?, claim.as_ref()?)))
    }

    /// How many seats are taken.
    pub(super) const fn taken(&self) -> u64 {
        self.held + self.paid
    }

    /// Applies an event and tells which rules it broke.
    pub(super) fn apply(&mut self, event: Event<'_>, candidate: u32, place: Place) -> Vec<Breach> {
        let mut breaches = Vec::new();
        match event {
            Event::Created { capacity, open } => {
                (self.capacity, self.open) = (capacity, open);
            }
            Event::CapacitySet { capacity, draining } => {
                if self.taken() > capacity && !draining {
                    let taken = self.taken();
                    breaches.push(Breach::LoweredBelowTaken { taken, capacity });
                }
                (self.capacity, self.draining) = (capacity, draining);
            }
            Event::Opened => self.open = true,
            Event::Closed => self.open = false,
            Event::Held { claim, .. } => {
                self.check_free_seat(&mut breaches);
                if let Some(head) = self.head() {
                    breaches.push(Breach::JumpedQueue { head });
                }
                self.create(claim, ClaimState::Held, candidate, place, &mut breaches);
            }
            Event::Queued { claim, .. } => {
                self.create(claim, ClaimState::Waiting, candidate, place, &mut breaches);
                self.queue.push_back(claim);
            }
            Event::Promoted { claim } => {
                self.check_free_seat(&mut breaches);
                if let Some(head) = self.head().filter(|&head| head != claim) {
                    breaches.push(Breach::NotTheHead { head });
                }
                self.shift(
                    claim,
                    &[ClaimState::Waiting],
                    ClaimState::Held,
                    place,
                    &mut breaches,
                );
            }
            Event::Paid { claim, .. } => {
                self.shift(claim, &[ClaimState::Held], ClaimState::Paid, place, &mut breaches);
            }
            Event::Ended { claim, how } => {
                let (from, to) = ending(how);
                self.shift(claim, from, to, place, &mut breaches);
            }
            Event::Noted { claim } => {
                if let Some(Some(known)) = self.claims.get_mut(claim as usize) {
                    (known.state_seq, known.state_hash) = (place.seq, place.hash);
                }
            }
            Event::Other => {}
        }
        self.was_full |= self.taken() >= self.capacity || self.waiting > 0;
        breaches
    }

    /// The waiting claim with the smallest sequence.
    pub(super) fn head(&mut self) -> Option<u32> {
        while let Some(&number) = self.queue.front() {
            let waits = self
                .claim(number)
                .is_some_and(|claim| claim.state == ClaimState::Waiting);
            if waits {
                return Some(number);
            }
            self.queue.pop_front();
        }
        None
    }

    fn check_free_seat(&self, breaches: &mut Vec<Breach>) {
        if self.taken() >= self.capacity {
            breaches.push(Breach::GrantAtCapacity {
                taken: self.taken(),
                capacity: self.capacity,
            });
        }
    }

    fn create(
        &mut self,
        number: u32,
        state: ClaimState,
        candidate: u32,
        place: Place,
        breaches: &mut Vec<Breach>,
    ) {
        let at = number as usize;
        if let Some(claim) = self.claim(number) {
            let state = Some(claim.state);
            breaches.push(Breach::Unfitting { state });
            return;
        }
        if self.claims.len() <= at {
            self.claims.resize(at + 1, None);
        }
        self.claims[at] = Some(Claim {
            state,
            candidate,
            seq: place.seq,
            hash: place.hash,
            state_seq: place.seq,
            state_hash: place.hash,
        });
        *self.count(state) += 1;
    }

    fn shift(
        &mut self,
        number: u32,
        from: &[ClaimState],
        to: ClaimState,
        place: Place,
        breaches: &mut Vec<Breach>,
    ) {
        let Some(Some(claim)) = self.claims.get_mut(number as usize) else {
            breaches.push(Breach::Unfitting { state: None });
            return;
        };
        let before = claim.state;
        (claim.state, claim.state_seq, claim.state_hash) = (to, place.seq, place.hash);
        if !from.contains(&before) {
            breaches.push(Breach::Unfitting { state: Some(before) });
        }
        if before.is_active() {
            *self.count(before) -= 1;
        }
        if to.is_active() {
            *self.count(to) += 1;
        }
    }

    fn count(&mut self, state: ClaimState) -> &mut u64 {
        match state {
            ClaimState::Held => &mut self.held,
            ClaimState::Paid => &mut self.paid,
            ClaimState::Waiting => &mut self.waiting,
            ClaimState::Cancelled
            | ClaimState::Withdrawn
            | ClaimState::Expired
            | ClaimState::Removed
            | ClaimState::Lapsed
            | ClaimState::Refunded
            | ClaimState::Other => unreachable!("only active claims are counted"),
        }
    }
}

/// From which states a claim may end so, and the state it ends in.
const fn ending(how: Ending) -> (&'static [ClaimState], ClaimState) {
    const HELD: &[ClaimState] = &[ClaimState::Held];
    const WAITING: &[ClaimState] = &[ClaimState::Waiting];
    const PAID: &[ClaimState] = &[ClaimState::Paid];
    const BOTH: &[ClaimState] = &[ClaimState::Held, ClaimState::Waiting];
    match how {
        Ending::Cancelled => (HELD, ClaimState::Cancelled),
        Ending::Withdrawn => (WAITING, ClaimState::Withdrawn),
        Ending::Expired => (HELD, ClaimState::Expired),
        Ending::Removed => (BOTH, ClaimState::Removed),
        Ending::Lapsed => (WAITING, ClaimState::Lapsed),
        Ending::Refunded => (PAID, ClaimState::Refunded),
    }
}
