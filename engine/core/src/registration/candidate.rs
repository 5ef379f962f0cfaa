//! One candidate: what was accepted and confirmed, and the rules across pools: one claim a level, oral after
//! written (R2, R8–R13).
//!
//! Knows what is committed, nothing else: pools' events reach it after they are durable. A candidate's requests run
//! one at a time (the engine's entry sees to it), so what is checked here still holds when the pool decides.
//!
//! Invariants: I4 one claim per level, I5 oral needs written (until the cascade that [`Candidate::orphans`] names is
//! done: the claim is gone, or, with an open order, marked to go when that has ended).
//!
//! `candidate/orders.rs` knows what may be paid and how.
//!
//! `review.rs` knows what may be done about the review.
//!
//! Deliberately absent: who the candidate is, the record's text, seats.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Choices, Eligibility, Event, KeyAnswer, Keys, Review};
use crate::audit::Seal;
use crate::ids::{CampusCode, ClaimId, PoolId, RecordId, RecordVersion, SubjectCode};
use crate::payment::Order;
use crate::seats::{self, ClaimState, OnFull, PoolFacts, Refusal, RemovalCause, Standing};
use crate::sites::{Site, Sitting, Terms};
use crate::stored::KeyNote;
use crate::time::Moment;

mod orders;

pub use orders::{Opening, OrderAsk, OrderVerdict};

/// Claims that are gone stay listed, the latest made so many; older ones are in the tables. Which they are depends on
/// the claims alone, so that a candidate read back from the tables lists the same as one that lived on.
const GONE_LISTED_MAX: usize = 32;

/// The accepted agreement (R2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agreed {
    /// The version.
    pub version: Arc<str>,
    /// When.
    pub at: Moment,
}

/// The binding of account and student record (R8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Enrolment {
    /// The record.
    pub record: RecordId,
    /// The version of it that was confirmed.
    pub record_version: RecordVersion,
    /// The record's campus.
    pub campus: CampusCode,
    /// Its school and province.
    pub site: Site,
    /// When it was saved.
    pub saved_at: Moment,
    /// From when on it is deleted if it has no active claim (R9).
    pub delete_after: Moment,
}

/// The decider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Candidate {
    agreed: Option<Agreed>,
    enrolment: Option<Enrolment>,
    claims: Vec<Standing>,
    keys: Keys,
    review: Option<Box<Review>>,
    orders: Vec<Order>,
    choices: Choices,
}

/// What a claim is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The pool asked.
    pub pool: &'a PoolFacts,
    /// Its times.
    pub terms: &'a Terms,
    /// What is wanted when no seat is free.
    pub on_full: OnFull,
    /// The version of the agreement in force.
    pub agreement: &'a str,
    /// What the record allows, live (R4).
    pub eligibility: Option<&'a Eligibility>,
    /// The subject that a review granted.
    pub granted: Option<SubjectCode>,
    /// Now.
    pub now: Moment,
}

/// What the candidate's side says to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The pool may be asked.
    Ask,
    /// The candidate has this claim there already.
    Existing(Standing),
    /// No.
    Refused(Refusal),
}

impl Candidate {
    /// A candidate as a checkpoint kept it: claims in the order in which they were made, orders in that in which they
    /// were opened.
    pub fn restore(
        agreed: Option<Agreed>,
        enrolment: Option<Enrolment>,
        claims: Vec<Standing>,
        keys: Keys,
        orders: Vec<Order>,
        choices: Choices,
    ) -> Self {
        let mut candidate = Self {
            agreed,
            enrolment,
            claims,
            keys,
            review: None,
            orders,
            choices,
        };
        candidate.forget_old_claims();
        candidate
    }

    /// With the review of the eligibility for CET6 that a checkpoint kept.
    #[must_use]
    pub fn with_review(self, review: Option<Review>) -> Self {
        Self {
            review: review.map(Box::new),
            ..self
        }
    }

    /// The accepted agreement.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// The enrolment.
    pub fn enrolment(&self) -> Option<&Enrolment> {
        self.enrolment.as_ref()
    }

    /// The review of the eligibility for CET6.
    pub fn review(&self) -> Option<&Review> {
        self.review.as_deref()
    }

    /// Claims in the order in which they were made: all active ones and the latest of those gone.
    pub fn claims(&self) -> &[Standing] {
        &self.claims
    }

    /// One of the claims.
    pub fn claim(&self, id: ClaimId) -> Option<&Standing> {
        self.claims.iter().find(|claim| claim.id == id)
    }

    /// Whether there may be claims that are not listed any more: all of them gone.
    pub fn may_have_forgotten_claims(&self) -> bool {
        self.gone_listed() == GONE_LISTED_MAX
    }

