//! What may be asked of a pool. Imperative, with all that deciding needs beside the pool's own state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Answered;
use crate::ids::{CandidateId, ClaimNumber, Fen, OrderId};
use crate::stored::KeyNote;
use crate::time::{Moment, Span};

/// What a claim wants when no seat is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// To be told so.
    Reject,
    /// A place in the queue (R19).
    Waitlist,
}

/// 科目报考方式
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisteredBy {
    /// 考生注册
    #[default]
    Candidate,
    /// Staff registered on behalf.
    School,
}

impl RegisteredBy {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::School => "school",
        }
    }
}

/// Who caused an event (R35).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The candidate whom it concerns.
    Candidate,
    /// The engine itself: a deadline, a promotion.
    System,
    /// The member of staff with that token subject.
    Staff(Arc<str>),
}

/// Why somebody left the queue (R22). Free text is kept with the persons' data, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawReason {
    /// 计划有变
    ChangedPlans,
    /// 选错校区或科目
    WrongChoice,
    /// 等待时间过长
    WaitedTooLong,
    /// 与其他安排冲突
    TimeConflict,
    /// 其他, in the candidate's own words
    Other,
}

impl WithdrawReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ChangedPlans,
        Self::WrongChoice,
        Self::WaitedTooLong,
        Self::TimeConflict,
        Self::Other,
    ];

    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChangedPlans => "changed_plans",
            Self::WrongChoice => "wrong_choice",
            Self::WaitedTooLong => "waited_too_long",
            Self::TimeConflict => "time_conflict",
            Self::Other => "other",
        }
    }
}

/// Why a claim was taken away together with something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// The written claim that it needs went away (R13).
    WithWritten,
    /// The written claim that it needs was gone when it was granted (R13): its candidate is told that, not of the claim.
    GrantedTooLate {
        /// The idempotency key it came with, which is answered so from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    },
    /// Its enrolment was deleted (R10).
    WithEnrolment,
}

/// What a claim that went gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freed {
    /// A held seat.
    Seat,
    /// A place in the queue.
    Place,
}

/// What to do when a lowered capacity is less than what is taken (R34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenShort {
    /// Refuse, with the numbers.
    #[default]
    Refuse,
    /// Lower it at once and let released seats vanish until the rest fits.
    Drain,
}

/// A change to a pool's settings; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Change {
    /// The number of seats.
    pub capacity: Option<u32>,
    /// Whether it takes claims.
    pub open: Option<bool>,
    /// What a seat costs from now on.
    pub fee: Option<Fen>,
    /// When the exam is sat, as the school wrote it.
    pub exam_date: Option<Arc<str>>,
    /// What to do when the capacity is less than what is taken.
    pub when_short: WhenShort,
}

/// One thing asked of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// A seat, or a place in the queue. That the candidate may ask at all was checked before (R8–R13).
    Claim {
        /// Who.
        candidate: CandidateId,
        /// What if none is free.
        on_full: OnFull,
        /// Who registered.
        registered_by: RegisteredBy,
        /// The idempotency key to remember with it.
        key: Option<KeyNote>,
    },
    /// To remember that a new idempotency key was answered with an existing claim.
    Remember {
        /// Whose key.
        candidate: CandidateId,
        /// The claim it was answered with.
        claim: ClaimNumber,
        /// The key.
        key: KeyNote,
        /// The claim as the answer shows it.
        answered: Box<Answered>,
    },
    /// To give up a held seat or a place in the queue. A seat with an open order is marked, and given up when that has
    /// ended unpaid (R17).
    Cancel {
        /// Which.
        claim: ClaimNumber,
        /// Who asks.
        by: By,
        /// Needed for a place in the queue (R22).
        reason: Option<WithdrawReason>,
    },
    /// To take a claim away with what it depends on, whatever unpaid state it is in; with an open order as a
    /// cancellation. Repeating it changes nothing.
    Remove {
        /// Which.
        claim: ClaimNumber,
        /// Why.
        cause: RemovalCause,
    },
    /// To keep a hold for an order until that has ended (R27). Repeating it changes nothing.
    Attach {
        /// Which.
        claim: ClaimNumber,
        /// The order.
        order: OrderId,
        /// How much of the hold must be left (R25).
        margin: Span,
    },
    /// To let a hold go, since its order has ended unpaid: what waited for that is done in the same step. Repeating it
    /// changes nothing.
    Detach {
        /// Which.
        claim: ClaimNumber,
        /// The order.
        order: OrderId,
    },
    /// To mark a held seat as paid: only ever after the provider's verified answer (R26). Whatever order it is attached
    /// to or was to go with: the money is there. Repeating it changes nothing.
    Pay {
        /// Which.
        claim: ClaimNumber,
        /// The order that was paid.
        order: OrderId,
    },
    /// To take a paid seat back, so that its money can go back (R29). Repeating it changes nothing.
    Refund {
        /// Which.
        claim: ClaimNumber,
        /// The order that paid it.
        order: OrderId,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    },
    /// To give a hold a later deadline.
    Extend {
        /// Which.
        claim: ClaimNumber,
        /// Its new deadline; an earlier one than it has changes nothing.
        held_until: Moment,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    },
    /// To change the settings.
    Change {
        /// What.
        change: Change,
        /// Who.
        by: By,
    },
    /// To do what is due by now: expire holds, lapse the queue, promote. Every other command does it first.
    CatchUp,
}

/// Whether deadlines are acted on (1.4): suspended after a clock jump until the operators resume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// As usual.
    Running,
    /// No hold expires and no queue lapses.
    Suspended,
}
