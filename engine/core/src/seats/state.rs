//! How a claim stands: states that carry their data.

use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::time::Moment;

/// How a claim stands. Only a held one has a deadline; the place of a waiting one is the queue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// 未支付: the seat is the candidate's until the deadline.
    Held {
        /// The deadline.
        until: Moment,
    },
    /// 正在候补
    Waiting,
    /// 已支付: final.
    Paid {
        /// By which order: the same one's payment is a repeat, another's comes a second time (R28).
        order: OrderId,
    },
    /// It takes nothing any more.
    Gone(Gone),
}

/// How a claim went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// 取消报考
    Cancelled,
    /// 取消候补
    Withdrawn,
    /// 超时删除
    Expired,
    /// With its written claim or its enrolment.
    Removed,
    /// Promotions ended (R23).
    Lapsed,
    /// It was paid, and the money goes back (R29).
    Refunded,
}

impl ClaimState {
    /// Whether it holds or waits for a seat.
    pub fn is_active(self) -> bool {
        match self {
            Self::Held { .. } | Self::Waiting | Self::Paid { .. } => true,
            Self::Gone(_) => false,
        }
    }

    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Waiting => "waiting",
            Self::Paid { .. } => "paid",
            Self::Gone(Gone::Cancelled) => "cancelled",
            Self::Gone(Gone::Withdrawn) => "withdrawn",
            Self::Gone(Gone::Expired) => "expired",
            Self::Gone(Gone::Removed) => "removed",
            Self::Gone(Gone::Lapsed) => "lapsed",
            Self::Gone(Gone::Refunded) => "refunded",
        }
    }
}

impl ClaimState {
    /// Reads a state back from its name, its deadline and the order that paid it, as the tables keep it.
    pub fn from_parts(name: &str, held_until: Option<Moment>, paid_by: Option<OrderId>) -> Option<Self> {
        Some(match (name, held_until, paid_by) {
            ("held", Some(until), None) => Self::Held { until },
            ("waiting", None, None) => Self::Waiting,
            ("paid", None, Some(order)) => Self::Paid { order },
            ("cancelled", None, None) => Self::Gone(Gone::Cancelled),
            ("withdrawn", None, None) => Self::Gone(Gone::Withdrawn),
            ("expired", None, None) => Self::Gone(Gone::Expired),
            ("removed", None, None) => Self::Gone(Gone::Removed),
            ("lapsed", None, None) => Self::Gone(Gone::Lapsed),
            ("refunded", None, None) => Self::Gone(Gone::Refunded),
            _ => return None,
        })
    }

    /// The order that paid a seat.
    pub fn paid_by(self) -> Option<OrderId> {
        match self {
            Self::Paid { order } => Some(order),
            Self::Held { .. } | Self::Waiting | Self::Gone(_) => None,
        }
    }

    /// The deadline of a held seat.
    pub fn held_until(self) -> Option<Moment> {
        match self {
            Self::Held { until } => Some(until),
            Self::Waiting | Self::Paid { .. } | Self::Gone(_) => None,
        }
    }
}
