//! A pool as one would write it without a thought for speed: a list of claims and a loop over it. What the real one
//! is compared with.

use std::collections::BTreeMap;

use kaowei_core::ids::{CandidateId, ClaimNumber, OrderId};
use kaowei_core::seats::{
    By, Change, ClaimState, Command, Event, Expiry, Freed, Gone, OnFull, Pool, Refusal, WhenShort,
};
use kaowei_core::sites::{Paper, Terms};
use kaowei_core::time::Moment;

/// One thing that happened: what, to which claim, and the deadline or place given.
pub(crate) type Happened = (&'static str, u32, Option<Moment>);

/// How a claim is to go, and in which words.
type End = (Gone, &'static str);

#[derive(Debug, Clone)]
pub(crate) struct Naive {
    capacity: u32,
    open: bool,
    claims: Vec<(CandidateId, ClaimState)>,
    /// The orders that holds are kept for, and what is to happen to each when it ends.
    orders: BTreeMap<u32, (OrderId, Option<End>)>,
    happened: Vec<Happened>,
}

impl Naive {
    pub(crate) fn new(capacity: u32, open: bool) -> Self {
        Self {
            capacity,
            open,
            claims: Vec::new(),
            orders: BTreeMap::new(),
            happened: Vec::new(),
        }
    }

    fn count(&self, wanted: impl Fn(ClaimState) -> bool) -> u32 {
        u32::try_from(self.claims.iter().filter(|(_, state)| wanted(*state)).count()).unwrap()
    }

    fn taken(&self) -> u32 {
        self.count(|state| matches!(state, ClaimState::Held { .. } | ClaimState::Paid { .. }))
    }

    fn waiting(&self) -> Vec<u32> {
        let numbered = (1..).zip(&self.claims);
        numbered
            .filter(|(_, (_, state))| *state == ClaimState::Waiting)
            .map(|(number, _)| number)
            .collect()
    }

    fn state(&self, number: u32) -> Option<ClaimState> {
        let index = usize::try_from(number).unwrap().checked_sub(1)?;
        self.claims.get(index).map(|(_, state)| *state)
    }

    fn put(&mut self, number: u32, state: ClaimState, what: &'static str) {
        self.claims[usize::try_from(number).unwrap() - 1].1 = state;
        self.happened.push((what, number, state.held_until()));
    }

    fn promote_while_there_are_seats(&mut self, terms: &Terms, now: Moment) {
        while self.open && now < terms.waitlist_closes_at && self.taken() < self.capacity {
            let Some(head) = self.waiting().first().copied() else {
                return;
            };
            let until = terms.deadline(now);
            self.put(head, ClaimState::Held { until }, "promoted");
        }
    }

    fn catch_up(&mut self, terms: &Terms, now: Moment) {
        self.promote_while_there_are_seats(terms, now);
        let mut due: Vec<(Moment, u32)> = (1..)
            .zip(&self.claims)
            .filter_map(|(number, (_, state))| Some((state.held_until()?, number)))
            .filter(|(until, number)| *until <= now && !self.orders.contains_key(number))
            .collect();
        due.sort_unstable();
        for (_, number) in due {
            self.put(number, ClaimState::Gone(Gone::Expired), "expired");
            self.promote_while_there_are_seats(terms, now);
        }
        if now >= terms.waitlist_closes_at {
            for number in self.waiting() {
                self.put(number, ClaimState::Gone(Gone::Lapsed), "lapsed");
            }
        }
    }

    /// Does what is due and then what is asked.
    pub(crate) fn handle(
        &mut self,
        command: &Command,
        terms: &Terms,
        now: Moment,
        expiry: Expiry,
    ) -> (Vec<Happened>, Result<(), Refusal>) {
        self.happened.clear();
        if expiry == Expiry::Running {
            self.catch_up(terms, now);
        }
        let outcome = self.obey(command, terms, now, expiry);
        (self.happened.clone(), outcome)
    }

    #[expect(clippy::too_many_lines, reason = "one arm a command")]
    fn obey(&mut self, command: &Command, terms: &Terms, now: Moment, expiry: Expiry) -> Result<(), Refusal> {
        match command {
            Command::Claim {
                candidate, on_full, ..
            } => return self.claim(*candidate, *on_full, terms, now),
            Command::Cancel { claim, reason, .. } => {
                match self.state(claim.0).ok_or(Refusal::UnknownClaim)? {
                    ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid),
                    ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
                    ClaimState::Waiting if reason.is_none() => return Err(Refusal::ReasonRequired),
                    ClaimState::Waiting => {
                        self.put(claim.0, ClaimState::Gone(Gone::Withdrawn), "withdrawn");
                    }
                    ClaimState::Held { .. } if self.orders.contains_key(&claim.0) => {
                        self.keep(claim.0, (Gone::Cancelled, "cancelled"), "cancellation asked");
                    }
                    ClaimState::Held { .. } => {
                        self.put(claim.0, ClaimState::Gone(Gone::Cancelled), "cancelled");
                        self.promote_one(terms, now);
                    }
                }
            }
            Command::Remove { claim, .. } => {
                let before = self.state(claim.0).ok_or(Refusal::UnknownClaim)?;
                if self.orders.contains_key(&claim.0) {
                    self.keep(claim.0, (Gone::Removed, "removed from a seat"), "removal asked");
                    return Ok(());
                }
                if before.is_active() && !matches!(before, ClaimState::Paid { .. }) {
                    let seat = before.held_until().is_some();
                    let what = if seat {
                        "removed from a seat"
                    } else {
                        "removed from the queue"
                    };
                    self.put(claim.0, ClaimState::Gone(Gone::Removed), what);
                }
                if before.held_until().is_some() {
                    self.promote_one(terms, now);
                }
            }
            Command::Attach { claim, order, margin } => {
                match self.state(claim.0).ok_or(Refusal::UnknownClaim)? {
                    ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid),
                    ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
                    ClaimState::Waiting => return Err(Refusal::NothingDue),
                    ClaimState::Held { until } => match self.orders.get(&claim.0) {
                        Some((other, _)) if other != order => return Err(Refusal::OrderUnresolved(*other)),
                        Some(_) => {}
                        None if until < now + *margin => return Err(Refusal::HoldEnding),
                        None => {
                            self.orders.insert(claim.0, (*order, None));
                            self.happened.push(("attached", claim.0, None));
                        }
                    },
                }
            }
            Command::Detach { claim, order } => {
                self.state(claim.0).ok_or(Refusal::UnknownClaim)?;
                self.detach(claim.0, *order, terms, now, expiry);
            }
            Command::Pay { claim, order } => match self.state(claim.0).ok_or(Refusal::UnknownClaim)? {
                ClaimState::Held { .. } => {
                    self.orders.remove(&claim.0);
                    self.put(claim.0, ClaimState::Paid { order: *order }, "paid");
                }
                ClaimState::Paid { order: other } if other == *order => {}
                ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid),
                ClaimState::Waiting | ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
            },
            Command::Refund { claim, order, .. } => {
                match self.state(claim.0).ok_or(Refusal::UnknownClaim)? {
                    ClaimState::Paid { order: other } if other == *order => {
                        self.put(claim.0, ClaimState::Gone(Gone::Refunded), "refunded");
                        self.promote_one(terms, now);
                    }
                    ClaimState::Gone(Gone::Refunded) => {}
                    ClaimState::Gone(_) => return Err(Refusal::AlreadyGone),
                    ClaimState::Paid { .. } | ClaimState::Held { .. } | ClaimState::Waiting => {
                        return Err(Refusal::NothingDue);
                    }
                }
            }
            Command::Extend {
                claim,
                held_until,
                by,
                ..
            } => {
                let state = self.state(claim.0).ok_or(Refusal::UnknownClaim)?;
                let limit = if *by == By::System {
                    Moment::MAX
                } else {
                    terms.payment_closes_at
                };
                let until = (*held_until).min(limit);
                if state.held_until().is_some_and(|before| before < until) {
                    self.put(claim.0, ClaimState::Held { until }, "extended");
                }
            }
            Command::Change { change, .. } => return self.change(change, terms, now),
            Command::CatchUp | Command::Remember { .. } => {}
        }
        Ok(())
    }

    fn keep(&mut self, number: u32, end: End, what: &'static str) {
        if let Some((_, kept @ None)) = self.orders.get_mut(&number) {
            *kept = Some(end);
            self.happened.push((what, number, None));
        }
    }

    fn detach(&mut self, number: u32, order: OrderId, terms: &Terms, now: Moment, expiry: Expiry) {
        if self.orders.get(&number).is_none_or(|(other, _)| *other != order) {
            return;
        }
        self.happened.push(("detached", number, None));
        if let Some((_, Some((gone, what)))) = self.orders.remove(&number) {
            self.put(number, ClaimState::Gone(gone), what);
            self.promote_one(terms, now);
        }
        if expiry == Expiry::Running {
            self.catch_up(terms, now);
        }
    }

    /// A release hands on one seat, its own; what else lies idle is for the next catching up.
    fn promote_one(&mut self, terms: &Terms, now: Moment) {
        let Some(head) = self.waiting().first().copied() else {
            return;
        };
        if self.open && now < terms.waitlist_closes_at && self.taken() < self.capacity {
            let until = terms.deadline(now);
            self.put(head, ClaimState::Held { until }, "promoted");
        }
    }

    fn claim(
        &mut self,
        candidate: CandidateId,
        on_full: OnFull,
        terms: &Terms,
        now: Moment,
    ) -> Result<(), Refusal> {
        let number = u32::try_from(self.claims.len()).unwrap() + 1;
        let nobody_waits = self.waiting().is_empty();
        let early_oral = terms.paper == Paper::Oral && on_full == OnFull::Waitlist;
        if now < terms.opens_at || terms.closes_at <= now {
            Err(Refusal::OutsideWindow)
        } else if !self.open && !early_oral {
            Err(Refusal::PoolClosed)
        } else if self.open && nobody_waits && self.taken() < self.capacity {
            let until = terms.deadline(now);
            self.claims.push((candidate, ClaimState::Waiting));
            self.put(number, ClaimState::Held { until }, "held");
            Ok(())
        } else if on_full == OnFull::Reject {
            Err(Refusal::PoolFull)
        } else if now >= terms.waitlist_closes_at {
            Err(Refusal::WaitlistClosed)
        } else {
            self.claims.push((candidate, ClaimState::Waiting));
            self.put(number, ClaimState::Waiting, "queued");
            Ok(())
        }
    }

    fn change(&mut self, change: &Change, terms: &Terms, now: Moment) -> Result<(), Refusal> {
        let capacity = change.capacity.unwrap_or(self.capacity);
        if capacity < self.capacity && capacity < self.taken() && change.when_short == WhenShort::Refuse {
            return Err(Refusal::CapacityBelowTaken {
                held: self.count(|state| matches!(state, ClaimState::Held { .. })),
                paid: self.count(|state| matches!(state, ClaimState::Paid { .. })),
            });
        }
        if capacity != self.capacity {
            self.capacity = capacity;
            self.happened.push(("capacity", capacity, None));
        }
        let open = change.open.unwrap_or(self.open);
        if open != self.open {
            self.open = open;
            self.happened
                .push((if open { "opened" } else { "closed" }, 0, None));
        }
        self.promote_while_there_are_seats(terms, now);
        Ok(())
    }

    /// What differs between the two, if anything does.
    pub(crate) fn difference(&self, pool: &Pool) -> Option<String> {
        let waiting = self.waiting();
        let settings = pool.settings();
        let numbers = [
            ("capacity", self.capacity, settings.capacity),
            (
                "held",
                self.count(|state| matches!(state, ClaimState::Held { .. })),
                pool.held(),
            ),
            (
                "paid",
                self.count(|state| matches!(state, ClaimState::Paid { .. })),
                pool.paid(),
            ),
            ("waiting", u32::try_from(waiting.len()).unwrap(), pool.waiting()),
            (
                "claims",
                u32::try_from(self.claims.len()).unwrap(),
                u32::try_from(pool.claims().count()).unwrap(),
            ),
        ];
        if let Some((what, naive, real)) = numbers.iter().find(|(_, naive, real)| naive != real) {
            return Some(format!("{what}: {real} where {naive} was expected"));
        }
        let flags = (self.open, self.taken() > self.capacity);
        if flags != (settings.open, settings.draining) {
            return Some(format!(
                "open, draining: {settings:?} where {flags:?} was expected"
            ));
        }
        for ((number, claim), (candidate, state)) in pool.claims().zip(&self.claims) {
            if (claim.candidate, claim.state) != (*candidate, *state) {
                return Some(format!(
                    "claim {}: {claim:?} where {state:?} was expected",
                    number.0
                ));
            }
        }
        let mut places = (1..).zip(&waiting);
        let wrong =
            places.find(|(place, number)| pool.waitlist().position(ClaimNumber(**number)) != Some(*place));
        wrong.map(|(place, number)| format!("claim {number} is not at place {place}"))
    }
}

