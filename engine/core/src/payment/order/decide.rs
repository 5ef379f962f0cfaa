//! What would happen to an order. Nothing changes here.

use super::{Command, Events, Order, State, Why};
use crate::ids::{ClaimId, Fen, RefundId};
use crate::payment::{Event, Heard, RefundCause, RefundHeard, RefundState, TradeId};
use crate::seats::Refusal;
use crate::time::Moment;

impl Order {
    /// What a command would make happen; nothing where it is a repeat or too late.
    ///
    /// # Errors
    /// Of [`Command::AskRefund`] only: [`Refusal::UnknownClaim`] for a claim of another order,
    /// [`Refusal::NothingDue`] while that seat is not paid by it, [`Refusal::AlreadyGone`] if it was refunded before.
    pub fn decide(&self, command: &Command, now: Moment) -> Result<Events, Refusal> {
        Ok(match command {
            Command::Place => when(
                self.state == State::Attaching,
                Event::OrderPlaced {
                    order: self.id,
                    candidate: self.candidate,
                },
            ),
            Command::GiveUp => when(self.state == State::Attaching, self.closed(Why::NeverSent)),
            Command::Created { pay_url } => when(
                matches!(self.state, State::Placed { .. }),
                Event::OrderPayable {
                    order: self.id,
                    candidate: self.candidate,
                    pay_url: pay_url.clone(),
                },
            ),
            Command::Close { why } => self.decide_close(*why),
            Command::Hear(heard) => self.decide_hear(heard, now),
            Command::Release => when(
                matches!(self.state, State::Closed { released: false, .. }),
                Event::OrderReleased {
                    order: self.id,
                    candidate: self.candidate,
                },
            ),
            Command::Settle { refused } => self.decide_settle(refused),
            Command::AskRefund { claim, cause } => return self.decide_ask_refund(*claim, cause),
            Command::SeatBack { refund } => self.decide_seat_back(*refund),
            Command::HearRefund { refund, heard } => self.decide_hear_refund(*refund, *heard),
        })
    }

    /// An order that the provider never heard of is closed at once, any other only by the provider.
    fn decide_close(&self, why: Why) -> Events {
        match self.state {
            State::Attaching => one(self.closed(why)),
            State::Placed { .. } | State::Payable { .. } => one(self.closing(why)),
            State::Closing { .. } | State::Closed { .. } | State::Paid { .. } => Events::new(),
        }
    }

    fn decide_hear(&self, heard: &Heard, now: Moment) -> Events {
        let closing_why = match self.state {
            State::Placed { .. } | State::Payable { .. } => None,
            State::Closing { why, .. } => Some(why),
            // Not there yet, or ended: only money still counts.
            State::Attaching | State::Closed { .. } | State::Paid { .. } => {
                return match heard {
                    Heard::Paid { trade, amount, at } => self.decide_paid(trade, *amount, *at),
                    Heard::Open | Heard::Closed | Heard::Unknown => Events::new(),
                };
            }
        };
        let is_over = now >= self.expires_at;
        match heard {
            Heard::Paid { trade, amount, at } => self.decide_paid(trade, *amount, *at),
            // A provider that keeps an order open past its expiry is made to close it.
            Heard::Open if is_over && closing_why.is_none() => one(self.closing(Why::Expired)),
            Heard::Closed => {
                let why = if is_over { Why::Expired } else { Why::AtProvider };
                one(self.closed(closing_why.unwrap_or(why)))
            }
            // It may be scanned and paid until it expires (R27).
            Heard::Unknown if now >= self.expires_at + self.limits.grace => {
                one(self.closed(closing_why.unwrap_or(Why::Expired)))
            }
            Heard::Open | Heard::Unknown => Events::new(),
        }
    }

    /// Money came. It is booked once; the first right amount pays the order, whatever was thought of it before.
    fn decide_paid(&self, trade: &TradeId, amount: Fen, paid_at: Moment) -> Events {
        if self.trades.iter().any(|(known, _)| known == trade) {
            return Events::new();
        }
        if matches!(self.state, State::Paid { .. }) {
            return self.due(self.next_refund(), trade, None, amount, &RefundCause::PaidTwice);
        }
        if amount != self.amount() {
            let mut events = self.due(self.next_refund(), trade, None, amount, &RefundCause::WrongAmount);
            if !matches!(self.state, State::Closed { .. }) {
                events.push(self.closed(Why::WrongAmount));
            }
            return events;
        }
        one(Event::OrderPaid {
            order: self.id,
            candidate: self.candidate,
            trade: trade.clone(),
            amount_fen: amount,
            paid_at,
        })
    }

