//! What everybody but its actor sees of a pool: its address and its published numbers.
//!
//! Published means durable: the numbers and the queue change after their events are committed, in their order.
//! Readers never enter a mailbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use actix::Addr;
use kaowei_core::audit::ChainHead;
use kaowei_core::ids::{ClaimNumber, Fen};
use kaowei_core::seats::{Event, Pool, PoolFacts, Waitlist};
use kaowei_core::sites::Terms;
use kaowei_core::time::Moment;
use parking_lot::RwLock;

use super::{Ask, PoolActor};
use crate::failure::Failure;
use crate::journal::Sealed;
use crate::views::PoolView;

/// The pools of one campus.
#[derive(Debug)]
pub(crate) struct Campus {
    pub(crate) pools: RwLock<Vec<Arc<PoolHandle>>>,
    version: AtomicU64,
}

impl Campus {
    pub(crate) fn new() -> Self {
        Self {
            pools: RwLock::default(),
            version: AtomicU64::new(1),
        }
    }

    /// Changes whenever anything published about its pools does.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// A pool's numbers at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) capacity: u32,
    pub(crate) open: bool,
    pub(crate) draining: bool,
    pub(crate) held: u32,
    pub(crate) paid: u32,
    pub(crate) waiting: u32,
    pub(crate) fee: Fen,
    pub(crate) exam_date: Option<Arc<str>>,
    pub(crate) has_seat: bool,
}

impl From<&Pool> for Numbers {
    fn from(pool: &Pool) -> Self {
        let settings = pool.settings();
        Self {
            capacity: settings.capacity,
            open: settings.open,
            draining: settings.draining,
            held: pool.held(),
            paid: pool.paid(),
            waiting: pool.waiting(),
            fee: settings.fee,
            exam_date: settings.exam_date.clone(),
            has_seat: pool.has_seat(),
        }
    }
}

#[derive(Debug)]
struct Published {
    numbers: Numbers,
    waitlist: Waitlist,
    head: ChainHead,
}

/// A pool as others see it.
#[derive(Debug)]
pub(crate) struct PoolHandle {
    pub(crate) facts: PoolFacts,
    /// The name of its stream: its id.
    pub(crate) stream: Arc<str>,
    pub(crate) campus: Arc<Campus>,
    terms: RwLock<Terms>,
    address: RwLock<Option<Addr<PoolActor>>>,
    life: AtomicU32,
    depth: AtomicU32,
    published: RwLock<Published>,
}

impl PoolHandle {
    pub(crate) fn new(
        facts: PoolFacts,
        campus: Arc<Campus>,
        terms: Terms,
        pool: &Pool,
        head: ChainHead,
    ) -> Self {
        let published = Published {
            numbers: pool.into(),
            waitlist: pool.waitlist().clone(),
            head,
        };
        Self {
            facts,
            stream: facts.id.to_string().into(),
            campus,
            terms: RwLock::new(terms),
            address: RwLock::new(None),
            life: AtomicU32::new(1),
            depth: AtomicU32::new(0),
            published: RwLock::new(published),
        }
    }

    /// The times that it decides by.
    pub(crate) fn terms(&self) -> Terms {
        *self.terms.read()
    }

    pub(crate) fn set_terms(&self, terms: Terms) {
        *self.terms.write() = terms;
        self.campus.changed();
    }

    /// Which of its actors is in charge.
    pub(crate) fn life(&self) -> u32 {
        self.life.load(Ordering::Acquire)
    }

    /// Puts the actor in charge out of it: what it decided and is not durable is dropped.
    pub(crate) fn end_life(&self) -> u32 {
        let mut address = self.address.write();
        *address = None;
        self.life.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Puts the actor of that life in charge, unless a later one has been called for.
    pub(crate) fn put_in_charge(&self, life: u32, actor: Addr<PoolActor>) {
        let mut address = self.address.write();
        if self.life() == life {
            *address = Some(actor);
        }
    }

    /// Lets the actor end.
    pub(crate) fn forget_address(&self) {
        *self.address.write() = None;
    }

    /// Asks the actor something.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while the pool is being rebuilt.
    pub(crate) fn ask(&self, ask: Ask) -> Result<(), Failure> {
        let address = self.address.read();
        let address = address.as_ref().ok_or(Failure::StoreUnavailable)?;
        self.depth.fetch_add(1, Ordering::Relaxed);
        address.try_send(ask).map_err(|_| {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            Failure::StoreUnavailable
        })
    }

    /// How many wait in its mailbox.
    pub(crate) fn depth(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    pub(crate) fn took_one(&self) {
        self.depth.fetch_sub(1, Ordering::Relaxed);
    }

    /// Publishes what is now durable.
    pub(crate) fn publish(&self, events: &[Sealed], numbers: Numbers) {
        let mut published = self.published.write();
        for sealed in events {
            match &sealed.event {
                Event::ClaimQueued { claim, .. } => published.waitlist.push(*claim),
                Event::ClaimPromoted { claim, .. }
                | Event::ClaimWithdrawn { claim, .. }
                | Event::ClaimRemoved { claim, .. }
                | Event::ClaimLapsed { claim, .. } => {
                    published.waitlist.remove(*claim);
                }
                Event::PoolCreated { .. }
                | Event::CapacitySet { .. }
                | Event::PoolOpened { .. }
                | Event::PoolClosed { .. }
                | Event::TermsSet { .. }
                | Event::ClaimHeld { .. }
                | Event::ClaimCancelled { .. }
                | Event::ClaimExpired { .. }
                | Event::ClaimPaid { .. }
                | Event::ClaimRefunded { .. }
                | Event::OrderAttached { .. }
                | Event::OrderDetached { .. }
                | Event::CancellationAsked { .. }
                | Event::RemovalAsked { .. }
                | Event::DeadlineExtended { .. }
                | Event::KeyRemembered { .. } => {}
            }
            published.head = ChainHead {
                sequence: sealed.seal.sequence,
                hash: sealed.seal.hash,
            };
        }
        published.numbers = numbers;
        drop(published);
        self.campus.changed();
    }

    /// Publishes a pool that was read from the store again.
    pub(crate) fn republish(&self, pool: &Pool, head: ChainHead) {
        *self.published.write() = Published {
            numbers: pool.into(),
            waitlist: pool.waitlist().clone(),
            head,
        };
        self.campus.changed();
    }

    /// The place of a waiting claim, from 1.
    pub(crate) fn position(&self, claim: ClaimNumber) -> Option<u32> {
        self.published.read().waitlist.position(claim)
    }

    /// The published numbers.
    pub(crate) fn numbers(&self) -> Numbers {
        self.published.read().numbers.clone()
    }

    /// What a change of the capacity would promote, head first.
    pub(crate) fn preview(&self, capacity: u32, now: Moment) -> Vec<ClaimNumber> {
        if now >= self.terms().waitlist_closes_at {
            return Vec::new();
        }
        let published = self.published.read();
        let numbers = &published.numbers;
        let free = capacity.saturating_sub(numbers.held + numbers.paid);
        let seats = if numbers.open {
            usize::try_from(free).unwrap_or(usize::MAX)
        } else {
            0
        };
        published.waitlist.iter().take(seats).collect()
    }

    /// All that is published about it.
    pub(crate) fn view(&self, now: Moment) -> PoolView {
        let published = self.published.read();
        PoolView::new(
            self.facts,
            self.terms(),
            &published.numbers,
            published.head.sequence,
            now,
        )
    }
}