    /// The idempotency keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether the agreement of that version was accepted.
    pub fn has_agreed(&self, version: &str) -> bool {
        self.agreed
            .as_ref()
            .is_some_and(|agreed| &*agreed.version == version)
    }

    /// Whether a claim may be asked of a pool. Refusals come in the documented order: agreement, enrolment, window,
    /// eligibility, written claim, level; the pool's own come after.
    pub fn may_claim(&self, ask: &Ask<'_>) -> Verdict {
        if let Some(existing) = self.active_in(ask.pool.id) {
            match (existing.state, ask.on_full) {
                // Not a repeat: who waits asks for a seat now. Refused in its turn, where the level is.
                (ClaimState::Waiting, OnFull::Reject) => {}
                (ClaimState::Waiting, OnFull::Waitlist)
                | (ClaimState::Held { .. } | ClaimState::Paid { .. } | ClaimState::Gone(_), _) => {
                    return Verdict::Existing(*existing);
                }
            }
        }
        match self.refuse_claim(ask) {
            Some(refusal) => Verdict::Refused(refusal),
            None => Verdict::Ask,
        }
    }

    fn refuse_claim(&self, ask: &Ask<'_>) -> Option<Refusal> {
        if !self.has_agreed(ask.agreement) {
            return Some(Refusal::AgreementRequired);
        }
        if self.enrolment.is_none() {
            return Some(Refusal::NotEnrolled);
        }
        if !ask.terms.is_open(ask.now) {
            return Some(Refusal::OutsideWindow);
        }
        if !ask
            .eligibility
            .is_some_and(|eligibility| eligibility.allows(ask.pool, ask.granted))
        {
            return Some(Refusal::NotEligible);
        }
        if let Some(written) = ask.pool.requires
            && !self.holds_subject(written)
        {
            return Some(Refusal::WrittenRequired);
        }
        self.claims
            .iter()
            .find(|claim| {
                claim.state.is_active() && claim.paper == ask.pool.paper && claim.level == ask.pool.level
            })
            .map(|claim| {
                if claim.id.pool == ask.pool.id {
                    Refusal::AlreadyWaiting(claim.id)
                } else {
                    Refusal::LevelTaken(claim.id)
                }
            })
    }

    /// What saving the enrolment makes happen (R8). That the record matches and nobody else is bound to it was
    /// checked before.
    ///
    /// # Errors
    /// The refusals of agreement, window and eligibility, in that order.
    pub fn enrol(
        &self,
        enrolment: Enrolment,
        sitting: &Sitting,
        eligibility: &Eligibility,
    ) -> Result<(), Refusal> {
        let Enrolment { site, saved_at, .. } = enrolment;
        if !self.has_agreed(&sitting.agreement.version) {
            return Err(Refusal::AgreementRequired);
        }
        if !sitting.enrolment_is_open(site.province, site.school, saved_at) {
            return Err(Refusal::OutsideWindow);
        }
        if eligibility
            .subjects(sitting, self.granted(sitting))
            .next()
            .is_none()
        {
            return Err(Refusal::NotEligible);
        }
        Ok(())
    }

    /// The claims that go when the candidate deletes the enrolment (R10), written before oral.
    ///
    /// # Errors
    /// [`Refusal::NotEnrolled`]; [`Refusal::AlreadyPaid`] while anything in it is paid; [`Refusal::OrderUnresolved`]
    /// while an order can still be paid or money is on its way.
    pub fn may_delete_enrolment(&self) -> Result<Vec<ClaimId>, Refusal> {
        if self.enrolment.is_none() {
            return Err(Refusal::NotEnrolled);
        }
        let mut active: Vec<&Standing> = self
            .claims
            .iter()
            .filter(|claim| claim.state.is_active())
            .collect();
        if active
            .iter()
            .any(|claim| matches!(claim.state, ClaimState::Paid { .. }))
        {
            return Err(Refusal::AlreadyPaid);
        }
        if let Some(order) = self.unresolved_order() {
            return Err(Refusal::OrderUnresolved(order));
        }
        active.sort_by_key(|claim| claim.paper);
        Ok(active.into_iter().map(|claim| claim.id).collect())
    }

    /// Whether the enrolment's time is over (R9): past `delete_after` and without an active claim.
    pub fn enrolment_is_over(&self, now: Moment) -> bool {
        self.enrolment
            .is_some_and(|enrolment| enrolment.delete_after <= now)
            && !self.claims.iter().any(|claim| claim.state.is_active())
    }

