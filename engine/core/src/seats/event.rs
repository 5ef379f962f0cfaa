//! What happened in a pool. Past tense; each carries all that its effect needs, so that replay decides nothing.

use std::sync::Arc;

use super::command::{By, Freed, RegisteredBy, RemovalCause, WithdrawReason};
use super::{Answered, ClaimState, Gone};
use crate::ids::{CandidateId, ClaimNumber, Fen, OrderId, SubjectCode};
use crate::sites::{Level, Paper, Site};
use crate::stored::{KeyNote, events};
use crate::time::Moment;

events! {
    /// Something that happened in a pool.
    pub enum Event;

    /// The pool came to be.
    PoolCreated = "pool_created" {
        /// Where it lies.
        site: Site,
        /// Written or oral.
        paper: Paper,
        /// Its level.
        level: Level,
        /// The written subject that its claims need (R13).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requires: Option<SubjectCode>,
        /// Its seats.
        capacity: u32,
        /// Whether it takes claims.
        open: bool,
        /// What a seat costs.
        fee_fen: Fen,
        /// When the exam is sat, as the school wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exam_date: Option<Arc<str>>,
        /// Who made it.
        by: By,
    }
    /// The number of seats changed (R34).
    CapacitySet = "capacity_set" {
        /// Its seats from now on.
        capacity: u32,
        /// Whether more are taken than that, so that released seats vanish.
        draining: bool,
        /// Who.
        by: By,
    }
    /// It takes claims from now on.
    PoolOpened = "pool_opened" {
        /// Who.
        by: By,
    }
    /// It takes no claims from now on; who holds or waits stays.
    PoolClosed = "pool_closed" {
        /// Who.
        by: By,
    }
    /// What is shown of it changed: the fee of later claims, the date of the exam.
    TermsSet = "terms_set" {
        /// What a seat costs.
        fee_fen: Fen,
        /// When the exam is sat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exam_date: Option<Arc<str>>,
        /// Who.
        by: By,
    }
    /// A seat was given (R14).
    ClaimHeld = "claim_held" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Its payment deadline (R16).
        held_until: Moment,
        /// What it costs.
        fee_fen: Fen,
        /// Who registered.
        registered_by: RegisteredBy,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// A place in the queue was given (R19, R20).
    ClaimQueued = "claim_queued" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Its place then, from 1.
        position: u32,
        /// What it costs.
        fee_fen: Fen,
        /// Who registered.
        registered_by: RegisteredBy,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// The head of the queue got a seat (R21).
    ClaimPromoted = "claim_promoted" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Its payment deadline.
        held_until: Moment,
    }
    /// A held seat was given up (R17).
    ClaimCancelled = "claim_cancelled" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Who gave it up.
        by: By,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<WithdrawReason>,
    }
    /// A place in the queue was given up (R22).
    ClaimWithdrawn = "claim_withdrawn" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Who gave it up.
        by: By,
        /// Why.
        reason: WithdrawReason,
    }
    /// A hold's deadline passed unpaid (R16).
    ClaimExpired = "claim_expired" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
    }
    /// It went with what it depends on (R10, R13).
    ClaimRemoved = "claim_removed" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// With what.
        cause: RemovalCause,
        /// What it gave back: a seat, or a place in the queue.
        freed: Freed,
    }
    /// The provider's verified answer said so (R26).
    ClaimPaid = "claim_paid" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// By which order.
        order: OrderId,
    }
    /// A paid seat was taken back; its money goes back too (R29).
    ClaimRefunded = "claim_refunded" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// The order that had paid it.
        order: OrderId,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    }
    /// A hold is kept for an order until that has ended (R27).
    OrderAttached = "order_attached" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// The order.
        order: OrderId,
    }
    /// A hold is kept for its order no longer: that has ended unpaid.
    OrderDetached = "order_detached" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// The order.
        order: OrderId,
    }
    /// A held seat was given up while an order for it was open: it goes when that has ended unpaid (R17).
    CancellationAsked = "cancellation_asked" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// When.
        asked_at: Moment,
        /// Who gave it up.
        by: By,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<WithdrawReason>,
    }
    /// What a held seat depends on went while an order for it was open: it goes when that has ended unpaid (R10, R13).
    RemovalAsked = "removal_asked" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// When.
        asked_at: Moment,
        /// With what.
        cause: RemovalCause,
    }
    /// Promotions ended before its turn came (R23).
    ClaimLapsed = "claim_lapsed" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
    }
    /// A hold got a later deadline (1.4, R33).
    DeadlineExtended = "deadline_extended" {
        /// The claim.
        claim: ClaimNumber,
        /// Whose.
        candidate: CandidateId,
        /// Its new deadline.
        held_until: Moment,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    }
    /// A new idempotency key was answered with an existing claim.
    KeyRemembered = "key_remembered" {
        /// The claim it was answered with.
        claim: ClaimNumber,
        /// Whose key.
        candidate: CandidateId,
        /// The key.
        key: KeyNote,
        /// The claim as the answer showed it.
        answered: Box<Answered>,
    }
}

