//! What would happen to a pool: what is due, and what a command comes to. Refusals first; nothing changes here.

use std::sync::Arc;

use super::{Events, Pool};
use crate::ids::{CandidateId, ClaimNumber, OrderId};
use crate::seats::command::{
    By, Change, Command, Freed, OnFull, RegisteredBy, RemovalCause, WhenShort, WithdrawReason,
};
use crate::seats::{Asked, ClaimState, Event, Gone, Leave, Refusal};
use crate::sites::{Paper, Terms};
use crate::stored::KeyNote;
use crate::time::{Moment, Span};

/// At most so many holds expire, and so many waiting lapse, in one step, so that a command never waits behind a
/// whole pool of them.
const DUE_A_STEP_MAX: usize = 1_000;

impl Pool {
    /// What is due by `now`: each expired hold with the promotion that its seat allows, or the end of the queue
    /// (R16, R21, R23). A hold that an order is attached to is never due (R27). At most so many that nobody has to wait
    /// for long; the rest is still due afterwards.
    pub fn due(&self, terms: &Terms, now: Moment) -> Events {
        let mut events = Events::new();
        if self.next_due(terms).is_none_or(|due| now < due) {
            return events;
        }
        let mut taken = self.taken();
        let mut queue = self.promotions(terms, now).filter(|_| self.settings.open);
        let mut fill = |taken: &mut u32, events: &mut Events| {
            while *taken < self.settings.capacity
                && let Some(promoted) = queue.next()
            {
                events.push(promoted);
                *taken += 1;
            }
        };
        fill(&mut taken, &mut events);
        for claim in self.deadlines.due(now).take(DUE_A_STEP_MAX) {
            let Ok(found) = self.find(claim) else { continue };
            events.push(Event::ClaimExpired {
                claim,
                candidate: found.candidate,
            });
            taken -= 1;
            fill(&mut taken, &mut events);
        }
        if now >= terms.waitlist_closes_at {
            for claim in self.waitlist.iter().take(DUE_A_STEP_MAX) {
                let Ok(found) = self.find(claim) else { continue };
                events.push(Event::ClaimLapsed {
                    claim,
                    candidate: found.candidate,
                });
            }
        }
        events
    }

    /// What a command would make happen, or why it is refused. Nothing that is due is looked at here.
    ///
    /// # Errors
    /// The [`Refusal`]; a refused command changes nothing.
    pub fn decide(&self, command: &Command, terms: &Terms, now: Moment) -> Result<Events, Refusal> {
        match command {
            Command::Claim {
                candidate,
                on_full,
                registered_by,
                key,
            } => self.decide_claim(*candidate, *on_full, *registered_by, *key, terms, now),
            Command::Remember {
                candidate,
                claim,
                key,
                answered,
            } => self.find(*claim).map(|_| {
                one(Event::KeyRemembered {
                    claim: *claim,
                    candidate: *candidate,
                    key: *key,
                    answered: answered.clone(),
                })
            }),
            Command::Cancel { claim, by, reason } => self.decide_cancel(*claim, by, *reason, terms, now),
            Command::Remove { claim, cause } => self.decide_remove(*claim, *cause, terms, now),
            Command::Attach { claim, order, margin } => self.decide_attach(*claim, *order, *margin, now),
            Command::Detach { claim, order } => self.decide_detach(*claim, *order, terms, now),
            Command::Pay { claim, order } => self.decide_pay(*claim, *order),
            Command::Refund {
                claim,
                order,
                by,
                reason,
            } => self.decide_refund(*claim, *order, by, reason, terms, now),
            Command::Extend {
                claim,
                held_until,
                by,
                reason,
            } => self.decide_extend(*claim, *held_until, by, reason, terms),
            Command::Change { change, by } => self.decide_change(change, by, terms, now),
            Command::CatchUp => Ok(Events::new()),
        }
    }

    fn decide_claim(
        &self,
        candidate: CandidateId,
        on_full: OnFull,
        registered_by: RegisteredBy,
        key: Option<KeyNote>,
        terms: &Terms,
        now: Moment,
    ) -> Result<Events, Refusal> {
        // The candidate's side looked at the window too, but only this instant is the one of the claim (R18).
        if !terms.is_open(now) {
            return Err(Refusal::OutsideWindow);
        }
        let queues_while_closed = terms.paper == Paper::Oral && on_full == OnFull::Waitlist;
        if !self.settings.open && !queues_while_closed {
            return Err(Refusal::PoolClosed);
        }
        let claim = self.next_number();
        let fee_fen = self.settings.fee;
        if self.has_seat() {
            let held_until = terms.deadline(now);
            return Ok(one(Event::ClaimHeld {
                claim,
                candidate,
                held_until,
                fee_fen,
                registered_by,
                key,
            }));
        }
        if on_full == OnFull::Reject {
            return Err(Refusal::PoolFull);
        }
        if now >= terms.waitlist_closes_at {
            return Err(Refusal::WaitlistClosed);
        }
        let position = self.waitlist.len() + 1;
        Ok(one(Event::ClaimQueued {
            claim,
            candidate,
            position,
            fee_fen,
            registered_by,
            key,
        }))
    }

