//! Town, orders and a provider coupled as the engine couples them: every step is what [`Order::next_step`] says, done
//! and recorded, or cut off in between. All that happens is written down as a journal keeps it.

use std::collections::BTreeMap;

use kaowei_core::cell;
use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, OrderId};
use kaowei_core::payment::{
    self, Attempts, CLOSE_AFTER, Heard, Limits, Method, Order, RefundCause, RefundState, Step,
};
use kaowei_core::registration::{self, Candidate, OrderAsk, OrderVerdict, ScoreReport, ScoreReportChoice};
use kaowei_core::seats::{self, By, Command, OnFull, Refusal, RemovalCause};
use kaowei_core::sites::Paper;
use kaowei_core::time::{Moment, Span};

use crate::provider::Provider;
use crate::town::{AGREEMENT, Answer, Town, enrolled, hours};

mod books;

pub(crate) const MARGIN: Span = Span::from_secs(6 * 60);
pub(crate) const GRACE: Span = Span::from_secs(120);
pub(crate) const POOLS: [&str; 3] = ["991010-1", "991010-2", "991010-F"];

pub(crate) const LI: CandidateId = CandidateId(0);
pub(crate) const WANG: CandidateId = CandidateId(1);
/// The places of the pools, written before oral.
pub(crate) const CET4: usize = 0;
pub(crate) const CET6: usize = 1;
pub(crate) const SPEAKING4: usize = 2;

pub(crate) fn minutes(minutes: u32) -> Span {
    Span::from_secs(minutes * 60)
}

/// A cashier at whom Li holds a seat with an order that can be paid.
pub(crate) fn payable() -> (Cashier, OrderId) {
    let mut cashier = Cashier::new(1, 2);
    cashier.claim(CET4, LI, OnFull::Reject);
    let order = cashier.payable(LI, Paper::Written);
    (cashier, order)
}

/// The same, paid and settled.
pub(crate) fn bought() -> (Cashier, OrderId) {
    let mut cashier = Cashier::new(1, 2);
    let order = cashier.buy(CET4, Paper::Written);
    assert_eq!(cashier.shows(CET4, LI), "paid");
    (cashier, order)
}

/// How a step of a worker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Done and recorded.
    Done,
    /// Cut off by a crash: done in part or in whole, and not recorded.
    CutOff,
}

/// A line of the journal: when, which pool if one, kind and payload.
type Line = (Moment, Option<usize>, String, String);

#[derive(Debug, Clone)]
pub(crate) struct Cashier {
    pub(crate) town: Town,
    pub(crate) provider: Provider,
    capacity: u32,
    journal: Vec<Line>,
    attempts: BTreeMap<OrderId, Attempts>,
}

impl Cashier {
    /// Pools of so many seats each, holds of an hour, candidates who have chosen their score reports.
    pub(crate) fn new(capacity: u32, candidates: i64) -> Self {
        let mut town = Town::new(&POOLS.map(|pool| (pool, capacity)));
        for desk in &mut town.desks {
            desk.terms.hold = hours(1);
        }
        town.now = town.now + hours(1);
        let mut cashier = Self {
            town,
            provider: Provider::default(),
            capacity,
            journal: Vec::new(),
            attempts: BTreeMap::new(),
        };
        for candidate in (0..candidates).map(CandidateId) {
            cashier.town.candidates.insert(candidate, enrolled(candidate));
            let chosen = registration::Event::ScoreReportsChosen {
                candidate,
                choices: ["1", "2"]
                    .map(|subject| ScoreReportChoice {
                        subject: subject.parse().unwrap(),
                        choice: ScoreReport::Electronic,
                    })
                    .into_iter()
                    .collect(),
            };
            cashier.record_registration(chosen);
        }
        cashier
    }

    pub(crate) fn now(&self) -> Moment {
        self.town.now
    }

    pub(crate) fn wait(&mut self, span: Span) {
        self.town.now = self.town.now + span;
        let events = self.town.catch_up();
        self.keep(events);
    }

