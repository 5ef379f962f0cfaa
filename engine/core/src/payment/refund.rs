//! One refund: why money goes back, and how far it is (R28, R29).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Event, TradeId};
use crate::ids::{ClaimId, Fen, RefundId};
use crate::seats::By;
use crate::time::Moment;

/// Why money goes back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCause {
    /// The claim that it was for is gone (R28).
    ClaimGone,
    /// It came a second time: for the order, or for a claim that another order has paid (R28).
    PaidTwice,
    /// It was more or less than the order says (R28).
    WrongAmount,
    /// An oral seat was paid whose written one went meanwhile (R13).
    WithoutWritten,
    /// A member of staff decided so (R29).
    Staff {
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    },
}

impl RefundCause {
    /// As the contract writes it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::ClaimGone => "claim_gone",
            Self::PaidTwice => "paid_twice",
            Self::WrongAmount => "wrong_amount",
            Self::WithoutWritten => "without_written",
            Self::Staff { .. } => "staff",
        }
    }

    /// Who takes the paid seat back, and why, as the pool is told.
    pub fn by(&self) -> (By, Arc<str>) {
        match self {
            Self::Staff { by, reason } => (by.clone(), reason.clone()),
            Self::ClaimGone | Self::PaidTwice | Self::WrongAmount | Self::WithoutWritten => {
                (By::System, self.as_str().into())
            }
        }
    }
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The paid seat is to be taken back first.
    Asked,
    /// The provider is to be asked for it.
    Due {
        /// How often it has failed: staff see those.
        failures: u32,
    },
    /// The provider has taken it.
    Sent {
        /// How often it had failed before.
        failures: u32,
    },
    /// The money is back.
    Done,
}

impl RefundState {
    pub(super) fn sent(self) -> Self {
        match self {
            Self::Due { failures } => Self::Sent { failures },
            Self::Asked | Self::Sent { .. } | Self::Done => self,
        }
    }

    pub(super) fn failed(self) -> Self {
        match self {
            Self::Due { failures } | Self::Sent { failures } => Self::Due {
                failures: failures.saturating_add(1),
            },
            Self::Asked | Self::Done => self,
        }
    }
}

/// Money on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refund {
    /// Its id, the same however often the provider is asked.
    pub id: RefundId,
    /// Out of which payment.
    pub trade: TradeId,
    /// The claim whose fee it is; none where a whole payment goes back that paid nothing.
    pub claim: Option<ClaimId>,
    /// How much.
    pub amount: Fen,
    /// Why.
    pub cause: RefundCause,
    /// How far it is.
    pub state: RefundState,
    /// Since when it is that far.
    pub since: Moment,
}

impl Refund {
    /// The refund that a `RefundAsked` or `RefundDue` event makes at that instant; none for another event.
    pub(super) fn made_by(event: &Event, at: Moment) -> Option<Self> {
        let ((id, trade, amount, cause), claim, state) = match event {
            Event::RefundAsked {
                refund,
                trade,
                claim,
                amount_fen,
                cause,
                ..
            } => (
                (refund, trade, amount_fen, cause),
                Some(*claim),
                RefundState::Asked,
            ),
            Event::RefundDue {
                refund,
                trade,
                claim,
                amount_fen,
                cause,
                ..
            } => (
                (refund, trade, amount_fen, cause),
                *claim,
                RefundState::Due { failures: 0 },
            ),
            _ => return None,
        };
        Some(Self {
            id: *id,
            trade: trade.clone(),
            claim,
            amount: *amount,
            cause: cause.clone(),
            state,
            since: at,
        })
    }

    /// Whether the money is not back yet.
    pub fn is_unfinished(&self) -> bool {
        match self.state {
            RefundState::Asked | RefundState::Due { .. } | RefundState::Sent { .. } => true,
            RefundState::Done => false,
        }
    }
}
