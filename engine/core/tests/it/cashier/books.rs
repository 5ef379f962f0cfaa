//! What must be true of a cashier, in the middle and when all is over, against the provider's own books.

use std::collections::BTreeMap;

use kaowei_core::cell;
use kaowei_core::ids::{CandidateId, ClaimId, Fen, OrderId};
use kaowei_core::payment::{Order, Step};
use kaowei_core::seats::{self, ClaimState, Expiry, Pool, Standing};
use kaowei_core::time::Moment;

use super::{Cashier, Fate, POOLS};
use crate::town::{enrolled, seal, settings};

impl Cashier {
    /// No seat goes for which money can still come, or has come as it should (R27).
    pub(super) fn judge(&self, desk: usize, event: &seats::Event) {
        let gone = match event {
            seats::Event::ClaimExpired { claim, .. }
            | seats::Event::ClaimCancelled { claim, .. }
            | seats::Event::ClaimRemoved { claim, .. } => self.claim_id(desk, *claim),
            _ => return,
        };
        for (order, bill) in &self.provider.bills {
            if bill.claims.contains(&gone) && !bill.lied {
                assert!(
                    !bill.is_payable(self.now()),
                    "{gone} went though {order} can be paid"
                );
                assert!(!bill.paid_rightly, "{gone} went though {order} was paid");
            }
        }
    }

    /// A crash: what was tried is forgotten, and what is known comes from the journal's text.
    pub(crate) fn crash(&mut self) {
        self.attempts.clear();
        let mut pools = vec![Pool::new(settings(self.capacity)); POOLS.len()];
        let mut candidates: BTreeMap<_, _> = self
            .town
            .candidates
            .keys()
            .map(|id| (*id, enrolled(*id)))
            .collect();
        let mut sequence = 0;
        for (at, desk, kind, payload) in &self.journal {
            if let Some(desk) = desk {
                let event = seats::Event::read(kind, payload).unwrap();
                pools[*desk].fits(&event).unwrap();
                pools[*desk].evolve(&event);
                sequence += 1;
                if let Some((_, candidate)) = event.claim() {
                    let candidate = candidates.get_mut(&candidate).unwrap();
                    candidate.settle(&self.town.desks[*desk].facts, &event, &seal(sequence, *at));
                }
                continue;
            }
            let event = cell::Event::read(kind, payload).unwrap();
            let candidate = candidates.get_mut(&event.candidate().unwrap()).unwrap();
            match &event {
                cell::Event::Registration(event) => candidate.evolve(event, *at),
                cell::Event::Payment(event) => candidate.evolve_order(event, *at),
            }
        }
        assert_eq!(candidates, self.town.candidates, "replay differs from live");
        for (pool, desk) in pools.iter().zip(&self.town.desks) {
            assert_eq!(*pool, desk.pool, "replay differs from live");
        }
    }

    /// The provider is well again: all is delivered and worked off, however long it takes.
    pub(crate) fn heal(&mut self) {
        self.provider.down = false;
        self.provider.lies_about_refund = false;
        self.town.expiry = Expiry::Running;
        self.crash();
        for _ in 0..10_000 {
            self.deliver();
            let candidates: Vec<CandidateId> = self.town.candidates.keys().copied().collect();
            let mut busy = false;
            for candidate in candidates {
                busy |= self.follow(candidate);
            }
            let orders: Vec<OrderId> = self.orders().map(Order::id).collect();
            let mut next: Option<Moment> = None;
            for order in orders {
                match self.work(order, Fate::Done) {
                    Step::Nothing { until: None } => {}
                    Step::Nothing { until: Some(until) } => {
                        next = Some(next.map_or(until, |other| other.min(until)));
                    }
                    _ => busy = true,
                }
            }
            match next {
                _ if busy => {}
                Some(until) => self.wait(until.since(self.now())),
                None => return,
            }
        }
        panic!(
            "money is on its way for ever: {:#?}",
            self.orders().collect::<Vec<_>>()
        );
    }

    /// What must be true when all is over: I11 against the provider's own books, and no paid seat lost.
    pub(crate) fn audit(&self) {
        for order in self.orders() {
            let id = order.id();
            assert!(!order.is_unresolved(), "{order:#?}");
            order.check().unwrap();
            let money = order.money();
            let settled: u64 = self
                .claims()
                .filter(|(_, _, state)| *state == ClaimState::Paid { order: id })
                .map(|(_, fee, _)| u64::from(fee.0))
                .sum();
            assert_eq!((money.settled, money.pending), (settled, 0), "{order:#?}");
            let Some(bill) = self.provider.bills.get(&id) else {
                assert_eq!(money.received, 0, "{order:#?}");
                continue;
            };
            assert_eq!(
                (money.received, money.refunded),
                (bill.received(), bill.refunded()),
                "{order:#?}"
            );
            if bill.paid_rightly && !bill.lied {
                for claim in &bill.claims {
                    let (_, _, state) = self.claims().find(|(id, _, _)| id == claim).unwrap();
                    assert!(
                        matches!(state.as_str(), "paid" | "refunded"),
                        "{claim} was paid and is {}",
                        state.as_str()
                    );
                }
            }
        }
        for candidate in self.town.candidates.values() {
            let is_paid = |claim: &&Standing| matches!(claim.state, ClaimState::Paid { .. });
            for oral in candidate.claims().iter().filter(is_paid) {
                let written = |claim: &Standing| oral.requires == Some(claim.id.pool.subject);
                let mut paid = candidate.claims().iter().filter(is_paid);
                assert!(oral.requires.is_none() || paid.any(written), "{oral:?}");
            }
        }
        for desk in &self.town.desks {
            assert_eq!(desk.pool.attachments().count(), 0, "{}", desk.facts.id);
        }
    }

    fn claims(&self) -> impl Iterator<Item = (ClaimId, Fen, ClaimState)> {
        self.town.desks.iter().flat_map(|desk| {
            let (pool, fee) = (desk.facts.id, desk.pool.settings().fee);
            let claims = desk.pool.claims();
            claims.map(move |(number, claim)| (ClaimId { pool, number }, fee, claim.state))
        })
    }
}