    pub(crate) fn candidate(&self, candidate: CandidateId) -> &Candidate {
        &self.town.candidates[&candidate]
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.town.candidates.values().flat_map(Candidate::orders)
    }

    pub(crate) fn order(&self, id: OrderId) -> &Order {
        self.orders().find(|order| order.id() == id).expect("an order")
    }

    /// The state of a candidate's latest claim in a pool, and whether it is settling.
    pub(crate) fn shows(&self, desk: usize, candidate: CandidateId) -> String {
        let Some(number) = self.town.claim_of(desk, candidate) else {
            return "nothing".into();
        };
        let id = self.claim_id(desk, number);
        let claim = self.candidate(candidate).claim(id).unwrap();
        let settling = claim.settling_since(self.now()).map_or("", |_| ", settling");
        format!("{}{settling}", claim.state.as_str())
    }

    pub(crate) fn claim(&mut self, desk: usize, candidate: CandidateId, on_full: OnFull) -> Answer {
        self.follow(candidate);
        let (events, answer) = self.town.claim(desk, candidate, on_full);
        self.keep(events);
        answer
    }

    pub(crate) fn command(&mut self, desk: usize, command: &Command) -> Answer {
        let (events, answer) = self.town.command(desk, command);
        self.keep(events);
        answer
    }

    pub(crate) fn cancel(&mut self, desk: usize, candidate: CandidateId) {
        let Some(claim) = self.town.claim_of(desk, candidate) else {
            return;
        };
        let cancel = Command::Cancel {
            claim,
            by: By::Candidate,
            reason: Some(seats::WithdrawReason::Other),
        };
        self.command(desk, &cancel);
    }

