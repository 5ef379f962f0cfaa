//! How a claim stands: states that carry their data.

use serde::{Deserialize, Serialize};

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
    Paid,
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
}

impl ClaimState {
    /// Whether it holds or waits for a seat.
    pub fn is_active(self) -> bool {
        match self {
            Self::Held { .. } | Self::Waiting | Self::Paid => true,
            Self::Gone(_) => false,
        }
    }

    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Waiting => "waiting",
            Self::Paid => "paid",
            Self::Gone(Gone::Cancelled) => "cancelled",
            Self::Gone(Gone::Withdrawn) => "withdrawn",
            Self::Gone(Gone::Expired) => "expired",
            Self::Gone(Gone::Removed) => "removed",
            Self::Gone(Gone::Lapsed) => "lapsed",
        }
    }
}

impl ClaimState {
    /// Reads a state back from its name and deadline, as the tables keep it.
    pub fn from_parts(name: &str, held_until: Option<Moment>) -> Option<Self> {
        Some(match (name, held_until) {
            ("held", Some(until)) => Self::Held { until },
            ("waiting", None) => Self::Waiting,
            ("paid", None) => Self::Paid,
            ("cancelled", None) => Self::Gone(Gone::Cancelled),
            ("withdrawn", None) => Self::Gone(Gone::Withdrawn),
            ("expired", None) => Self::Gone(Gone::Expired),
            ("removed", None) => Self::Gone(Gone::Removed),
            ("lapsed", None) => Self::Gone(Gone::Lapsed),
            _ => return None,
        })
    }

    /// The deadline of a held seat.
    pub fn held_until(self) -> Option<Moment> {
        match self {
            Self::Held { until } => Some(until),
            Self::Waiting | Self::Paid | Self::Gone(_) => None,
        }
    }
}
