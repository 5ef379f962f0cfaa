//! The words that a history is written in: operations, answer codes and claim states.
//!
//! Promises: each word has one spelling, that of the HTTP contract (2.2, 2.6) where the contract has it, and one
//! byte in memory. A word the contract does not know is kept as `other`, never lost and never an error: the
//! server may say more than this client knows.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares an enum of one byte whose variants have a spelling, and reads and writes it by that spelling.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, else $other:ident, { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every word, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling on the wire.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The word so spelled; an unknown spelling is `other`.
            pub fn of(word: &str) -> Self {
                match word { $($word => Self::$variant,)+ _ => Self::$other }
            }

            /// Its place in [`Self::ALL`], for tables.
            pub const fn index(self) -> usize { self as usize }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.word()) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::of(&word))
            }
        }
    };
}

words! {
    /// What a candidate asked for.
    Operation, else Other, {
        /// `PUT /v1/agreement`
        Agreement = "agreement",
        /// `GET /v1/qualification`
        Qualification = "qualification",
        /// `POST /v1/enrolment`
        Enrolment = "enrolment",
        /// `GET /v1/pools?campus=…`
        Pools = "pools",
        /// `POST /v1/claims`
        Claim = "claim",
        /// `GET /v1/claims`
        Poll = "poll",
        /// `POST /v1/claims/{id}/cancel` of a held claim
        Cancel = "cancel",
        /// `POST /v1/claims/{id}/cancel` of a waiting claim
        Withdraw = "withdraw",
        /// `PUT /v1/enrolment/score-reports`
        ScoreReport = "score_report",
        /// `POST /v1/orders`
        Order = "order",
        /// `POST /sandbox/pay/{id}`
        Pay = "pay",
        /// `POST /v1/orders/{id}/refresh`
        Refresh = "refresh",
        /// Anything else, from a history that somebody else wrote.
        Other = "other",
    }
}

words! {
    /// The code of a refusal (2.6), or what became of a request that got no answer.
    Code, else Other, {
        /// No refusal.
        None = "",
        /// The client gave up waiting.
        TimedOut = "timed_out",
        /// The client hung up on purpose, as an impatient person does.
        HungUp = "hung_up",
        /// The connection broke or could not be made.
        ConnectionLost = "connection_lost",
        /// An answer of success that could not be read as the contract says.
        Unreadable = "unreadable_answer",
        /// `invalid_request`
        InvalidRequest = "invalid_request",
        /// `unauthenticated`
        Unauthenticated = "unauthenticated",
        /// `bad_credentials`
        BadCredentials = "bad_credentials",
        /// `forbidden`
        Forbidden = "forbidden",
        /// `not_eligible`
        NotEligible = "not_eligible",
        /// `not_found`
        NotFound = "not_found",
        /// `no_student_record`
        NoStudentRecord = "no_student_record",
        /// `pool_full`
        PoolFull = "pool_full",
        /// `pool_closed`
        PoolClosed = "pool_closed",
        /// `outside_window`
        OutsideWindow = "outside_window",
        /// `waitlist_closed`
        WaitlistClosed = "waitlist_closed",
        /// `level_taken`
        LevelTaken = "level_taken",
        /// `record_taken`
        RecordTaken = "record_taken",
        /// `record_changed`
        RecordChanged = "record_changed",
        /// `account_exists`
        AccountExists = "account_exists",
        /// `already_waiting`
        AlreadyWaiting = "already_waiting",
        /// `written_required`
        WrittenRequired = "written_required",
        /// `not_enrolled`
        NotEnrolled = "not_enrolled",
        /// `already_paid`
        AlreadyPaid = "already_paid",
        /// `already_gone`
        AlreadyGone = "already_gone",
        /// `nothing_due`
        NothingDue = "nothing_due",
        /// `score_report_missing`
        ScoreReportMissing = "score_report_missing",
        /// `written_unpaid`
        WrittenUnpaid = "written_unpaid",
        /// `hold_ending`
        HoldEnding = "hold_ending",
        /// `payment_closed`
        PaymentClosed = "payment_closed",
        /// `agreement_required`
        AgreementRequired = "agreement_required",
        /// `payload_too_large`
        PayloadTooLarge = "payload_too_large",
        /// `idempotency_mismatch`
        IdempotencyMismatch = "idempotency_mismatch",
        /// `rate_limited`
        RateLimited = "rate_limited",
        /// `internal`
        Internal = "internal",
        /// `store_unavailable`
        StoreUnavailable = "store_unavailable",
        /// `queued`
        Queued = "queued",
        /// `overloaded`
        Overloaded = "overloaded",
        /// `not_leader`
        NotLeader = "not_leader",
        /// A code that this client does not know.
        Other = "other",
    }
}

words! {
    /// The state of a claim.
    ClaimState, else Other, {
        /// In the pool's queue.
        Waiting = "waiting",
        /// A seat until its deadline.
        Held = "held",
        /// Paid: final but for a refund by staff.
        Paid = "paid",
        /// A held seat that its candidate gave back.
        Cancelled = "cancelled",
        /// A place in the queue that its candidate gave up.
        Withdrawn = "withdrawn",
        /// A seat whose deadline passed unpaid.
        Expired = "expired",
        /// Went with its written claim or its enrolment.
        Removed = "removed",
        /// Still waiting when promotion ended.
        Lapsed = "lapsed",
        /// A paid seat that was taken back, its money with it.
        Refunded = "refunded",
        /// A state that this client does not know.
        Other = "other",
    }
}

words! {
    /// The state of an order.
    OrderState, else Other, {
        /// It can be paid, or is being closed.
        Open = "open",
        /// Paid; part of the money may be back.
        Paid = "paid",
        /// Ended unpaid.
        Closed = "closed",
        /// Money is on its way back.
        Refunding = "refunding",
        /// All its money is back.
        Refunded = "refunded",
        /// A state that this client does not know.
        Other = "other",
    }
}

impl Code {
    /// Whether the same request, with the same key, is to be sent again: nothing was decided, or what was decided
    /// was not heard.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::TimedOut
                | Self::HungUp
                | Self::ConnectionLost
                | Self::RateLimited
                | Self::StoreUnavailable
                | Self::Queued
                | Self::Overloaded
                | Self::NotLeader
        )
    }
}

impl ClaimState {
    /// Whether a claim in this state counts against its candidate's level (R12).
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Held | Self::Paid)
    }

    /// Whether a claim in this state can never leave it.
    pub const fn is_gone(self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Withdrawn | Self::Expired | Self::Removed | Self::Lapsed | Self::Refunded
        )
    }
}