/// An event in the model's words.
pub(crate) fn happened(event: &Event) -> Happened {
    let number = event.claim().map_or(0, |(claim, _)| claim.0);
    match event {
        Event::ClaimHeld { held_until, .. } => ("held", number, Some(*held_until)),
        Event::ClaimQueued { .. } => ("queued", number, None),
        Event::ClaimPromoted { held_until, .. } => ("promoted", number, Some(*held_until)),
        Event::ClaimCancelled { .. } => ("cancelled", number, None),
        Event::ClaimWithdrawn { .. } => ("withdrawn", number, None),
        Event::ClaimExpired { .. } => ("expired", number, None),
        Event::ClaimRemoved {
            freed: Freed::Seat, ..
        } => ("removed from a seat", number, None),
        Event::ClaimRemoved {
            freed: Freed::Place, ..
        } => ("removed from the queue", number, None),
        Event::ClaimPaid { .. } => ("paid", number, None),
        Event::ClaimRefunded { .. } => ("refunded", number, None),
        Event::OrderAttached { .. } => ("attached", number, None),
        Event::OrderDetached { .. } => ("detached", number, None),
        Event::CancellationAsked { .. } => ("cancellation asked", number, None),
        Event::RemovalAsked { .. } => ("removal asked", number, None),
        Event::ClaimLapsed { .. } => ("lapsed", number, None),
        Event::DeadlineExtended { held_until, .. } => ("extended", number, Some(*held_until)),
        Event::CapacitySet { capacity, .. } => ("capacity", *capacity, None),
        Event::PoolOpened { .. } => ("opened", 0, None),
        Event::PoolClosed { .. } => ("closed", 0, None),
        Event::PoolCreated { .. } | Event::TermsSet { .. } | Event::KeyRemembered { .. } => {
            panic!("no step makes {event:?}")
        }
    }
}