    pub(crate) fn ask(&self, paper: Paper, method: Method) -> OrderAsk<'static> {
        OrderAsk {
            paper,
            method,
            agreement: AGREEMENT,
            payment_closes_at: self.town.desks[0].terms.payment_closes_at,
            margin: MARGIN,
            now: self.now(),
        }
    }

    /// What a candidate who wants to pay makes happen.
    pub(crate) fn open(&mut self, candidate: CandidateId, paper: Paper, method: Method) -> OrderVerdict {
        self.follow(candidate);
        let verdict = self.candidate(candidate).may_order(&self.ask(paper, method));
        match &verdict {
            OrderVerdict::Open(opening) => {
                let id = OrderId(self.orders().count() as u64 + 1);
                let limits = Limits {
                    close_after: CLOSE_AFTER,
                    grace: GRACE,
                };
                self.record(opening.clone().event(id, candidate, limits, None));
            }
            OrderVerdict::EndFirst(first) => {
                let why = payment::Why::MethodChanged;
                self.tell(*first, &payment::Command::Close { why }).unwrap();
            }
            OrderVerdict::Existing(_) | OrderVerdict::Refused(_) => {}
        }
        verdict
    }

    /// Opens one that is expected to be opened, and works on it until it can be paid.
    pub(crate) fn payable(&mut self, candidate: CandidateId, paper: Paper) -> OrderId {
        let verdict = self.open(candidate, paper, Method::Alipay);
        assert!(matches!(verdict, OrderVerdict::Open(_)), "{verdict:?}");
        let order = self.orders().map(Order::id).max().unwrap();
        assert_eq!(self.work(order, Fate::Done), Step::Attach);
        assert_eq!(self.work(order, Fate::Done), Step::Create);
        order
    }

    /// Li claims and pays.
    pub(crate) fn buy(&mut self, desk: usize, paper: Paper) -> OrderId {
        self.claim(desk, LI, OnFull::Reject);
        let order = self.payable(LI, paper);
        self.provider.pay(order, self.now());
        self.deliver();
        self.work_off(order);
        order
    }

    /// Does what is to be done until nothing is left for now.
    pub(crate) fn work_off(&mut self, order: OrderId) {
        while !matches!(self.work(order, Fate::Done), Step::Nothing { .. }) {
            self.follow(self.order(order).candidate());
        }
    }

    pub(crate) fn next_step(&self, order: OrderId) -> Step {
        let none = Attempts::default();
        let attempts = self.attempts.get(&order).unwrap_or(&none);
        self.order(order).next_step(self.now(), attempts)
    }

    /// Does the next step of an order.
    pub(crate) fn work(&mut self, id: OrderId, fate: Fate) -> Step {
        let (step, now) = (self.next_step(id), self.now());
        self.attempts.entry(id).or_default().note(step, now);
        let command = match step {
            Step::Attach => Some(self.attach(id, fate)),
            Step::Create => {
                let order = self.order(id).clone();
                let made = self.provider.create(&order, now);
                made.map(|()| payment::Command::Created {
                    pay_url: "https://pay.example".into(),
                })
            }
            Step::Query => self.provider.query(id, now).map(payment::Command::Hear),
            Step::Close => self.provider.close(id, now).map(payment::Command::Hear),
            Step::Pay => Some(self.pay(id, fate)),
            Step::Detach => Some(self.detach(id, fate)),
            Step::TakeBack(refund) => {
                let asked = self.order(id).refund(refund).unwrap().clone();
                let (by, reason) = asked.cause.by();
                let (desk, claim) = self.place(asked.claim.unwrap());
                let order = id;
                let take_back = Command::Refund {
                    claim,
                    order,
                    by,
                    reason,
                };
                assert_eq!(self.command(desk, &take_back), Answer::Done);
                Some(payment::Command::SeatBack { refund })
            }
            Step::Refund(refund) => {
                let amount = self.order(id).refund(refund).unwrap().amount;
                let heard = self.provider.refund(refund, amount);
                heard.map(|heard| payment::Command::HearRefund { refund, heard })
            }
            Step::QueryRefund(refund) => {
                let heard = self.provider.query_refund(refund);
                heard.map(|heard| payment::Command::HearRefund { refund, heard })
            }
            Step::Nothing { .. } => None,
        };
        if let (Fate::Done, Some(command)) = (fate, command) {
            self.tell(id, &command).unwrap();
        }
        step
    }

    /// Tells the pools of an order something; a crash comes after the first.
    fn tell_pools(
        &mut self,
        id: OrderId,
        fate: Fate,
        command: impl Fn(ClaimNumber) -> Command,
    ) -> Vec<(ClaimId, Refusal)> {
        let claims: Vec<ClaimId> = self
            .order(id)
            .claims()
            .iter()
            .map(|ordered| ordered.claim)
            .collect();
        let reached = if fate == Fate::CutOff { 1 } else { claims.len() };
        let mut refused = Vec::new();
        for claim in claims.into_iter().take(reached) {
            let (desk, number) = self.place(claim);
            if let Answer::Refused(refusal) = self.command(desk, &command(number)) {
                refused.push((claim, refusal));
            }
        }
        refused
    }

    fn attach(&mut self, order: OrderId, fate: Fate) -> payment::Command {
        let refused = self.tell_pools(order, fate, |claim| Command::Attach {
            claim,
            order,
            margin: MARGIN,
        });
        if refused.is_empty() {
            payment::Command::Place
        } else {
            payment::Command::GiveUp
        }
    }

    fn pay(&mut self, order: OrderId, fate: Fate) -> payment::Command {
        let refused = self.tell_pools(order, fate, |claim| Command::Pay { claim, order });
        payment::Command::Settle {
            refused: refused.into_iter().collect(),
        }
    }

    fn detach(&mut self, order: OrderId, fate: Fate) -> payment::Command {
        let refused = self.tell_pools(order, fate, |claim| Command::Detach { claim, order });
        assert_eq!(refused, []);
        payment::Command::Release
    }

    /// Hears a verified answer; one about an order that there is not is nobody's.
    pub(crate) fn hear(&mut self, order: OrderId, heard: Heard) {
        if self.orders().all(|known| known.id() != order) {
            return;
        }
        self.tell(order, &payment::Command::Hear(heard)).unwrap();
    }

    /// The provider says something that is not so. That it does not know an order is no lie until the grace is over.
    pub(crate) fn lie(&mut self, order: OrderId, heard: Heard) {
        let is_over = self.now() >= self.order(order).expires_at() + GRACE;
        if let Some(bill) = self.provider.bills.get_mut(&order) {
            bill.lied |= heard == Heard::Closed || (heard == Heard::Unknown && is_over);
        }
        self.hear(order, heard);
    }

    /// Delivers all that the provider has to say.
    pub(crate) fn deliver(&mut self) {
        for (order, heard) in std::mem::take(&mut self.provider.notifications) {
            self.hear(order, heard);
        }
    }

    /// What follows for a candidate's orders from what is known of the claims; whether there was anything.
    pub(crate) fn follow(&mut self, candidate: CandidateId) -> bool {
        let state = self.candidate(candidate);
        let close: Vec<_> = state.orders_to_close().collect();
        let refund: Vec<_> = state.refunds_to_ask().collect();
        for (order, why) in &close {
            self.tell(*order, &payment::Command::Close { why: *why }).unwrap();
        }
        for (order, claim) in &refund {
            let (claim, cause) = (*claim, RefundCause::WithoutWritten);
            self.tell(*order, &payment::Command::AskRefund { claim, cause })
                .unwrap();
        }
        !close.is_empty() || !refund.is_empty()
    }

    pub(crate) fn staff_refund(&mut self, order: OrderId, claim: ClaimId) -> Result<(), Refusal> {
        let candidate = self.order(order).candidate();
        self.candidate(candidate).may_refund(order, claim)?;
        let cause = RefundCause::Staff {
            by: By::Staff("t-1".into()),
            reason: "system fault".into(),
        };
        self.tell(order, &payment::Command::AskRefund { claim, cause })
    }

    pub(crate) fn delete_enrolment(&mut self, candidate: CandidateId) -> Result<(), Refusal> {
        for claim in self.candidate(candidate).may_delete_enrolment()? {
            let (desk, claim) = self.place(claim);
            let cause = RemovalCause::WithEnrolment;
            self.command(desk, &Command::Remove { claim, cause });
        }
        let by = By::Candidate;
        self.record_registration(registration::Event::EnrolmentDeleted { candidate, by });
        Ok(())
    }

    pub(crate) fn tell(&mut self, order: OrderId, command: &payment::Command) -> Result<(), Refusal> {
        let events = self.order(order).decide(command, self.now())?;
        for event in events {
            self.record(event);
        }
        self.order(order).check().unwrap();
        Ok(())
    }

    fn record(&mut self, event: payment::Event) {
        let (now, (_, candidate)) = (self.now(), event.order());
        self.town
            .candidates
            .get_mut(&candidate)
            .unwrap()
            .evolve_order(&event, now);
        self.write(None, &cell::Event::from(event));
    }

    fn record_registration(&mut self, event: registration::Event) {
        let (now, candidate) = (self.now(), event.candidate().unwrap());
        self.town
            .candidates
            .get_mut(&candidate)
            .unwrap()
            .evolve(&event, now);
        self.write(None, &cell::Event::from(event));
    }

    fn write(&mut self, desk: Option<usize>, event: &cell::Event) {
        let line = (self.now(), desk, event.kind().into(), event.payload().unwrap());
        self.journal.push(line);
    }

    fn keep(&mut self, events: Vec<(usize, seats::Event)>) {
        for (desk, event) in events {
            self.judge(desk, &event);
            let line = (
                self.now(),
                Some(desk),
                event.kind().into(),
                event.payload().unwrap(),
            );
            self.journal.push(line);
        }
    }

    pub(crate) fn claim_id(&self, desk: usize, number: ClaimNumber) -> ClaimId {
        ClaimId {
            pool: self.town.desks[desk].facts.id,
            number,
        }
    }

    fn place(&self, claim: ClaimId) -> (usize, ClaimNumber) {
        let mut desks = self.town.desks.iter();
        let desk = desks.position(|desk| desk.facts.id == claim.pool).unwrap();
        (desk, claim.number)
    }

    /// How many refunds are at which state, over all orders.
    pub(crate) fn refund_states(&self) -> Vec<RefundState> {
        let refunds = self.orders().flat_map(Order::refunds);
        refunds.map(|refund| refund.state).collect()
    }
}
