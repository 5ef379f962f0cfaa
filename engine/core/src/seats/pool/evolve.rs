//! Makes events so: the one way in which a pool changes, live and in replay alike.

use super::{Claim, Pool, Settings};
use crate::ids::{CandidateId, ClaimNumber, OrderId};
use crate::seats::{Asked, Attachment, ClaimState, Event, Leave};
use crate::time::Moment;

impl Pool {
    /// Makes an event so. Total: it decides nothing and never fails, also where an event does not fit;
    /// [`Pool::fits`] tells that before, and the counters agree with the claims whatever comes.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::PoolCreated {
                capacity,
                open,
                fee_fen,
                exam_date,
                ..
            } => {
                self.settings = Settings {
                    capacity: *capacity,
                    open: *open,
                    draining: false,
                    fee: *fee_fen,
                    exam_date: exam_date.clone(),
                };
            }
            Event::CapacitySet {
                capacity, draining, ..
            } => {
                self.settings.capacity = *capacity;
                self.settings.draining = *draining;
            }
            Event::PoolOpened { .. } => self.settings.open = true,
            Event::PoolClosed { .. } => self.settings.open = false,
            Event::TermsSet {
                fee_fen, exam_date, ..
            } => {
                self.settings.fee = *fee_fen;
                self.settings.exam_date.clone_from(exam_date);
            }
            Event::ClaimHeld {
                claim,
                candidate,
                held_until,
                ..
            } => {
                self.add(*claim, *candidate, ClaimState::Held { until: *held_until });
            }
            Event::ClaimQueued { claim, candidate, .. } => self.add(*claim, *candidate, ClaimState::Waiting),
            Event::ClaimPromoted { claim, .. }
            | Event::DeadlineExtended { claim, .. }
            | Event::ClaimPaid { claim, .. }
            | Event::ClaimRefunded { claim, .. }
            | Event::ClaimCancelled { claim, .. }
            | Event::ClaimWithdrawn { claim, .. }
            | Event::ClaimExpired { claim, .. }
            | Event::ClaimRemoved { claim, .. }
            | Event::ClaimLapsed { claim, .. } => {
                if let Some(state) = event.new_state() {
                    self.change_state(*claim, state);
                }
            }
            Event::OrderAttached { claim, order, .. } => self.attach(*claim, *order),
            Event::OrderDetached { claim, .. } => self.detach(*claim),
            Event::CancellationAsked {
                claim,
                asked_at,
                by,
                reason,
                ..
            } => self.mark(*claim, *asked_at, || Leave::Cancel {
                by: by.clone(),
                reason: *reason,
            }),
            Event::RemovalAsked {
                claim,
                asked_at,
                cause,
                ..
            } => self.mark(*claim, *asked_at, || Leave::Remove { cause: *cause }),
            Event::KeyRemembered { .. } => {}
        }
    }

    fn add(&mut self, number: ClaimNumber, candidate: CandidateId, state: ClaimState) {
        if number == self.next_number() {
            self.claims.push(Claim { candidate, state });
            self.enter(number, state);
        }
    }

    fn change_state(&mut self, number: ClaimNumber, state: ClaimState) {
        let index = usize::try_from(number.0)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let Some(claim) = index.and_then(|index| self.claims.get_mut(index)) else {
            return;
        };
        let before = std::mem::replace(&mut claim.state, state);
        self.leave(number, before);
        if state.held_until().is_none() {
            self.attached.remove(&number);
        }
        self.enter(number, state);
        self.end_draining();
    }

    fn attach(&mut self, number: ClaimNumber, order: OrderId) {
        let until = self.claim(number).and_then(|claim| claim.state.held_until());
        if let Some(until) = until {
            self.deadlines.remove(until, number);
            self.attached.insert(number, Attachment { order, asked: None });
        }
    }

    fn detach(&mut self, number: ClaimNumber) {
        let until = self.claim(number).and_then(|claim| claim.state.held_until());
        if let (Some(_), Some(until)) = (self.attached.remove(&number), until) {
            self.deadlines.add(until, number);
        }
    }

    fn mark(&mut self, number: ClaimNumber, at: Moment, leave: impl FnOnce() -> Leave) {
        if let Some(attachment) = self.attached.get_mut(&number) {
            attachment.asked = Some(Asked { at, leave: leave() });
        }
    }

    /// A drained pool is one like any other (R34).
    pub(super) fn end_draining(&mut self) {
        if self.taken() <= self.settings.capacity {
            self.settings.draining = false;
        }
    }

    fn leave(&mut self, number: ClaimNumber, state: ClaimState) {
        match state {
            ClaimState::Held { until } => {
                self.held -= 1;
                self.deadlines.remove(until, number);
            }
            ClaimState::Waiting => {
                self.waitlist.remove(number);
            }
            ClaimState::Paid { .. } => self.paid -= 1,
            ClaimState::Gone(_) => {}
        }
    }

    pub(super) fn enter(&mut self, number: ClaimNumber, state: ClaimState) {
        match state {
            ClaimState::Held { until } => {
                self.held += 1;
                if !self.attached.contains_key(&number) {
                    self.deadlines.add(until, number);
                }
            }
            ClaimState::Waiting => self.waitlist.push(number),
            ClaimState::Paid { .. } => self.paid += 1,
            ClaimState::Gone(_) => {}
        }
    }
}
