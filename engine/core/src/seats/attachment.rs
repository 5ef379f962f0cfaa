//! The order that a hold is attached to (R27): as long as it is, nobody can pay for a seat that is given away.

use serde::{Deserialize, Serialize};

use super::command::{By, RemovalCause, WithdrawReason};
use crate::ids::OrderId;
use crate::time::Moment;

/// What a pool knows of the order that a hold is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attachment {
    /// The order.
    pub order: OrderId,
    /// What waits until the order has ended.
    pub asked: Option<Asked>,
}

/// That a hold is to go once its order has ended unpaid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Since when.
    pub at: Moment,
    /// How it is to go.
    pub leave: Leave,
}

/// How a hold is to go.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// It is given up (R17).
    Cancel {
        /// Who asked.
        by: By,
        /// Why, if said.
        reason: Option<WithdrawReason>,
    },
    /// With what it depends on (R10, R13).
    Remove {
        /// With what.
        cause: RemovalCause,
    },
}

/// What a candidate's side knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attached {
    /// The order.
    pub order: OrderId,
    /// Since when the claim is asked to go.
    pub asked_at: Option<Moment>,
}
