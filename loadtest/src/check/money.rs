//! Check 10: every fen that came has bought a seat, or is back, or is on its way (R26–R29).
//!
//! Promises: orders are replayed from the audit trail, but who has a seat is their pools' word; the server's table of
//! orders and the provider's own books, where they were fetched, are held against that. For each order, in fen:
//! received = settled + refunded + pending.
//!
//! Deliberately absent: how long money may be on its way. Whoever fetches the exports waits until none is.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::exports::{CheckError, Exports, Rows};
use super::replay::{Trail, evidence};
use super::verdict::{Check, Verdict};
use crate::history::{ClaimState, split_claim_id};

/// The columns of `orders.csv` that are read, in the order of the constants below.
const COLUMNS: &[&str] = &[
    "order",
    "received_fen",
    "settled_fen",
    "refunded_fen",
    "pending_fen",
];
const ORDER: usize = 0;
const RECEIVED: usize = 1;
const SETTLED: usize = 2;
const REFUNDED: usize = 3;
const PENDING: usize = 4;

/// The orders of an audit trail, in the order of their opening.
#[derive(Debug, Default)]
pub(super) struct Books {
    orders: Vec<Order>,
    by_id: HashMap<Box<str>, usize>,
}

#[derive(Debug, Default)]
struct Order {
    id: Box<str>,
    /// Where it was opened.
    line: u64,
    /// What it pays, and each claim's fee.
    claims: Vec<(Box<str>, u64)>,
    /// Each payment that came.
    trades: Vec<(Box<str>, u64)>,
    paid: bool,
    settled: bool,
    refunds: Vec<Refund>,
}

#[derive(Debug)]
struct Refund {
    id: Box<str>,
    /// None where a whole payment goes back.
    claim: Option<Box<str>>,
    amount_fen: u64,
    stage: Stage,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The seat is to be taken back first.
    Asked,
    Due,
    Done,
}

/// Where an order's money is, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Money {
    received: u64,
    settled: u64,
    refunded: u64,
    pending: u64,
}

#[derive(Deserialize)]
struct Payload<'a> {
    order: &'a str,
    #[serde(default, borrow)]
    claims: Vec<Ordered<'a>>,
    #[serde(default, borrow)]
    trade: Option<Cow<'a, str>>,
    #[serde(default)]
    amount_fen: Option<u64>,
    #[serde(default)]
    refund: Option<&'a str>,
    #[serde(default)]
    claim: Option<&'a str>,
}

#[derive(Deserialize)]
struct Ordered<'a> {
    claim: &'a str,
    fee_fen: u64,
}

impl Books {
    /// Takes in a record of all that belongs to no pool.
    pub(super) fn record(&mut self, kind: &str, payload: &str, rows: &Rows<'_>, verdict: &mut Verdict) {
        if !kind.starts_with("order_") && !kind.starts_with("refund_") {
            return;
        }
        let Ok(payload) = serde_json::from_str::<Payload>(payload) else {
            let what = format!("a {kind} record that can't be read");
            verdict.violated(Check::MoneyAccounted, what, || vec![evidence(rows)]);
            return;
        };
        if let Err(wrong) = self.apply(kind, &payload, rows.line()) {
            let what = format!("order {}: {wrong}", payload.order);
            verdict.violated(Check::MoneyAccounted, what, || vec![evidence(rows)]);
        }
    }

    fn apply(&mut self, kind: &str, payload: &Payload<'_>, line: u64) -> Result<(), String> {
        let known = self.by_id.get(payload.order).copied();
        let Some(at) = known else {
            if kind != "order_opened" {
                return Err(format!("{kind} before it was opened"));
            }
            let claims = payload.claims.iter();
            self.by_id.insert(payload.order.into(), self.orders.len());
            self.orders.push(Order {
                id: payload.order.into(),
                line,
                claims: claims
                    .map(|ordered| (ordered.claim.into(), ordered.fee_fen))
                    .collect(),
                ..Order::default()
            });
            return Ok(());
        };
        let order = &mut self.orders[at];
        match kind {
            "order_opened" => Err("opened twice".into()),
            "order_paid" => order.take_payment(payload),
            "order_settled" => {
                order.settled = true;
                Ok(())
            }
            "refund_asked" => order.begin_refund(payload, Stage::Asked),
            "refund_due" => order.begin_refund(payload, Stage::Due),
            "refund_done" => order.end_refund(payload),
            _ => Ok(()),
        }
    }
}

impl Order {
    fn amount_fen(&self) -> u64 {
        self.claims.iter().map(|(_, fee_fen)| fee_fen).sum()
    }