    fn decide_settle(&self, refused: &[(ClaimId, Refusal)]) -> Events {
        let State::Paid {
            trade,
            settled: false,
            ..
        } = &self.state
        else {
            return Events::new();
        };
        let mut events = Events::new();
        let mut refund = self.next_refund();
        for (claim, refusal) in refused {
            let Ok(fee) = self.fee(*claim) else { continue };
            let cause = if *refusal == Refusal::AlreadyPaid {
                RefundCause::PaidTwice
            } else {
                RefundCause::ClaimGone
            };
            events.extend(self.due(refund, trade, Some(*claim), fee, &cause));
            refund.number += 1;
        }
        events.push(Event::OrderSettled {
            order: self.id,
            candidate: self.candidate,
        });
        events
    }

    fn decide_ask_refund(&self, claim: ClaimId, cause: &RefundCause) -> Result<Events, Refusal> {
        let amount_fen = self.fee(claim)?;
        if self.refunds.iter().any(|refund| refund.claim == Some(claim)) {
            return Err(Refusal::AlreadyGone);
        }
        let State::Paid {
            trade, settled: true, ..
        } = &self.state
        else {
            return Err(Refusal::NothingDue);
        };
        Ok(one(Event::RefundAsked {
            order: self.id,
            candidate: self.candidate,
            refund: self.next_refund(),
            trade: trade.clone(),
            claim,
            amount_fen,
            cause: cause.clone(),
        }))
    }

    fn decide_seat_back(&self, refund: RefundId) -> Events {
        match self.refund(refund) {
            Some(asked) if asked.state == RefundState::Asked => {
                self.due(refund, &asked.trade, asked.claim, asked.amount, &asked.cause)
            }
            Some(_) | None => Events::new(),
        }
    }

    fn decide_hear_refund(&self, id: RefundId, heard: RefundHeard) -> Events {
        let Some(refund) = self.refund(id) else {
            return Events::new();
        };
        let sent = Event::RefundSent {
            order: self.id,
            candidate: self.candidate,
            refund: id,
        };
        let failed = Event::RefundFailed {
            order: self.id,
            candidate: self.candidate,
            refund: id,
        };
        match (refund.state, heard) {
            (RefundState::Due { .. } | RefundState::Sent { .. }, RefundHeard::Done) => one(self.done(id)),
            (RefundState::Due { .. }, RefundHeard::Pending) => one(sent),
            (RefundState::Due { .. } | RefundState::Sent { .. }, RefundHeard::Failed)
            | (RefundState::Sent { .. }, RefundHeard::Unknown) => one(failed),
            (RefundState::Asked | RefundState::Done, _)
            | (RefundState::Sent { .. }, RefundHeard::Pending)
            | (RefundState::Due { .. }, RefundHeard::Unknown) => Events::new(),
        }
    }

    /// The events by which money is to go back; nothing has to be moved where it is none.
    fn due(
        &self,
        refund: RefundId,
        trade: &TradeId,
        claim: Option<ClaimId>,
        amount: Fen,
        cause: &RefundCause,
    ) -> Events {
        let mut events = one(Event::RefundDue {
            order: self.id,
            candidate: self.candidate,
            refund,
            trade: trade.clone(),
            claim,
            amount_fen: amount,
            cause: cause.clone(),
        });
        if amount == Fen(0) {
            events.push(self.done(refund));
        }
        events
    }

    fn closing(&self, why: Why) -> Event {
        Event::OrderClosing {
            order: self.id,
            candidate: self.candidate,
            why,
        }
    }

    fn closed(&self, why: Why) -> Event {
        Event::OrderClosed {
            order: self.id,
            candidate: self.candidate,
            why,
        }
    }

    fn done(&self, refund: RefundId) -> Event {
        Event::RefundDone {
            order: self.id,
            candidate: self.candidate,
            refund,
        }
    }
}

fn when(fits: bool, event: Event) -> Events {
    if fits { one(event) } else { Events::new() }
}

fn one(event: Event) -> Events {
    let mut events = Events::new();
    events.push(event);
    events
}