    /// The oral claims that must go because their written one is neither held nor paid (R13). One with an open order is
    /// named only until it is marked to go: the candidate does not have to wait for a provider.
    pub fn orphans(&self) -> impl Iterator<Item = ClaimId> {
        self.claims
            .iter()
            .filter(|claim| matches!(claim.state, ClaimState::Held { .. } | ClaimState::Waiting))
            .filter(|claim| claim.attached.is_none_or(|attached| attached.asked_at.is_none()))
            .filter(|claim| claim.requires.is_some_and(|written| !self.holds_subject(written)))
            .map(|claim| claim.id)
    }

    /// The note to remember a new key by.
    pub fn note_key(&self, key: u128, body: u128) -> KeyNote {
        self.keys.note(key, body)
    }

    /// What an event of the cell makes of this candidate.
    pub fn evolve(&mut self, event: &Event, at: Moment) {
        match event {
            Event::AgreementAccepted { version, .. } => {
                self.agreed = Some(Agreed {
                    version: version.clone(),
                    at,
                });
            }
            Event::Enrolled { key, .. } => {
                self.enrolment = event.enrolment(at);
                if let (Some(note), Some(enrolment)) = (key, self.enrolment) {
                    self.keys
                        .remember(*note, KeyAnswer::Enrolled(Box::new(enrolment)));
                }
            }
            Event::EnrolmentDeleted { .. } => {
                self.enrolment = None;
                self.choices = Choices::default();
            }
            Event::EnrolmentExtended { delete_after, .. } => {
                if let Some(enrolment) = &mut self.enrolment {
                    enrolment.delete_after = *delete_after;
                }
            }
            Event::ScoreReportsChosen { choices, .. } => {
                for choice in choices {
                    self.choices.choose(*choice);
                }
            }
            Event::QuickPrintSet { enabled, .. } => self.choices.quick_print = *enabled,
            Event::EnrolmentKeyRemembered { key, answered, .. } => {
                self.keys
                    .remember(*key, KeyAnswer::AlreadyEnrolled(answered.clone()));
            }
            Event::ReviewApplied { key, .. } | Event::ReviewDecided { key, .. } => {
                self.review = Review::after(event, at).map(Box::new);
                if let (Some(note), Some(review)) = (key, &self.review) {
                    self.keys.remember(*note, KeyAnswer::Reviewed(review.clone()));
                }
            }
            Event::ReviewDeleted { .. } => self.review = None,
            Event::DeadlineNear { .. }
            | Event::SittingSaved { .. }
            | Event::CampusSaved { .. }
            | Event::Imported { .. }
            | Event::StaffAccountCreated { .. }
            | Event::StaffAccountRevoked { .. }
            | Event::ExpirySuspended { .. }
            | Event::ExpiryResumed { .. } => {}
        }
    }

    /// What a pool's committed event makes of this candidate.
    pub fn settle(&mut self, pool: &PoolFacts, event: &seats::Event, seal: &Seal) {
        let Some((number, _)) = event.claim() else { return };
        let id = ClaimId {
            pool: pool.id,
            number,
        };
        if let Some(made) = Standing::made_by(pool, event, seal) {
            self.claims.push(made);
        } else if let Some(claim) = self.claims.iter_mut().find(|claim| claim.id == id) {
            claim.evolve(event, seal);
        }
        match event {
            seats::Event::ClaimHeld { key: Some(note), .. }
            | seats::Event::ClaimQueued { key: Some(note), .. } => {
                self.keys.remember(*note, KeyAnswer::Made(id));
            }
            seats::Event::ClaimRemoved {
                cause: RemovalCause::GrantedTooLate { key: Some(note) },
                ..
            } => self.keys.remember(*note, KeyAnswer::WrittenRequired),
            seats::Event::KeyRemembered { key, answered, .. } => {
                self.keys.remember(*key, KeyAnswer::Existing(answered.clone()));
            }
            _ => {}
        }
        self.forget_old_claims();
    }

    fn active_in(&self, pool: PoolId) -> Option<&Standing> {
        self.claims
            .iter()
            .find(|claim| claim.id.pool == pool && claim.state.is_active())
    }

    fn holds_subject(&self, subject: SubjectCode) -> bool {
        self.claims.iter().any(|claim| {
            claim.id.pool.subject == subject
                && matches!(claim.state, ClaimState::Held { .. } | ClaimState::Paid { .. })
        })
    }

    fn forget_old_claims(&mut self) {
        let mut surplus = self.gone_listed().saturating_sub(GONE_LISTED_MAX);
        if surplus == 0 {
            return;
        }
        self.claims.retain(|claim| {
            let forget = surplus > 0 && !claim.state.is_active();
            surplus -= usize::from(forget);
            !forget
        });
    }

    fn gone_listed(&self) -> usize {
        self.claims
            .iter()
            .filter(|claim| !claim.state.is_active())
            .count()
    }
}
