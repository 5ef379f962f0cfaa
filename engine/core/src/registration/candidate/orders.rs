//! What a candidate may pay and how, and what follows for the orders when claims go (R13, R17, R24, R25, R29, R31).
//!
//! What follows is told by the committed state alone ([`Candidate::orders_to_close`], [`Candidate::refunds_to_ask`]),
//! as [`Candidate::orphan`] is: whoever resumes after a crash asks again and does it.

use smallvec::SmallVec;

use super::Candidate;
use crate::ids::{CandidateId, ClaimId, OrderId, SubjectCode};
use crate::payment::{self, Limits, Method, Order, OrderedClaim, State, Why};
use crate::registration::{Choices, Event, KeyAnswer, ScoreReportChoice};
use crate::seats::{ClaimState, Refusal, Standing};
use crate::sites::{Paper, Sitting};
use crate::stored::KeyNote;
use crate::time::{Moment, Span};

/// What an order is checked against.
#[derive(Debug, Clone, Copy)]
pub struct OrderAsk<'a> {
    /// For which paper.
    pub paper: Paper,
    /// How it is to be paid.
    pub method: Method,
    /// The version of the agreement in force.
    pub agreement: &'a str,
    /// The end of payment for that paper (R18).
    pub payment_closes_at: Moment,
    /// How much of a hold must be left (R25).
    pub margin: Span,
    /// Now.
    pub now: Moment,
}

/// What the candidate's side says to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderVerdict {
    /// It may be opened.
    Open(Opening),
    /// This one is open already, by the same method.
    Existing(OrderId),
    /// This one has to end first: it is open by another method, or is being closed.
    EndFirst(OrderId),
    /// No.
    Refused(Refusal),
}

/// An order that may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// For which paper.
    pub paper: Paper,
    /// How it is to be paid.
    pub method: Method,
    /// What it pays.
    pub claims: SmallVec<[OrderedClaim; 2]>,
    /// The earliest deadline of its holds (R27).
    pub expires_at: Moment,
}

impl Opening {
    /// The event that opens it.
    pub fn event(
        self,
        order: OrderId,
        candidate: CandidateId,
        limits: Limits,
        key: Option<KeyNote>,
    ) -> payment::Event {
        payment::Event::OrderOpened {
            order,
            candidate,
            paper: self.paper,
            method: self.method,
            claims: self.claims,
            expires_at: self.expires_at,
            limits,
            key,
        }
    }
}

