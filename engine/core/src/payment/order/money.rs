//! An order's books: every fen that came for it is somewhere (I11).

use super::{Order, State};
use crate::ids::Fen;
use crate::invariant::{Breach, Invariant};
use crate::payment::{Refund, RefundState};

/// Where the money of an order is, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Money {
    /// What came: every payment once.
    pub received: u64,
    /// The fees of the seats that it has paid.
    pub settled: u64,
    /// What is back.
    pub refunded: u64,
    /// What is on its way to a seat or back.
    pub pending: u64,
}

impl Order {
    /// Its books.
    pub fn money(&self) -> Money {
        let back = |wanted: fn(&Refund) -> bool| {
            let refunds = self.refunds.iter().filter(|refund| wanted(refund));
            sum(refunds.map(|refund| refund.amount))
        };
        let given_back = |claim| {
            let mut refunds = self.refunds.iter();
            refunds.any(|refund| refund.claim == Some(claim) && refund.state != RefundState::Asked)
        };
        let kept = self.claims.iter().filter(|ordered| !given_back(ordered.claim));
        let kept = sum(kept.map(|ordered| ordered.fee_fen));
        let (settled, untold) = match self.state {
            State::Paid { settled: true, .. } => (kept, 0),
            State::Paid { settled: false, .. } => (0, kept),
            State::Attaching
            | State::Placed { .. }
            | State::Payable { .. }
            | State::Closing { .. }
            | State::Closed { .. } => (0, 0),
        };
        Money {
            received: sum(self.trades.iter().map(|(_, amount)| *amount)),
            settled,
            refunded: back(|refund| refund.state == RefundState::Done),
            pending: untold
                + back(|refund| matches!(refund.state, RefundState::Due { .. } | RefundState::Sent { .. })),
        }
    }

    /// Whether its books agree (I11).
    ///
    /// # Errors
    /// The [`Breach`], with the books.
    pub fn check(&self) -> Result<(), Breach> {
        let money = self.money();
        if money.received == money.settled + money.refunded + money.pending {
            return Ok(());
        }
        Err(Breach {
            invariant: Invariant::MoneyAccounted,
            evidence: format!("order {}: {money:?}", self.id),
        })
    }
}

fn sum(amounts: impl Iterator<Item = Fen>) -> u64 {
    amounts.map(|amount| u64::from(amount.0)).sum()
}
