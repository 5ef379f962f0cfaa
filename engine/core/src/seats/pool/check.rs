//! What must never be of a pool: of the state it is in, and of an event that is said to follow.

use super::Pool;
use crate::ids::{CandidateId, ClaimNumber};
use crate::invariant::{Breach, Invariant};
use crate::seats::{ClaimState, Event, Freed};
use crate::sites::Terms;
use crate::time::Moment;

impl Pool {
    /// Whether an event can follow from this state: no seat beyond the capacity (I1), nobody past the head of the
    /// queue (I2), no queueing where a seat is free (I3), no seat with an open order given up (I12), nothing that happens
    /// to a claim in the wrong state (I10).
    /// O(1). A live pool asks it before every event; recovery and the audit can, before they [`Pool::evolve`].
    ///
    /// # Errors
    /// The [`Breach`], with the event's kind and the state that it does not fit.
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    pub fn fits(&self, event: &Event) -> Result<(), Breach> {
        match event {
            Event::PoolCreated { .. } => fit(self.claims.is_empty(), event, "the pool has claims already"),
            Event::CapacitySet {
                capacity, draining, ..
            } => fit(
                *draining == (*capacity < self.taken()),
                event,
                "a pool drains exactly while more is taken than it has",
            ),
            Event::PoolOpened { .. } => fit(!self.settings.open, event, "the pool is open"),
            Event::PoolClosed { .. } => fit(self.settings.open, event, "the pool is closed"),
            Event::TermsSet { .. } => Ok(()),
            Event::ClaimHeld { claim, .. } => {
                self.fits_as_next(*claim, event)?;
                self.fits_a_seat(event)?;
                self.fits_the_head(None, event)
            }
            Event::ClaimQueued { claim, position, .. } => {
                self.fits_as_next(*claim, event)?;
                fit(
                    *position == self.waitlist.len() + 1,
                    event,
                    "that is not the last place",
                )?;
                breach_if(
                    self.has_seat(),
                    Invariant::NoSeatIdleWhileWaiting,
                    event,
                    "a seat is free",
                )
            }
            Event::ClaimPromoted { claim, candidate, .. } => {
                self.fits_a_seat(event)?;
                self.fits_the_head(Some(*claim), event)?;
                self.fits_state(*claim, *candidate, event, |state| state == ClaimState::Waiting)
            }
            Event::ClaimCancelled { claim, candidate, .. }
            | Event::ClaimExpired { claim, candidate }
            | Event::OrderAttached { claim, candidate, .. } => {
                self.fits_detached(*claim, event)?;
                self.fits_state(*claim, *candidate, event, is_held)
            }
            Event::ClaimPaid { claim, candidate, .. } => self.fits_state(*claim, *candidate, event, is_held),
            Event::ClaimRefunded {
                claim,
                candidate,
                order,
                ..
            } => {
                let paid = ClaimState::Paid { order: *order };
                self.fits_state(*claim, *candidate, event, |state| state == paid)
            }
            Event::OrderDetached { claim, order, .. } => {
                let attached = self.attachment(*claim);
                let attached = attached.is_some_and(|attachment| attachment.order == *order);
                self.fits_attached(attached, event)
            }
            Event::CancellationAsked { claim, .. } | Event::RemovalAsked { claim, .. } => {
                let attached = self.attachment(*claim);
                let unasked = attached.is_some_and(|attachment| attachment.asked.is_none());
                self.fits_attached(unasked, event)
            }
            Event::DeadlineExtended {
                claim,
                candidate,
                held_until,
                ..
            } => self.fits_state(*claim, *candidate, event, |state| {
                state.held_until().is_some_and(|until| until < *held_until)
            }),
            Event::ClaimWithdrawn { claim, candidate, .. } | Event::ClaimLapsed { claim, candidate } => {
                self.fits_state(*claim, *candidate, event, |state| state == ClaimState::Waiting)
            }
            Event::ClaimRemoved {
                claim,
                candidate,
                freed,
                ..
            } => {
                self.fits_detached(*claim, event)?;
                self.fits_state(*claim, *candidate, event, |state| match freed {
                    Freed::Seat => is_held(state),
                    Freed::Place => state == ClaimState::Waiting,
                })
            }
            Event::KeyRemembered { claim, candidate, .. } => {
                self.fits_state(*claim, *candidate, event, |_| true)
            }
        }
    }

    fn fits_as_next(&self, claim: ClaimNumber, event: &Event) -> Result<(), Breach> {
        fit(
            claim == self.next_number(),
            event,
            "claims are numbered without a gap",
        )
    }