impl Candidate {
    /// All orders, in the order in which they were opened. None is ever forgotten: money may come late.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// One of the orders.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.id() == id)
    }

    /// What was chosen for after the exam.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// Whether an order may be opened. Refusals come in the documented order: agreement, enrolment, `payment_closed`,
    /// `nothing_due`, `written_unpaid`, `score_report_missing`, `hold_ending`.
    ///
    /// An order takes every claim of the paper that can be paid now: one whose written claim is unpaid, or whose hold is
    /// about to end, does not keep the candidate from paying the other level's. Another method is checked as if the
    /// open order had ended as early as it can, so that none is closed for one that would then be refused.
    pub fn may_order(&self, ask: &OrderAsk<'_>) -> OrderVerdict {
        let before = self
            .orders
            .iter()
            .find(|order| order.paper() == ask.paper && order.keeps_holds());
        if let Some(open) = before
            && open.is_open()
            && open.method() == ask.method
        {
            return OrderVerdict::Existing(open.id());
        }
        match (self.opening(ask, before), before) {
            (Err(refusal), _) => OrderVerdict::Refused(refusal),
            (Ok(_), Some(before)) => OrderVerdict::EndFirst(before.id()),
            (Ok(opening), None) => OrderVerdict::Open(opening),
        }
    }

    fn opening(&self, ask: &OrderAsk<'_>, before: Option<&Order>) -> Result<Opening, Refusal> {
        if !self.has_agreed(ask.agreement) {
            return Err(Refusal::AgreementRequired);
        }
        if self.enrolment.is_none() {
            return Err(Refusal::NotEnrolled);
        }
        if ask.now >= ask.payment_closes_at {
            return Err(Refusal::PaymentClosed);
        }
        let ending = before.filter(|order| !matches!(order.state(), State::Paid { .. }));
        let is_due = |claim: &&Standing| {
            let free = claim.attached.is_none_or(|attached| {
                attached.asked_at.is_none() && ending.is_some_and(|order| order.id() == attached.order)
            });
            claim.paper == ask.paper && claim.state.held_until().is_some() && claim.fee.0 > 0 && free
        };
        let mut due: SmallVec<[&Standing; 2]> = self.claims.iter().filter(is_due).collect();
        if due.is_empty() {
            return Err(Refusal::NothingDue);
        }
        due.retain(|claim| claim.requires.is_none_or(|written| self.has_paid(written)));
        if due.is_empty() {
            return Err(Refusal::WrittenUnpaid);
        }
        let chosen = |claim: &Standing| {
            let written = claim.requires.unwrap_or(claim.id.pool.subject);
            self.choices.score_report(written).is_some()
        };
        if !due.iter().all(|claim| chosen(claim)) {
            return Err(Refusal::ScoreReportMissing);
        }
        let opens_at = ending.map_or(ask.now, |order| order.closable_at().max(ask.now));
        due.retain(|claim| {
            let until = claim.state.held_until();
            until.is_some_and(|until| opens_at + ask.margin <= until)
        });
        let deadlines = due.iter().filter_map(|claim| claim.state.held_until());
        let expires_at = deadlines.min().ok_or(Refusal::HoldEnding)?;
        Ok(Opening {
            paper: ask.paper,
            method: ask.method,
            claims: due
                .iter()
                .map(|claim| OrderedClaim {
                    claim: claim.id,
                    fee_fen: claim.fee,
                })
                .collect(),
            expires_at,
        })
    }

    /// Orders that have to be closed, since a claim of theirs is to go or was paid otherwise (R13, R17, R28), or since
    /// all their holds have got later deadlines (R33).
    pub fn orders_to_close(&self) -> impl Iterator<Item = (OrderId, Why)> {
        self.orders
            .iter()
            .filter(|order| order.is_open())
            .filter_map(|order| {
                let why = if self.is_left(order) {
                    Why::ClaimLeft
                } else if self.is_outlived(order) {
                    Why::Reissued
                } else {
                    return None;
                };
                Some((order.id(), why))
            })
    }

    /// How to open the order that takes the place of one that was closed since its holds got later deadlines (R33).
    pub fn to_reissue(&self, id: OrderId) -> Option<(Paper, Method)> {
        let order = self.order(id)?;
        let ended = matches!(
            order.state(),
            State::Closed {
                why: Why::Reissued,
                released: true,
                ..
            }
        );
        let latest = self
            .orders
            .iter()
            .rev()
            .find(|other| other.paper() == order.paper())?;
        (ended && latest.id() == id).then(|| (order.paper(), order.method()))
    }

    /// Whether all its holds last longer than it does.
    fn is_outlived(&self, order: &Order) -> bool {
        let lasts_longer = |id: ClaimId| {
            let until = self.claim(id).and_then(|claim| claim.state.held_until());
            until.is_some_and(|until| until > order.expires_at())
        };
        order.claims().iter().all(|ordered| lasts_longer(ordered.claim))
    }

    /// Whether a claim of it is to go, or was paid otherwise.
    fn is_left(&self, order: &Order) -> bool {
        let leaves = |order: &Order, id: ClaimId| {
            let Some(claim) = self.claim(id) else { return true };
            match (claim.state, claim.attached) {
                (ClaimState::Held { .. }, Some(attached)) if attached.order == order.id() => {
                    attached.asked_at.is_some()
                }
                // Its pools are still being asked.
                (ClaimState::Held { .. }, _) => *order.state() != State::Attaching,
                (ClaimState::Waiting | ClaimState::Paid { .. } | ClaimState::Gone(_), _) => true,
            }
        };
        order.claims().iter().any(|ordered| leaves(order, ordered.claim))
    }

    /// Paid oral seats whose written one is not paid: it went while they were being paid (R13). Their money goes back.
    pub fn refunds_to_ask(&self) -> impl Iterator<Item = (OrderId, ClaimId)> {
        self.claims.iter().filter_map(|claim| {
            let ClaimState::Paid { order } = claim.state else {
                return None;
            };
            let lost = claim.requires.is_some_and(|written| !self.has_paid(written));
            let settled = self.order(order).is_some_and(|order| order.settles(claim.id));
            (lost && settled).then_some((order, claim.id))
        })
    }

    /// Whether staff may refund a claim that an order has paid (R29).
    ///
    /// # Errors
    /// [`Refusal::UnknownClaim`]; [`Refusal::NothingDue`] where the order has not paid it; [`Refusal::AlreadyGone`]
    /// where it was refunded before; [`Refusal::OralPaid`] while a paid oral claim needs it.
    pub fn may_refund(&self, order: OrderId, claim: ClaimId) -> Result<(), Refusal> {
        let order = self.order(order).ok_or(Refusal::UnknownClaim)?;
        if !order.pays(claim) {
            return Err(Refusal::UnknownClaim);
        }
        if order.refunds().iter().any(|refund| refund.claim == Some(claim)) {
            return Err(Refusal::AlreadyGone);
        }
        if !order.settles(claim) {
            return Err(Refusal::NothingDue);
        }
        let needs_it = |oral: &&Standing| {
            oral.requires == Some(claim.pool.subject) && matches!(oral.state, ClaimState::Paid { .. })
        };
        match self.claims.iter().find(needs_it) {
            Some(oral) => Err(Refusal::OralPaid(oral.id)),
            None => Ok(()),
        }
    }

    /// What choosing score reports makes happen (R24, R31). A choice of the other form replaces the first, until choices
    /// close. The first can be made even then: without one nothing can be paid, and whoever is promoted late has a day.
    ///
    /// # Errors
    /// The refusals of agreement, enrolment and window; [`Refusal::NotEligible`] for what is no written subject.
    pub fn choose_score_reports(
        &self,
        candidate: CandidateId,
        choices: &[ScoreReportChoice],
        sitting: &Sitting,
        now: Moment,
    ) -> Result<Event, Refusal> {
        self.may_choose(sitting)?;
        let replaces = |choice: &ScoreReportChoice| {
            let before = self.choices.score_report(choice.subject);
            before.is_some_and(|before| before != choice.choice)
        };
        if sitting.choices_are_closed(now) && choices.iter().any(replaces) {
            return Err(Refusal::OutsideWindow);
        }
        let is_written = |choice: &ScoreReportChoice| {
            let subject = sitting.subject(choice.subject);
            subject.is_some_and(|subject| subject.paper == Paper::Written)
        };
        if !choices.iter().all(is_written) {
            return Err(Refusal::NotEligible);
        }
        Ok(Event::ScoreReportsChosen {
            candidate,
            choices: choices.iter().copied().collect(),
        })
    }

    /// What switching quick print makes happen (R31).
    ///
    /// # Errors
    /// The refusals of agreement, enrolment and window.
    pub fn set_quick_print(
        &self,
        candidate: CandidateId,
        enabled: bool,
        sitting: &Sitting,
        now: Moment,
    ) -> Result<Event, Refusal> {
        self.may_choose(sitting)?;
        if sitting.choices_are_closed(now) {
            return Err(Refusal::OutsideWindow);
        }
        Ok(Event::QuickPrintSet { candidate, enabled })
    }

    fn may_choose(&self, sitting: &Sitting) -> Result<(), Refusal> {
        if !self.has_agreed(&sitting.agreement.version) {
            return Err(Refusal::AgreementRequired);
        }
        if self.enrolment.is_none() {
            return Err(Refusal::NotEnrolled);
        }
        Ok(())
    }

    /// What an order's event makes of this candidate.
    pub fn evolve_order(&mut self, event: &payment::Event, at: Moment) {
        let (id, _) = event.order();
        let known = self.orders.iter_mut().find(|order| order.id() == id);
        match (known, Order::opened(event, at)) {
            (Some(order), _) => {
                order.evolve(event, at);
                if let payment::Event::OrderKeyRemembered { key, .. } = event {
                    self.keys.remember(*key, KeyAnswer::OrderFound(id));
                }
            }
            (None, Some(opened)) => {
                self.orders.push(opened);
                if let payment::Event::OrderOpened { key: Some(note), .. } = event {
                    self.keys.remember(*note, KeyAnswer::Ordered(id));
                }
            }
            (None, None) => {}
        }
    }

    /// The order that is not resolved yet, if there is one (R10).
    pub(super) fn unresolved_order(&self) -> Option<OrderId> {
        let mut orders = self.orders.iter();
        orders.find(|order| order.is_unresolved()).map(Order::id)
    }

    fn has_paid(&self, written: SubjectCode) -> bool {
        self.claims
            .iter()
            .any(|claim| claim.id.pool.subject == written && matches!(claim.state, ClaimState::Paid { .. }))
    }
}