    fn book(&mut self, payload: &Payload<'_>) -> Result<u64, String> {
        let (trade, amount_fen) = payload
            .trade
            .as_deref()
            .zip(payload.amount_fen)
            .ok_or("a payment without its id or amount")?;
        if self.trades.iter().any(|(known, _)| **known == *trade) {
            return Err(format!("payment {trade} is booked twice"));
        }
        self.trades.push((trade.into(), amount_fen));
        Ok(amount_fen)
    }

    fn take_payment(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        let amount_fen = self.book(payload)?;
        if std::mem::replace(&mut self.paid, true) {
            return Err("paid twice".into());
        }
        if amount_fen != self.amount_fen() {
            return Err(format!(
                "paid by {amount_fen} fen where it costs {}",
                self.amount_fen()
            ));
        }
        Ok(())
    }

    fn begin_refund(&mut self, payload: &Payload<'_>, stage: Stage) -> Result<(), String> {
        let (id, amount_fen) = payload
            .refund
            .zip(payload.amount_fen)
            .ok_or("a refund without its id or amount")?;
        if let Some(known) = self.refunds.iter_mut().find(|refund| *refund.id == *id) {
            if known.stage != Stage::Asked || stage != Stage::Due {
                return Err(format!("refund {id} began twice"));
            }
            known.stage = Stage::Due;
            return Ok(());
        }
        if let Some(claim) = payload.claim {
            let fee = self.claims.iter().find(|(known, _)| **known == *claim);
            if fee.is_none_or(|(_, fee_fen)| *fee_fen != amount_fen) {
                return Err(format!("refund {id} is not of a fee of it"));
            }
            if self.refund_of(claim).is_some() {
                return Err(format!("the fee of claim {claim} goes back twice"));
            }
        } else {
            self.book(payload)?;
        }
        self.refunds.push(Refund {
            id: id.into(),
            claim: payload.claim.map(Into::into),
            amount_fen,
            stage,
        });
        Ok(())
    }

    fn end_refund(&mut self, payload: &Payload<'_>) -> Result<(), String> {
        let mut refunds = self.refunds.iter_mut();
        let due = refunds.find(|refund| payload.refund == Some(&*refund.id) && refund.stage == Stage::Due);
        due.ok_or("a refund is done that was not due")?.stage = Stage::Done;
        Ok(())
    }

    fn refund_of(&self, claim: &str) -> Option<Stage> {
        let mut refunds = self.refunds.iter();
        let of = refunds.find(|refund| refund.claim.as_deref() == Some(claim));
        of.map(|refund| refund.stage)
    }

    fn refunds(&self, whole: bool, wanted: impl Fn(Stage) -> bool) -> u64 {
        let refunds = self.refunds.iter();
        refunds
            .filter(|refund| (refund.claim.is_none() || !whole) && wanted(refund.stage))
            .map(|refund| refund.amount_fen)
            .sum()
    }

    /// Its money as its own events alone tell it, which is what the server's table shows.
    fn told(&self) -> Money {
        let kept = self.claims.iter().filter(|(claim, _)| {
            let refund = self.refund_of(claim);
            self.paid && refund.is_none_or(|stage| stage == Stage::Asked)
        });
        let kept = kept.map(|(_, fee_fen)| fee_fen).sum();
        let (settled, untold) = if self.settled { (kept, 0) } else { (0, kept) };
        Money {
            received: self.trades.iter().map(|(_, amount_fen)| amount_fen).sum(),
            settled,
            refunded: self.refunds(false, |stage| stage == Stage::Done),
            pending: untold + self.refunds(false, |stage| stage == Stage::Due),
        }
    }

    /// Its money, with the pools' word for who has a seat; what is wrong with that.
    fn examine(&self, trail: &Trail) -> (Money, Vec<String>) {
        let mut money = Money {
            received: self.trades.iter().map(|(_, amount_fen)| amount_fen).sum(),
            settled: 0,
            refunded: self.refunds(true, |stage| stage == Stage::Done),
            pending: self.refunds(true, |stage| stage != Stage::Done),
        };
        let mut wrong = Vec::new();
        for (claim, fee_fen) in &self.claims {
            let seated = trail.paid_by(claim) == Some(&*self.id);
            match (self.paid, seated, self.refund_of(claim)) {
                (false, true, _) => wrong.push(format!("claim {claim} is paid by it, and no money came")),
                (false, false, None) => {}
                (false, false, Some(_)) => {
                    wrong.push(format!("the fee of claim {claim} goes back, and never came"));
                }
                (true, true, None | Some(Stage::Asked)) => money.settled += fee_fen,
                (true, true, Some(Stage::Due | Stage::Done)) => {
                    wrong.push(format!("claim {claim} has its seat and its money back"));
                }
                (true, false, Some(Stage::Done)) => money.refunded += fee_fen,
                (true, false, None) if self.settled => {
                    wrong.push(format!("the fee of claim {claim} was kept, and it has no seat"));
                }
                (true, false, None | Some(Stage::Asked | Stage::Due)) => money.pending += fee_fen,
            }
        }
        if wrong.is_empty() && money.received != money.settled + money.refunded + money.pending {
            wrong.push("what came is not what is settled, refunded and pending".into());
        }
        (money, wrong)
    }
}

