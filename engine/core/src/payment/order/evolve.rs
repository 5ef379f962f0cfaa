//! Makes events so: the one way in which an order changes, live and in replay alike.

use super::{Order, State};
use crate::ids::RefundId;
use crate::payment::{Event, Refund, RefundState};
use crate::time::Moment;

impl Order {
    /// Makes an event so. Total: what does not fit changes nothing, so that no order leaves an end for an earlier state
    /// and no payment is booked twice.
    pub fn evolve(&mut self, event: &Event, at: Moment) {
        match event {
            Event::OrderOpened { .. } | Event::OrderKeyRemembered { .. } => {}
            Event::OrderPlaced { .. } => {
                if self.state == State::Attaching {
                    self.state = State::Placed { at };
                }
            }
            Event::OrderPayable { pay_url, .. } => {
                if let State::Placed { .. } = self.state {
                    let pay_url = pay_url.clone();
                    self.state = State::Payable { at, pay_url };
                }
            }
            Event::OrderClosing { why, .. } => {
                if let State::Placed { .. } | State::Payable { .. } = self.state {
                    self.state = State::Closing {
                        why: *why,
                        at,
                        closable_at: self.closable_at(),
                    };
                }
            }
            Event::OrderClosed { why, .. } => match self.state {
                State::Attaching | State::Placed { .. } | State::Payable { .. } | State::Closing { .. } => {
                    self.state = State::Closed {
                        why: *why,
                        at,
                        released: false,
                    };
                }
                State::Closed { .. } | State::Paid { .. } => {}
            },
            Event::OrderReleased { .. } => {
                if let State::Closed { released, .. } = &mut self.state {
                    *released = true;
                }
            }
            Event::OrderPaid {
                trade,
                amount_fen,
                paid_at,
                ..
            } => {
                if !matches!(self.state, State::Paid { .. }) {
                    self.trades.push((trade.clone(), *amount_fen));
                    self.state = State::Paid {
                        trade: trade.clone(),
                        paid_at: *paid_at,
                        at,
                        settled: false,
                    };
                }
            }
            Event::OrderSettled { .. } => {
                if let State::Paid { settled, .. } = &mut self.state {
                    *settled = true;
                }
            }
            Event::RefundAsked { .. } | Event::RefundDue { .. } => {
                if let Some(refund) = Refund::made_by(event, at) {
                    self.add_refund(refund);
                }
            }
            Event::RefundSent { refund, .. } => self.move_refund(*refund, at, RefundState::sent),
            Event::RefundFailed { refund, .. } => self.move_refund(*refund, at, RefundState::failed),
            Event::RefundDone { refund, .. } => self.move_refund(*refund, at, |_| RefundState::Done),
        }
    }

    /// One that was asked for becomes due; any other is new, and so is its payment if it paid nothing.
    fn add_refund(&mut self, refund: Refund) {
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund.id) {
            if known.state == RefundState::Asked {
                *known = refund;
            }
            return;
        }
        if !self.trades.iter().any(|(known, _)| *known == refund.trade) {
            self.trades.push((refund.trade.clone(), refund.amount));
        }
        self.refunds.push(refund);
    }

    fn move_refund(&mut self, id: RefundId, at: Moment, next: impl FnOnce(RefundState) -> RefundState) {
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == id) {
            refund.state = next(refund.state);
            refund.since = at;
        }
    }
}
