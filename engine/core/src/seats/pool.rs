//! One pool: the seats of one subject at one campus in one sitting.
//!
//! Decides in order of arrival (R14): a seat while `held + paid` is below the capacity and nobody waits, else a
//! place in the queue for those who asked for one (R19), else a refusal. A released seat goes to the head of the
//! queue in the same step (R21). Pure: `now` is an argument; the journal makes events durable before anyone hears
//! the reply.
//!
//! A hold that an order is attached to is never expired, cancelled or given away: whatever is to become of it waits
//! until the order has ended, and a verified payment goes before all of that (R17, R27). Attachments are few and short,
//! so they lie beside the claims and not in each of them.
//!
//! Invariants: I1 never oversold, I2 first in first out, I3 no seat idle while somebody waits, I7 counters agree,
//! I10 events fit, I12 a seat with an open order stays.
//!
//! Here are its parts and the one way in which a live pool changes; `pool/decide.rs` says what would happen,
//! `pool/evolve.rs` makes it so, `pool/check.rs` knows what must never be.
//!
//! Deliberately absent: whether the candidate may ask at all (R8–R13, `registration/candidate.rs`), when an order has
//! ended (`payment/order.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::command::{Command, Expiry};
use super::{Attachment, ClaimState, Deadlines, Event, Refusal, Waitlist};
use crate::ids::{CandidateId, ClaimNumber, Fen};
use crate::invariant::Breach;
use crate::sites::Terms;
use crate::time::Moment;

mod check;
mod decide;
mod evolve;

/// Most decisions make one event, a release that promotes two.
pub type Events = SmallVec<[Event; 2]>;

/// What staff set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Its seats.
    pub capacity: u32,
    /// Whether it takes claims.
    pub open: bool,
    /// Whether more seats are taken than there are, so that released ones vanish (R34).
    pub draining: bool,
    /// What a seat costs.
    pub fee: Fen,
    /// When the exam is sat, as the school wrote it.
    pub exam_date: Option<Arc<str>>,
}

impl Settings {
    /// Those of a pool before its first event: no seats, closed.
    pub fn none() -> Self {
        Self {
            capacity: 0,
            open: false,
            draining: false,
            fee: Fen(0),
            exam_date: None,
        }
    }
}

/// One claim as its pool knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Whose.
    pub candidate: CandidateId,
    /// How it stands.
    pub state: ClaimState,
}

/// What deciding came to. What was due by then happens first, in both cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What happens, in order: first what was due, then what was asked.
    pub events: Events,
    /// Whether what was asked was done.
    pub outcome: Result<(), Refusal>,
}

/// The decider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pool {
    settings: Settings,
    held: u32,
    paid: u32,
    /// By number, from 1.
    claims: Vec<Claim>,
    waitlist: Waitlist,
    /// Of the holds that no order is attached to.
    deadlines: Deadlines,
    attached: BTreeMap<ClaimNumber, Attachment>,
}