/// Holds orders, seats, the table of orders and the provider's books against each other.
pub(super) fn check(trail: &Trail, exports: &Exports, verdict: &mut Verdict) -> Result<(), CheckError> {
    let mut sum = Money::default();
    for order in &trail.books.orders {
        verdict.examined(Check::MoneyAccounted, 1);
        let (money, wrong) = order.examine(trail);
        sum.received += money.received;
        sum.refunded += money.refunded;
        for what in wrong {
            verdict.violated(
                Check::MoneyAccounted,
                format!("order {}: {what}", order.id),
                || vec![format!("audit.csv line {}: it was opened; {money:?}", order.line)],
            );
        }
    }
    check_seats(trail, verdict);
    check_table(trail, exports, verdict)?;
    if let Some([received, refunded]) = exports.provider
        && (received, refunded) != (sum.received, sum.refunded)
    {
        let what = "the provider's books differ from the orders'";
        verdict.violated(Check::MoneyAccounted, what, || {
            vec![
                format!("provider: received {received} fen, gave back {refunded}"),
                format!(
                    "orders:   received {} fen, gave back {}",
                    sum.received, sum.refunded
                ),
            ]
        });
    }
    Ok(())
}

/// Every paid seat is paid by an order that lists it and for which money came.
fn check_seats(trail: &Trail, verdict: &mut Verdict) {
    for (_, stream) in trail.pools() {
        for (number, claim) in stream.ledger.claims() {
            if claim.state != ClaimState::Paid {
                continue;
            }
            verdict.examined(Check::MoneyAccounted, 1);
            let id = format!("{}-{number}", stream.id);
            let order = trail.paid_by(&id).and_then(|order| trail.books.by_id.get(order));
            let paid = order.map(|&at| &trail.books.orders[at]).is_some_and(|order| {
                let mut claims = order.claims.iter();
                order.paid && claims.any(|(claim, _)| **claim == *id)
            });
            if !paid {
                let what = format!("claim {id} is paid, and by no order that money came for");
                verdict.violated(Check::MoneyAccounted, what, || {
                    vec![format!("ledger: paid since sequence {}", claim.state_seq)]
                });
            }
        }
    }
}

fn check_table(trail: &Trail, exports: &Exports, verdict: &mut Verdict) -> Result<(), CheckError> {
    let Some(orders) = &exports.orders else {
        return Ok(());
    };
    let mut listed = HashSet::new();
    let mut rows = Rows::open(orders, "orders.csv", COLUMNS)?;
    while rows.advance()? {
        verdict.examined(Check::MoneyAccounted, 1);
        let id = rows.text(ORDER);
        let stated = Money {
            received: rows.number(RECEIVED)?,
            settled: rows.number(SETTLED)?,
            refunded: rows.number(REFUNDED)?,
            pending: rows.number(PENDING)?,
        };
        let at = trail.books.by_id.get(id).copied();
        let told = at.map(|at| trail.books.orders[at].told());
        let first = at.is_none_or(|at| listed.insert(at));
        if told != Some(stated) || !first {
            let what = format!("order {id} as it is stored differs from its events, or is stored twice");
            verdict.violated(Check::MoneyAccounted, what, || {
                vec![format!("stored: {stated:?}"), format!("events: {told:?}")]
            });
        }
    }
    for (at, order) in trail.books.orders.iter().enumerate() {
        if !listed.contains(&at) {
            let what = format!("order {} is in the audit trail, but not stored", order.id);
            verdict.violated(Check::MoneyAccounted, what, || {
                vec![format!("audit.csv line {}: it was opened", order.line)]
            });
        }
    }
    Ok(())
}

impl Trail {
    /// The order by which a claim is paid now, as its pool says.
    fn paid_by(&self, claim: &str) -> Option<&str> {
        let (pool, number) = split_claim_id(claim)?;
        let (at, stream) = self.pool(pool)?;
        let claim = stream.ledger.claim(number)?;
        let order = self.seats.get(&(at, number)).map(|order| &**order);
        order.filter(|_| claim.state == ClaimState::Paid)
    }
}
