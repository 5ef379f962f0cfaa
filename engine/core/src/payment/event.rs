//! What happened to an order. Events of the cell, like those of registration; each says its order and candidate.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Limits, Method, OrderedClaim, RefundCause, TradeId, Why};
use crate::ids::{CandidateId, ClaimId, Fen, OrderId, RefundId};
use crate::sites::Paper;
use crate::stored::{KeyNote, events};
use crate::time::Moment;

events! {
    /// Something that happened to an order.
    pub enum Event;

    /// The candidate wants to pay (R25). Its pools are asked to keep the holds for it.
    OrderOpened = "order_opened" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// For which paper.
        paper: Paper,
        /// How it is to be paid.
        method: Method,
        /// What it pays.
        claims: SmallVec<[OrderedClaim; 2]>,
        /// The earliest deadline of its holds, and its own at the provider (R27).
        expires_at: Moment,
        /// What it is bound to with the provider.
        limits: Limits,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// A new idempotency key was answered with an order that was open already.
    OrderKeyRemembered = "order_key_remembered" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The key.
        key: KeyNote,
    }
    /// All its holds are kept for it. Recorded before the provider is asked: from now on it may exist there.
    OrderPlaced = "order_placed" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
    }
    /// The provider has made it, and takes money for it.
    OrderPayable = "order_payable" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// Where the candidate pays.
        pay_url: Arc<str>,
    }
    /// It is to be closed at the provider.
    OrderClosing = "order_closing" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// Why.
        why: Why,
    }
    /// It can't be paid any more and was not. Its pools are told to let the holds go.
    OrderClosed = "order_closed" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// Why.
        why: Why,
    }
    /// All its holds were let go.
    OrderReleased = "order_released" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
    }
    /// The right amount came (R26). Its pools are told that its claims are paid.
    OrderPaid = "order_paid" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The payment.
        trade: TradeId,
        /// How much.
        amount_fen: Fen,
        /// When, by the provider's clock.
        paid_at: Moment,
    }
    /// All its pools were told; what they did not take is on its way back.
    OrderSettled = "order_settled" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
    }
    /// A paid seat is to be taken back, so that its money can go back (R13, R29).
    RefundAsked = "refund_asked" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The refund.
        refund: RefundId,
        /// Out of which payment.
        trade: TradeId,
        /// The claim.
        claim: ClaimId,
        /// Its fee.
        amount_fen: Fen,
        /// Why.
        cause: RefundCause,
    }
    /// Money is to go back (R28, R29).
    RefundDue = "refund_due" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The refund.
        refund: RefundId,
        /// Out of which payment; the first that is heard of it when it paid nothing.
        trade: TradeId,
        /// The claim whose fee it is; none where a whole payment goes back that paid nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<ClaimId>,
        /// How much.
        amount_fen: Fen,
        /// Why.
        cause: RefundCause,
    }
    /// The provider has taken a refund.
    RefundSent = "refund_sent" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The refund.
        refund: RefundId,
    }
    /// The provider says that a refund did not go through; it is asked again, and staff see it.
    RefundFailed = "refund_failed" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The refund.
        refund: RefundId,
    }
    /// The money is back.
    RefundDone = "refund_done" {
        /// The order.
        order: OrderId,
        /// Whose.
        candidate: CandidateId,
        /// The refund.
        refund: RefundId,
    }
}

impl Event {
    /// The order that it concerns, and whose that is.
    pub fn order(&self) -> (OrderId, CandidateId) {
        match self {
            Self::OrderOpened { order, candidate, .. }
            | Self::OrderKeyRemembered { order, candidate, .. }
            | Self::OrderPlaced { order, candidate }
            | Self::OrderPayable { order, candidate, .. }
            | Self::OrderClosing { order, candidate, .. }
            | Self::OrderClosed { order, candidate, .. }
            | Self::OrderReleased { order, candidate }
            | Self::OrderPaid { order, candidate, .. }
            | Self::OrderSettled { order, candidate }
            | Self::RefundAsked { order, candidate, .. }
            | Self::RefundDue { order, candidate, .. }
            | Self::RefundSent { order, candidate, .. }
            | Self::RefundFailed { order, candidate, .. }
            | Self::RefundDone { order, candidate, .. } => (*order, *candidate),
        }
    }
}
