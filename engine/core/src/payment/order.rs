//! One order: it asks pools to keep its holds, the provider to take the money, the pools to mark its claims as paid or
//! to let them go, and gives back what nobody took (R24–R29).
//!
//! Promises: only a verified answer ends it (R26); it ends unpaid only when nobody can pay it any more (R27); whatever
//! comes is booked once, however often and late it is heard (R26, R28). Deciding is a function of what is recorded, so
//! who resumes after a crash asks [`Order::next_step`] and does that again: every step is idempotent. One worker at a
//! time does an order's steps, so that nothing it asked of a pool is under way when it asks the next.
//!
//! Invariant: I11 money accounted.
//!
//! Here are its parts; `order/decide.rs` says what would happen, `order/evolve.rs` makes it so, `order/next.rs` knows
//! what is to be done next and when, `order/money.rs` keeps the books.
//!
//! Deliberately absent: whether it may be opened (R24, R25, `registration/candidate.rs`), seats (`seats/pool.rs`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Event, Heard, Limits, Method, Refund, RefundCause, RefundHeard, TradeId};
use crate::ids::{CandidateId, ClaimId, Fen, OrderId, RefundId};
use crate::seats::Refusal;
use crate::sites::Paper;
use crate::time::Moment;

mod decide;
mod evolve;
mod money;
mod next;

pub use money::Money;
pub use next::{Attempts, Step};

/// Most decisions make one event.
pub type Events = SmallVec<[Event; 2]>;

/// A claim that an order pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderedClaim {
    /// The claim.
    pub claim: ClaimId,
    /// Its fee.
    pub fee_fen: Fen,
}

/// Why an order ends unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A hold could not be kept for it, so the provider never heard of it.
    NeverSent,
    /// Its time is over.
    Expired,
    /// A claim of it is to go (R13, R17), or was paid otherwise.
    ClaimLeft,
    /// The candidate wants to pay by another method (R25).
    MethodChanged,
    /// Its holds got later deadlines, so another with a later expiry takes its place (R33).
    Reissued,
    /// A wrong amount came (R28).
    WrongAmount,
    /// The provider closed it by itself.
    AtProvider,
}

impl Why {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverSent => "never_sent",
            Self::Expired => "expired",
            Self::ClaimLeft => "claim_left",
            Self::MethodChanged => "method_changed",
            Self::Reissued => "reissued",
            Self::WrongAmount => "wrong_amount",
            Self::AtProvider => "at_provider",
        }
    }
}

/// How far an order is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its pools are being asked to keep the holds; the provider knows nothing.
    Attaching,
    /// They are kept. The provider is being asked to make the order, and may have done so.
    Placed {
        /// Since when.
        at: Moment,
    },
    /// The candidate can pay.
    Payable {
        /// Since when.
        at: Moment,
        /// Where.
        pay_url: Arc<str>,
    },
    /// The provider is to close it.
    Closing {
        /// Why.
        why: Why,
        /// Since when.
        at: Moment,
        /// From when on the provider does so.
        closable_at: Moment,
    },
    /// It ended unpaid.
    Closed {
        /// Why.
        why: Why,
        /// Since when.
        at: Moment,
        /// Whether its pools were told.
        released: bool,
    },
    /// It ended paid.
    Paid {
        /// By this payment.
        trade: TradeId,
        /// When, by the provider's clock.
        paid_at: Moment,
        /// When that was heard.
        at: Moment,
        /// Whether its pools were told.
        settled: bool,
    },
}

/// An order's state as the contract shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It can be paid, or is being closed.
    Open,
    /// Paid; part of it may be back.
    Paid,
    /// Ended unpaid.
    Closed,
    /// Money is on its way back.
    Refunding,
    /// All its money is back.
    Refunded,
}

impl Status {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Closed => "closed",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }
}

/// One thing that an order is told. All but the refund that staff ask for is never refused: what does not fit the state
/// any more is a repeat or too late, and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// All its pools keep the holds.
    Place,
    /// A pool can't.
    GiveUp,
    /// The provider has made it.
    Created {
        /// Where the candidate pays.
        pay_url: Arc<str>,
    },
    /// To be closed.
    Close {
        /// Why.
        why: Why,
    },
    /// A verified answer of the provider.
    Hear(Heard),
    /// All its pools have let the holds go.
    Release,
    /// All its pools were told that it is paid.
    Settle {
        /// The claims that a pool did not take money for, and why.
        refused: SmallVec<[(ClaimId, Refusal); 1]>,
    },
    /// To take a paid seat back and refund it (R13, R29).
    AskRefund {
        /// The seat.
        claim: ClaimId,
        /// Why.
        cause: RefundCause,
    },
    /// The pool has taken the seat back.
    SeatBack {
        /// For this refund.
        refund: RefundId,
    },
    /// A verified answer of the provider about a refund.
    HearRefund {
        /// Which.
        refund: RefundId,
        /// What.
        heard: RefundHeard,
    },
}

