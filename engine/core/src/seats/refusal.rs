//! Why something asked was not done. Refusals are answers, not errors.
//!
//! The variants are the contract's problem codes (2.6), in the order in which the first that applies is given:
//! agreement, enrolment, window, eligibility, written claim, level, pool; then those of other operations, an order's in
//! the order in which the contract gives them (2.3).

use crate::ids::{ClaimId, OrderId, RecordVersion};
use crate::registration::ReviewState;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The agreement in force has not been accepted (R2).
    AgreementRequired,
    /// No student record of that province matches (R3).
    NoStudentRecord,
    /// There is no enrolment (R8).
    NotEnrolled,
    /// Not inside the window (R8, R18).
    OutsideWindow,
    /// The subject or campus is not open to this candidate (R4, R11).
    NotEligible,
    /// An oral claim without a held or paid written one (R13).
    WrittenRequired,
    /// Another claim takes the level (R12).
    LevelTaken(ClaimId),
    /// A seat was asked of a pool in whose queue the candidate stands.
    AlreadyWaiting(ClaimId),
    /// The pool takes no claims.
    PoolClosed,
    /// No seat is free, or others wait for the next one (R19).
    PoolFull,
    /// The queue takes nobody any more (R23).
    WaitlistClosed,
    /// Paid is final (R29).
    AlreadyPaid,
    /// It was cancelled, withdrawn, expired, removed or lapsed before.
    AlreadyGone,
    /// Leaving the queue needs a reason (R22).
    ReasonRequired,
    /// The record is bound to another account (R3).
    RecordTaken,
    /// The record was edited after the candidate confirmed it; this is its version now.
    RecordChanged(RecordVersion),
    /// The capacity would be less than what is taken (R34).
    CapacityBelowTaken {
        /// Seats held.
        held: u32,
        /// Seats paid.
        paid: u32,
    },
    /// The account has a review, and how it stands is against what was asked (R7).
    ReviewExists(ReviewState),
    /// No CET4 result is the candidate's, be it by ID number or by name (R6).
    NoMatchingResult,
    /// The candidate has no review.
    UnknownReview,
    /// The time to pay is over (R18).
    PaymentClosed,
    /// Nothing is held unpaid that an order could be opened for, or nothing is paid that could be refunded.
    NothingDue,
    /// The written claim that it needs is not paid (R13).
    WrittenUnpaid,
    /// No form of the score report was chosen (R24).
    ScoreReportMissing,
    /// Too little of the hold is left to open an order in (R25).
    HoldEnding,
    /// That order has not ended yet, or its money is not where it belongs (R10, R25).
    OrderUnresolved(OrderId),
    /// An oral seat is refunded before the written one that it needs (R29).
    OralPaid(ClaimId),
    /// There is no such claim in this pool, or in this order.
    UnknownClaim,
}