impl Event {
    /// The state that an event puts an existing claim into; none where it leaves the state alone.
    pub fn new_state(&self) -> Option<ClaimState> {
        match self {
            Self::ClaimPromoted { held_until, .. } | Self::DeadlineExtended { held_until, .. } => {
                Some(ClaimState::Held { until: *held_until })
            }
            Self::ClaimPaid { order, .. } => Some(ClaimState::Paid { order: *order }),
            Self::ClaimRefunded { .. } => Some(ClaimState::Gone(Gone::Refunded)),
            Self::ClaimCancelled { .. } => Some(ClaimState::Gone(Gone::Cancelled)),
            Self::ClaimWithdrawn { .. } => Some(ClaimState::Gone(Gone::Withdrawn)),
            Self::ClaimExpired { .. } => Some(ClaimState::Gone(Gone::Expired)),
            Self::ClaimRemoved { .. } => Some(ClaimState::Gone(Gone::Removed)),
            Self::ClaimLapsed { .. } => Some(ClaimState::Gone(Gone::Lapsed)),
            Self::PoolCreated { .. }
            | Self::CapacitySet { .. }
            | Self::PoolOpened { .. }
            | Self::PoolClosed { .. }
            | Self::TermsSet { .. }
            | Self::ClaimHeld { .. }
            | Self::ClaimQueued { .. }
            | Self::OrderAttached { .. }
            | Self::OrderDetached { .. }
            | Self::CancellationAsked { .. }
            | Self::RemovalAsked { .. }
            | Self::KeyRemembered { .. } => None,
        }
    }

    /// The claim and candidate that it concerns, if it concerns one.
    pub fn claim(&self) -> Option<(ClaimNumber, CandidateId)> {
        match self {
            Self::PoolCreated { .. }
            | Self::CapacitySet { .. }
            | Self::PoolOpened { .. }
            | Self::PoolClosed { .. }
            | Self::TermsSet { .. } => None,
            Self::ClaimHeld { claim, candidate, .. }
            | Self::ClaimQueued { claim, candidate, .. }
            | Self::ClaimPromoted { claim, candidate, .. }
            | Self::ClaimCancelled { claim, candidate, .. }
            | Self::ClaimWithdrawn { claim, candidate, .. }
            | Self::ClaimExpired { claim, candidate }
            | Self::ClaimRemoved { claim, candidate, .. }
            | Self::ClaimPaid { claim, candidate, .. }
            | Self::ClaimRefunded { claim, candidate, .. }
            | Self::OrderAttached { claim, candidate, .. }
            | Self::OrderDetached { claim, candidate, .. }
            | Self::CancellationAsked { claim, candidate, .. }
            | Self::RemovalAsked { claim, candidate, .. }
            | Self::ClaimLapsed { claim, candidate }
            | Self::DeadlineExtended { claim, candidate, .. }
            | Self::KeyRemembered { claim, candidate, .. } => Some((*claim, *candidate)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_back_as_they_were_written() {
        let key = KeyNote {
            slot: 3,
            key: 7,
            body: u128::MAX,
        };
        let events = [
            Event::ClaimHeld {
                claim: ClaimNumber(1),
                candidate: CandidateId(5),
                held_until: Moment::from_unix_ms(9),
                fee_fen: Fen(1),
                registered_by: RegisteredBy::School,
                key: Some(key),
            },
            Event::PoolOpened {
                by: By::Staff("t".into()),
            },
            Event::ClaimExpired {
                claim: ClaimNumber(2),
                candidate: CandidateId(6),
            },
            Event::CancellationAsked {
                claim: ClaimNumber(2),
                candidate: CandidateId(6),
                asked_at: Moment::from_unix_ms(9),
                by: By::Candidate,
                reason: Some(WithdrawReason::Other),
            },
            Event::ClaimPaid {
                claim: ClaimNumber(2),
                candidate: CandidateId(6),
                order: OrderId(u64::MAX),
            },
        ];
        for event in events {
            assert_eq!(
                Event::read(event.kind(), &event.payload().unwrap()).unwrap(),
                event
            );
        }
    }

    #[test]
    fn what_a_newer_release_wrote_is_refused_with_a_reason() {
        assert!(
            Event::read("claim_moved", "{}")
                .unwrap_err()
                .to_string()
                .contains("newer release")
        );
        let newer = r#"{"v":2,"claim":1,"candidate":2}"#;
        assert!(
            Event::read("claim_expired", newer)
                .unwrap_err()
                .to_string()
                .contains("version 2")
        );
        assert!(
            Event::read("claim_expired", r#"{"v":1"#)
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }
}