/// The decider. Written as it is by the tables, which are made anew where a release changes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    id: OrderId,
    candidate: CandidateId,
    paper: Paper,
    method: Method,
    claims: SmallVec<[OrderedClaim; 2]>,
    opened_at: Moment,
    expires_at: Moment,
    limits: Limits,
    state: State,
    /// Every payment that came, once.
    trades: SmallVec<[(TradeId, Fen); 1]>,
    refunds: SmallVec<[Refund; 1]>,
}

impl Order {
    /// The order that an `OrderOpened` event makes at that instant; none for another event.
    pub fn opened(event: &Event, at: Moment) -> Option<Self> {
        let Event::OrderOpened {
            order,
            candidate,
            paper,
            method,
            claims,
            expires_at,
            limits,
            key: _,
        } = event
        else {
            return None;
        };
        Some(Self {
            id: *order,
            candidate: *candidate,
            paper: *paper,
            method: *method,
            claims: claims.clone(),
            opened_at: at,
            expires_at: *expires_at,
            limits: *limits,
            state: State::Attaching,
            trades: SmallVec::new(),
            refunds: SmallVec::new(),
        })
    }

    /// Its id.
    pub fn id(&self) -> OrderId {
        self.id
    }

    /// Whose it is.
    pub fn candidate(&self) -> CandidateId {
        self.candidate
    }

    /// For which paper.
    pub fn paper(&self) -> Paper {
        self.paper
    }

    /// How it is paid.
    pub fn method(&self) -> Method {
        self.method
    }

    /// What it pays.
    pub fn claims(&self) -> &[OrderedClaim] {
        &self.claims
    }

    /// When it was opened.
    pub fn opened_at(&self) -> Moment {
        self.opened_at
    }

    /// When the provider stops taking money for it.
    pub fn expires_at(&self) -> Moment {
        self.expires_at
    }

    /// What it is bound to with the provider.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How far it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What goes back, in the order in which it was decided.
    pub fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// One of the refunds.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// How much came by a payment.
    pub fn received_by(&self, trade: &TradeId) -> Fen {
        let mut trades = self.trades.iter();
        let of = trades.find(|(known, _)| known == trade);
        of.map_or(Fen(0), |(_, amount)| *amount)
    }

    /// What it costs.
    pub fn amount(&self) -> Fen {
        Fen(self
            .claims
            .iter()
            .fold(0, |sum, claim| sum.saturating_add(claim.fee_fen.0)))
    }

    /// Whether it pays that claim.
    pub fn pays(&self, claim: ClaimId) -> bool {
        self.claims.iter().any(|ordered| ordered.claim == claim)
    }

    /// Whether it can be paid, as far as is known, and nobody wants it closed.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Attaching | State::Placed { .. } | State::Payable { .. } => true,
            State::Closing { .. } | State::Closed { .. } | State::Paid { .. } => false,
        }
    }

    /// Whether pools may still keep holds for it.
    pub fn keeps_holds(&self) -> bool {
        match self.state {
            State::Attaching | State::Placed { .. } | State::Payable { .. } | State::Closing { .. } => true,
            State::Closed { released: told, .. } | State::Paid { settled: told, .. } => !told,
        }
    }

    /// Whether there is something to wait for: its end, its pools, or money on its way back (R10).
    pub fn is_unresolved(&self) -> bool {
        self.keeps_holds() || self.refunds.iter().any(Refund::is_unfinished)
    }

    /// Whether that claim's seat is paid by it, and nobody has asked for the money back.
    pub fn settles(&self, claim: ClaimId) -> bool {
        matches!(self.state, State::Paid { settled: true, .. })
            && self.pays(claim)
            && !self.refunds.iter().any(|refund| refund.claim == Some(claim))
    }

    /// The earliest instant at which the provider would close it.
    pub fn closable_at(&self) -> Moment {
        match self.state {
            State::Placed { at } | State::Payable { at, .. } => {
                (at + self.limits.close_after).min(self.expires_at)
            }
            State::Closing { closable_at, .. } => closable_at,
            State::Attaching | State::Closed { .. } | State::Paid { .. } => self.opened_at,
        }
    }

    /// Its state as the contract shows it.
    pub fn status(&self) -> Status {
        let money = self.money();
        if self.refunds.iter().any(Refund::is_unfinished) {
            return Status::Refunding;
        }
        if money.received > 0 && money.refunded == money.received {
            return Status::Refunded;
        }
        match self.state {
            // What has ended reads so when its claims do.
            _ if self.keeps_holds() => Status::Open,
            State::Attaching | State::Placed { .. } | State::Payable { .. } | State::Closing { .. } => {
                Status::Open
            }
            State::Closed { .. } => Status::Closed,
            State::Paid { .. } => Status::Paid,
        }
    }

    fn next_refund(&self) -> RefundId {
        let number = u32::try_from(self.refunds.len()).unwrap_or(u32::MAX - 1) + 1;
        RefundId {
            order: self.id,
            number,
        }
    }

    fn fee(&self, claim: ClaimId) -> Result<Fen, Refusal> {
        self.claims
            .iter()
            .find(|ordered| ordered.claim == claim)
            .map(|ordered| ordered.fee_fen)
            .ok_or(Refusal::UnknownClaim)
    }
}