    fn fits_a_seat(&self, event: &Event) -> Result<(), Breach> {
        breach_if(
            self.free() == 0,
            Invariant::NeverOversold,
            event,
            "no seat is free",
        )?;
        fit(self.settings.open, event, "the pool is closed")
    }

    fn fits_the_head(&self, claim: Option<ClaimNumber>, event: &Event) -> Result<(), Breach> {
        breach_if(
            self.waitlist.head() != claim,
            Invariant::FirstInFirstOut,
            event,
            "somebody else is next",
        )
    }

    fn fits_attached(&self, attached: bool, event: &Event) -> Result<(), Breach> {
        fit(
            attached,
            event,
            "its order is not attached, or it was asked before",
        )?;
        match event.claim() {
            Some((claim, candidate)) => self.fits_state(claim, candidate, event, is_held),
            None => Ok(()),
        }
    }

    fn fits_detached(&self, claim: ClaimNumber, event: &Event) -> Result<(), Breach> {
        breach_if(
            self.attached.contains_key(&claim),
            Invariant::OrderedSeatStays,
            event,
            "an order is attached",
        )
    }

    fn fits_state(
        &self,
        claim: ClaimNumber,
        candidate: CandidateId,
        event: &Event,
        fits: impl Fn(ClaimState) -> bool,
    ) -> Result<(), Breach> {
        let found = self
            .claim(claim)
            .is_some_and(|found| found.candidate == candidate && fits(found.state));
        fit(
            found,
            event,
            "its claim is not there, another's or in another state",
        )
    }

    /// The O(1) invariants, checked after every decision in release too.
    ///
    /// # Errors
    /// The [`Breach`] found; the pool must then decide nothing more.
    pub fn check(&self) -> Result<(), Breach> {
        if self.taken() > self.settings.capacity && !self.settings.draining {
            let (held, paid, capacity) = (self.held, self.paid, self.settings.capacity);
            return Err(Breach {
                invariant: Invariant::NeverOversold,
                evidence: format!("{held} held and {paid} paid of {capacity} seats"),
            });
        }
        Ok(())
    }

    /// All invariants, O(n): for tests, recovery and the audit.
    ///
    /// # Errors
    /// The first [`Breach`] found.
    pub fn check_all(&self, terms: &Terms, now: Moment) -> Result<(), Breach> {
        self.check()?;
        let count = |wanted: fn(&ClaimState) -> bool| {
            u32::try_from(self.claims.iter().filter(|claim| wanted(&claim.state)).count()).unwrap_or(u32::MAX)
        };
        let held = count(|state| matches!(state, ClaimState::Held { .. }));
        let paid = count(|state| matches!(state, ClaimState::Paid { .. }));
        let waiting = count(|state| matches!(state, ClaimState::Waiting));
        if (held, paid, waiting) != (self.held, self.paid, self.waitlist.len()) {
            return Err(Breach {
                invariant: Invariant::CountersAgree,
                evidence: format!(
                    "{held} held, {paid} paid, {waiting} waiting claims, but {}, {}, {} counted",
                    self.held,
                    self.paid,
                    self.waitlist.len()
                ),
            });
        }
        let holds = |number: ClaimNumber| self.claim(number).is_some_and(|claim| is_held(claim.state));
        let attached = self.attached.keys().filter(|number| holds(**number)).count();
        let timed = self
            .deadlines
            .due(Moment::MAX)
            .filter(|number| holds(*number))
            .count();
        if attached != self.attached.len() || attached + timed != usize::try_from(held).unwrap_or(usize::MAX)
        {
            return Err(Breach {
                invariant: Invariant::CountersAgree,
                evidence: format!(
                    "{held} held, but {attached} of {} attached and {timed} with a deadline",
                    self.attached.len()
                ),
            });
        }
        if self.has_idle_seat() && now < terms.waitlist_closes_at {
            return Err(Breach {
                invariant: Invariant::NoSeatIdleWhileWaiting,
                evidence: format!("{} seats free while {waiting} wait", self.free()),
            });
        }
        Ok(())
    }
}

fn is_held(state: ClaimState) -> bool {
    matches!(state, ClaimState::Held { .. })
}

fn fit(fits: bool, event: &Event, why_not: &str) -> Result<(), Breach> {
    breach_if(!fits, Invariant::EventFitsState, event, why_not)
}

fn breach_if(broken: bool, invariant: Invariant, event: &Event, evidence: &str) -> Result<(), Breach> {
    if !broken {
        return Ok(());
    }
    let about = match event.claim() {
        Some((claim, _)) => format!(" of claim {}", claim.0),
        None => String::new(),
    };
    Err(Breach {
        invariant,
        evidence: format!("{}{about}: {evidence}", event.kind()),
    })
}
