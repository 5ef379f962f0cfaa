//! A provider as one would write it without a thought: bills, the money that came for them, what went back. It tells
//! what happened to the money when all is over, and every misbehaviour is a method or a switch.

use std::collections::BTreeMap;

use kaowei_core::ids::{ClaimId, Fen, OrderId, RefundId};
use kaowei_core::payment::{CLOSE_AFTER, Heard, Order, RefundHeard, TradeId};
use kaowei_core::time::{Moment, Span};

/// Less than the grace after which nothing more is expected.
const SHOWS_AFTER: Span = Span::from_secs(90);

/// What the provider knows of one order.
#[expect(clippy::struct_excessive_bools, reason = "none of them follows from another")]
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    pub(crate) claims: Vec<ClaimId>,
    pub(crate) amount: Fen,
    expires_at: Moment,
    made_at: Moment,
    /// A scan-to-pay trade does not exist before it is scanned (R27).
    scanned: bool,
    closed: bool,
    pub(crate) trades: Vec<(TradeId, Fen, Moment)>,
    pub(crate) refunds: BTreeMap<RefundId, (Fen, RefundHeard)>,
    /// It was paid as it should: once, in time, the right amount.
    pub(crate) paid_rightly: bool,
    /// It said that nobody can pay it although somebody could, or had.
    pub(crate) lied: bool,
}

impl Bill {
    /// Whether somebody can pay it now.
    pub(crate) fn is_payable(&self, now: Moment) -> bool {
        !self.closed && now < self.expires_at && self.trades.is_empty()
    }

    pub(crate) fn received(&self) -> u64 {
        self.trades.iter().map(|(_, amount, _)| u64::from(amount.0)).sum()
    }

    pub(crate) fn refunded(&self) -> u64 {
        let done = self
            .refunds
            .values()
            .filter(|(_, heard)| *heard == RefundHeard::Done);
        done.map(|(amount, _)| u64::from(amount.0)).sum()
    }

    fn paid(&self, trade: usize) -> Heard {
        let (trade, amount, at) = self.trades[trade].clone();
        Heard::Paid { trade, amount, at }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Provider {
    pub(crate) bills: BTreeMap<OrderId, Bill>,
    pub(crate) down: bool,
    /// Bills have to be scanned, and a payment shows a while after that.
    pub(crate) scan_to_pay: bool,
    /// The next refund is reported as failed, though it goes through.
    pub(crate) lies_about_refund: bool,
    /// On their way, in no order.
    pub(crate) notifications: Vec<(OrderId, Heard)>,
}

impl Provider {
    /// Makes an order payable; the same however often it is asked.
    pub(crate) fn create(&mut self, order: &Order, now: Moment) -> Option<()> {
        if self.down {
            return None;
        }
        self.bills.entry(order.id()).or_insert_with(|| Bill {
            claims: order.claims().iter().map(|ordered| ordered.claim).collect(),
            amount: order.amount(),
            expires_at: order.expires_at(),
            made_at: now,
            scanned: !self.scan_to_pay,
            closed: false,
            trades: Vec::new(),
            refunds: BTreeMap::new(),
            paid_rightly: false,
            lied: false,
        });
        Some(())
    }

    pub(crate) fn query(&self, order: OrderId, now: Moment) -> Option<Heard> {
        if self.down {
            return None;
        }
        let shows = |bill: &&Bill| {
            let first = bill.trades.first();
            bill.scanned && !(self.scan_to_pay && first.is_some_and(|(_, _, at)| now < *at + SHOWS_AFTER))
        };
        let Some(bill) = self.bills.get(&order).filter(shows) else {
            return Some(Heard::Unknown);
        };
        Some(if !bill.trades.is_empty() {
            bill.paid(0)
        } else if bill.is_payable(now) {
            Heard::Open
        } else {
            Heard::Closed
        })
    }

    /// Refuses, by an error, to close what is young.
    pub(crate) fn close(&mut self, order: OrderId, now: Moment) -> Option<Heard> {
        let young = |bill: &Bill| now < (bill.made_at + CLOSE_AFTER).min(bill.expires_at);
        if self.bills.get(&order).is_some_and(young) {
            return None;
        }
        let heard = self.query(order, now)?;
        if heard != Heard::Open {
            return Some(heard);
        }
        self.bills.get_mut(&order)?.closed = true;
        Some(Heard::Closed)
    }

    /// Somebody scans and pays what can be paid.
    pub(crate) fn pay(&mut self, order: OrderId, now: Moment) {
        let Some(bill) = self.bills.get_mut(&order) else {
            return;
        };
        if bill.is_payable(now) {
            bill.paid_rightly = true;
            let amount = bill.amount;
            self.take(order, amount, now);
        }
    }

    /// Takes money whatever the bill says: a second time, after it was closed, another amount.
    pub(crate) fn take(&mut self, order: OrderId, amount: Fen, now: Moment) {
        let Some(bill) = self.bills.get_mut(&order) else {
            return;
        };
        bill.scanned = true;
        // Whoever hears of a wrong amount first has to think that the right one can't come any more.
        bill.lied |= amount != bill.amount;
        let trade = TradeId(format!("{order}t{}", bill.trades.len()).into());
        bill.trades.push((trade, amount, now));
        let heard = bill.paid(bill.trades.len() - 1);
        self.notifications.push((order, heard));
    }

    /// Gives money back; the same refund only once.
    pub(crate) fn refund(&mut self, id: RefundId, amount: Fen) -> Option<RefundHeard> {
        if self.down {
            return None;
        }
        let bill = self.bills.get_mut(&id.order)?;
        let fresh = !bill.refunds.contains_key(&id);
        let (asked, heard) = bill.refunds.entry(id).or_insert((amount, RefundHeard::Pending));
        assert_eq!(*asked, amount, "a refund is asked again with another amount");
        if std::mem::take(&mut self.lies_about_refund) {
            return Some(RefundHeard::Failed);
        }
        if !fresh {
            *heard = RefundHeard::Done;
        }
        let heard = *heard;
        let (out, came) = (
            bill.refunds
                .values()
                .map(|(amount, _)| u64::from(amount.0))
                .sum::<u64>(),
            bill.received(),
        );
        assert!(
            out <= came,
            "{out} fen would go back of {came} that came for {}",
            id.order
        );
        Some(heard)
    }

    pub(crate) fn query_refund(&mut self, id: RefundId) -> Option<RefundHeard> {
        if self.down {
            return None;
        }
        match self.bills.get_mut(&id.order)?.refunds.get_mut(&id) {
            None => Some(RefundHeard::Unknown),
            Some((_, heard)) => {
                *heard = RefundHeard::Done;
                Some(RefundHeard::Done)
            }
        }
    }
}