    fn decide_cancel(
        &self,
        claim: ClaimNumber,
        by: &By,
        reason: Option<WithdrawReason>,
        terms: &Terms,
        now: Moment,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        let candidate = found.candidate;
        let by = by.clone();
        let released = match found.state {
            ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid),
            ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
            ClaimState::Held { .. } if self.attached.contains_key(&claim) => {
                return Ok(self.ask(Event::CancellationAsked {
                    claim,
                    candidate,
                    asked_at: now,
                    by,
                    reason,
                }));
            }
            ClaimState::Held { .. } => Event::ClaimCancelled {
                claim,
                candidate,
                by,
                reason,
            },
            ClaimState::Waiting => {
                let reason = reason.ok_or(Refusal::ReasonRequired)?;
                Event::ClaimWithdrawn {
                    claim,
                    candidate,
                    by,
                    reason,
                }
            }
        };
        Ok(self.release(released, found.state, terms, now))
    }

    fn decide_remove(
        &self,
        claim: ClaimNumber,
        cause: RemovalCause,
        terms: &Terms,
        now: Moment,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        let freed = match found.state {
            ClaimState::Paid { .. } | ClaimState::Gone(_) => return Ok(Events::new()),
            ClaimState::Held { .. } if self.attached.contains_key(&claim) => {
                return Ok(self.ask(Event::RemovalAsked {
                    claim,
                    candidate: found.candidate,
                    asked_at: now,
                    cause,
                }));
            }
            ClaimState::Held { .. } => Freed::Seat,
            ClaimState::Waiting => Freed::Place,
        };
        let removed = Event::ClaimRemoved {
            claim,
            candidate: found.candidate,
            cause,
            freed,
        };
        Ok(self.release(removed, found.state, terms, now))
    }

    fn decide_extend(
        &self,
        claim: ClaimNumber,
        held_until: Moment,
        by: &By,
        reason: &Arc<str>,
        terms: &Terms,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        // Staff never pass the end of payment (R33). The engine itself gives back what was lost while it was down,
        // even then (1.4).
        let held_until = match by {
            By::Staff(_) => held_until.min(terms.payment_closes_at),
            By::Candidate | By::System => held_until,
        };
        match found.state {
            ClaimState::Held { until } if until < held_until => Ok(one(Event::DeadlineExtended {
                claim,
                candidate: found.candidate,
                held_until,
                by: by.clone(),
                reason: reason.clone(),
            })),
            ClaimState::Held { .. } | ClaimState::Waiting | ClaimState::Paid { .. } | ClaimState::Gone(_) => {
                Ok(Events::new())
            }
        }
    }

    /// That a hold is to go once its order has ended. The first that asked for it stands.
    fn ask(&self, asked: Event) -> Events {
        let waits = asked
            .claim()
            .and_then(|(claim, _)| self.attachment(claim))
            .is_some_and(|attachment| attachment.asked.is_some());
        if waits { Events::new() } else { one(asked) }
    }

    fn decide_attach(
        &self,
        claim: ClaimNumber,
        order: OrderId,
        margin: Span,
        now: Moment,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        let until = match found.state {
            ClaimState::Held { until } => until,
            ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid),
            ClaimState::Waiting => return Err(Refusal::NothingDue),
            ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
        };
        match self.attachment(claim) {
            Some(attachment) if attachment.order == order => return Ok(Events::new()),
            Some(attachment) => return Err(Refusal::OrderUnresolved(attachment.order)),
            None => {}
        }
        if until < now + margin {
            return Err(Refusal::HoldEnding);
        }
        Ok(one(Event::OrderAttached {
            claim,
            candidate: found.candidate,
            order,
        }))
    }

    /// Lets a hold go and does what waited for that; if nothing did and its deadline has passed, it is due.
    fn decide_detach(
        &self,
        claim: ClaimNumber,
        order: OrderId,
        terms: &Terms,
        now: Moment,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        let candidate = found.candidate;
        let Some(attachment) = self
            .attachment(claim)
            .filter(|attachment| attachment.order == order)
        else {
            return Ok(Events::new());
        };
        let mut events = one(Event::OrderDetached {
            claim,
            candidate,
            order,
        });
        if let Some(Asked { leave, .. }) = &attachment.asked {
            let released = match leave.clone() {
                Leave::Cancel { by, reason } => Event::ClaimCancelled {
                    claim,
                    candidate,
                    by,
                    reason,
                },
                Leave::Remove { cause } => Event::ClaimRemoved {
                    claim,
                    candidate,
                    cause,
                    freed: Freed::Seat,
                },
            };
            events.extend(self.release(released, found.state, terms, now));
        }
        Ok(events)
    }

    fn decide_pay(&self, claim: ClaimNumber, order: OrderId) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        match found.state {
            ClaimState::Held { .. } => Ok(one(Event::ClaimPaid {
                claim,
                candidate: found.candidate,
                order,
            })),
            ClaimState::Paid { order: before } if before == order => Ok(Events::new()),
            ClaimState::Paid { .. } => Err(Refusal::AlreadyPaid),
            ClaimState::Waiting | ClaimState::Gone(_) => Err(Refusal::AlreadyGone),
        }
    }

    fn decide_refund(
        &self,
        claim: ClaimNumber,
        order: OrderId,
        by: &By,
        reason: &Arc<str>,
        terms: &Terms,
        now: Moment,
    ) -> Result<Events, Refusal> {
        let found = self.find(claim)?;
        match found.state {
            ClaimState::Paid { order: before } if before == order => {
                let refunded = Event::ClaimRefunded {
                    claim,
                    candidate: found.candidate,
                    order,
                    by: by.clone(),
                    reason: reason.clone(),
                };
                Ok(self.release(refunded, found.state, terms, now))
            }
            ClaimState::Gone(Gone::Refunded) => Ok(Events::new()),
            ClaimState::Paid { .. } | ClaimState::Held { .. } | ClaimState::Waiting => {
                Err(Refusal::NothingDue)
            }
            ClaimState::Gone(_) => Err(Refusal::AlreadyGone),
        }
    }

    fn decide_change(&self, change: &Change, by: &By, terms: &Terms, now: Moment) -> Result<Events, Refusal> {
        let capacity = change.capacity.unwrap_or(self.settings.capacity);
        let short = capacity < self.taken();
        let lowered = capacity < self.settings.capacity;
        if short && lowered && change.when_short == WhenShort::Refuse {
            return Err(Refusal::CapacityBelowTaken {
                held: self.held,
                paid: self.paid,
            });
        }

        let mut events = Events::new();
        let fee_fen = change.fee.unwrap_or(self.settings.fee);
        let exam_date = change
            .exam_date
            .clone()
            .or_else(|| self.settings.exam_date.clone());
        if (fee_fen, &exam_date) != (self.settings.fee, &self.settings.exam_date) {
            events.push(Event::TermsSet {
                fee_fen,
                exam_date,
                by: by.clone(),
            });
        }
        if capacity != self.settings.capacity {
            events.push(Event::CapacitySet {
                capacity,
                draining: short,
                by: by.clone(),
            });
        }
        let open = change.open.unwrap_or(self.settings.open);
        match (self.settings.open, open) {
            (false, true) => events.push(Event::PoolOpened { by: by.clone() }),
            (true, false) => events.push(Event::PoolClosed { by: by.clone() }),
            (true, true) | (false, false) => {}
        }
        if open {
            let free = capacity.saturating_sub(self.taken());
            let free = usize::try_from(free).unwrap_or(usize::MAX);
            events.extend(self.promotions(terms, now).take(free));
        }
        Ok(events)
    }

    /// The event that takes a claim away, and the promotion that follows if it frees a seat (R21).
    fn release(&self, released: Event, state: ClaimState, terms: &Terms, now: Moment) -> Events {
        let mut events = one(released);
        let frees_a_seat = matches!(state, ClaimState::Held { .. } | ClaimState::Paid { .. });
        if frees_a_seat && self.settings.open && self.taken() - 1 < self.settings.capacity {
            events.extend(self.promotions(terms, now).take(1));
        }
        events
    }

    /// Promotions from the head of the queue on, as many as are taken; none after their end (R23).
    fn promotions(&self, terms: &Terms, now: Moment) -> impl Iterator<Item = Event> + use<'_> {
        let ended = now >= terms.waitlist_closes_at;
        let held_until = terms.deadline(now);
        let queue = if ended { None } else { Some(self.waitlist.iter()) };
        queue.into_iter().flatten().filter_map(move |claim| {
            let candidate = self.claim(claim)?.candidate;
            Some(Event::ClaimPromoted {
                claim,
                candidate,
                held_until,
            })
        })
    }
}

fn one(event: Event) -> Events {
    let mut events = Events::new();
    events.push(event);
    events
}