impl Pool {
    /// An empty pool with those settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            held: 0,
            paid: 0,
            claims: Vec::new(),
            waitlist: Waitlist::default(),
            deadlines: Deadlines::default(),
            attached: BTreeMap::new(),
        }
    }

    /// A pool as a checkpoint kept it: claims in the order of their numbers, and the orders that some are attached to.
    pub fn restore(
        settings: Settings,
        claims: impl IntoIterator<Item = Claim>,
        attached: impl IntoIterator<Item = (ClaimNumber, Attachment)>,
    ) -> Self {
        let mut pool = Self::new(settings);
        pool.attached = attached.into_iter().collect();
        for claim in claims {
            pool.claims.push(claim);
            pool.enter(pool.last_number(), claim.state);
        }
        pool.end_draining();
        pool
    }

    /// What staff set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Seats held, unpaid.
    pub fn held(&self) -> u32 {
        self.held
    }

    /// Seats paid.
    pub fn paid(&self) -> u32 {
        self.paid
    }

    /// How many wait.
    pub fn waiting(&self) -> u32 {
        self.waitlist.len()
    }

    /// The queue.
    pub fn waitlist(&self) -> &Waitlist {
        &self.waitlist
    }

    /// A claim by its number.
    pub fn claim(&self, number: ClaimNumber) -> Option<&Claim> {
        self.claims.get(usize::try_from(number.0).ok()?.checked_sub(1)?)
    }

    /// All claims ever made, in order.
    pub fn claims(&self) -> impl Iterator<Item = (ClaimNumber, &Claim)> {
        (1..).map(ClaimNumber).zip(&self.claims)
    }

    /// The order that a hold is attached to.
    pub fn attachment(&self, number: ClaimNumber) -> Option<&Attachment> {
        self.attached.get(&number)
    }

    /// The holds that orders are attached to, in order.
    pub fn attachments(&self) -> impl Iterator<Item = (ClaimNumber, &Attachment)> {
        self.attached
            .iter()
            .map(|(number, attachment)| (*number, attachment))
    }

    /// Whether a newcomer would get a seat now.
    pub fn has_seat(&self) -> bool {
        self.settings.open && self.free() > 0 && self.waitlist.is_empty()
    }

    /// When something is due next: the earliest deadline, or the end of promotions while somebody waits. At once
    /// when a seat lies idle before a queue, as after staff have moved an end of promotions that had passed.
    pub fn next_due(&self, terms: &Terms) -> Option<Moment> {
        if self.has_idle_seat() {
            return Some(Moment::MIN);
        }
        let lapse = (!self.waitlist.is_empty()).then_some(terms.waitlist_closes_at);
        [self.deadlines.earliest(), lapse].into_iter().flatten().min()
    }

    /// What a change of the capacity would promote, head first (R34).
    pub fn preview(&self, capacity: u32) -> impl Iterator<Item = ClaimNumber> {
        let free = capacity.saturating_sub(self.taken());
        let promoted = if self.settings.open {
            usize::try_from(free).unwrap_or(usize::MAX)
        } else {
            0
        };
        self.waitlist.iter().take(promoted)
    }

    /// Does what is due, then decides a command and makes it so: the one way in which a live pool changes.
    ///
    /// # Errors
    /// A [`Breach`] when the state after it is one that must never be; nothing of it may then become durable.
    pub fn handle(
        &mut self,
        command: &Command,
        terms: &Terms,
        now: Moment,
        expiry: Expiry,
    ) -> Result<Decision, Breach> {
        let mut events = match expiry {
            Expiry::Running => self.due(terms, now),
            Expiry::Suspended => Events::new(),
        };
        self.happen(&events)?;
        let outcome = match self.decide(command, terms, now) {
            Ok(decided) => {
                self.happen(&decided)?;
                events.extend(decided);
                self.expire_detached(command, terms, now, expiry, &mut events)?;
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        self.check()?;
        Ok(Decision { events, outcome })
    }

    /// A hold whose deadline passed while its order was open goes in the step that lets it go (R27).
    fn expire_detached(
        &mut self,
        command: &Command,
        terms: &Terms,
        now: Moment,
        expiry: Expiry,
        events: &mut Events,
    ) -> Result<(), Breach> {
        if expiry == Expiry::Suspended || !matches!(command, Command::Detach { .. }) {
            return Ok(());
        }
        let due = self.due(terms, now);
        self.happen(&due)?;
        events.extend(due);
        Ok(())
    }

    fn happen(&mut self, events: &[Event]) -> Result<(), Breach> {
        for event in events {
            self.fits(event)?;
            self.evolve(event);
        }
        Ok(())
    }

    fn has_idle_seat(&self) -> bool {
        self.settings.open && self.free() > 0 && !self.waitlist.is_empty()
    }

    fn taken(&self) -> u32 {
        self.held + self.paid
    }

    fn free(&self) -> u32 {
        self.settings.capacity.saturating_sub(self.taken())
    }

    fn last_number(&self) -> ClaimNumber {
        ClaimNumber(u32::try_from(self.claims.len()).unwrap_or(u32::MAX))
    }

    fn next_number(&self) -> ClaimNumber {
        ClaimNumber(self.last_number().0.saturating_add(1))
    }

    fn find(&self, number: ClaimNumber) -> Result<&Claim, Refusal> {
        self.claim(number).ok_or(Refusal::UnknownClaim)
    }
}
