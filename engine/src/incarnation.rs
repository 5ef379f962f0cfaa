//! All that is in memory between one recovery and the next: pools, candidates, the catalogue.
//!
//! Made from the store by recovery, changed only by committed events. When a commit's outcome is unknown the whole
//! incarnation is dropped, with all that was decided on top of that commit, and the next is read from the store.

mod cascade;
mod expiry;
mod publish;
mod reminders;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix::Actor;
use actix_rt::ArbiterHandle;
use arc_swap::ArcSwap;
use dashmap::DashMap;
use futures_util::FutureExt;
use kaowei_core::audit::ChainHead;
use kaowei_core::cell;
use kaowei_core::ids::{CampusCode, CandidateId, Cell, OrderId, PoolId, RecordId};
use kaowei_core::registration::{Candidate, StaffAccounts};
use kaowei_core::seats::{Command, Pool, PoolFacts};
use kaowei_core::sites::Terms;
use kaowei_core::time::{Moment, Span};
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, oneshot};

pub(crate) use cascade::Orphan;
use reminders::Reminders;
pub(crate) use reminders::remind;

use crate::actors::{Ask, Campus, PoolActor, PoolHandle};
use crate::candidate_entry::CandidateEntry;
use crate::clock::EngineClock;
use crate::failure::Failure;
use crate::feed::Feed;
use crate::journal::{CellEvent, Entry, Fate, Happened};
use crate::metrics;
use crate::payment::{Alarm, Providers};
use crate::recovery::Reminded;
use crate::store::Store;
use crate::views::{Catalogue, ExpiryStatus};

/// The engine's memory.
pub(crate) struct Incarnation {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<EngineClock>,
    journal: UnboundedSender<Entry>,
    pools: DashMap<PoolId, Arc<PoolHandle>>,
    campuses: DashMap<CampusCode, Arc<Campus>>,
    /// Pools whose first event is under way: nobody else may begin their chain.
    beginning: DashMap<PoolId, ()>,
    candidates: DashMap<CandidateId, Arc<CandidateEntry>>,
    /// Which account a record is bound to (R3).
    bindings: DashMap<RecordId, CandidateId>,
    catalogue: ArcSwap<Catalogue>,
    /// Who of the staff has an account (R32).
    pub(crate) staff: RwLock<StaffAccounts>,
    expiry: Mutex<ExpiryStatus>,
    expiry_runs: AtomicBool,
    /// Enrolments by the instant from which on they are deleted without a claim (R9).
    pub(crate) enrolment_ends: Mutex<BinaryHeap<Reverse<(Moment, CandidateId)>>>,
    pub(crate) enrolment_ended: Notify,
    /// Whom to remind of a payment deadline, and when (R36).
    reminders: Reminders,
    /// What changes, for those who follow along.
    pub(crate) feed: Feed,
    /// The position in the journal up to which each cell was published when this began.
    began_at: HashMap<Cell, i64>,
    pub(crate) providers: Arc<Providers>,
    /// Whose each order is.
    order_owners: DashMap<OrderId, CandidateId>,
    /// The workers of the orders that anything is left to be done about.
    pub(crate) workers: DashMap<OrderId, Arc<Alarm>>,
    runtime: Handle,
    arbiters: Vec<ArbiterHandle>,
    next_arbiter: AtomicUsize,
    /// Nothing falls due before recovery has given back the time that was lost (1.4).
    serving: AtomicBool,
    closing: AtomicBool,
    over: AtomicBool,
    /// The position in the journal up to which each cell is published: what the tables must reach.
    published: Mutex<HashMap<Cell, i64>>,
    pub(crate) checkpoint_wanted: Notify,
    /// Somebody waits for the tables.
    pub(crate) hurry: Notify,
}

impl Incarnation {
    #[expect(clippy::too_many_arguments, reason = "all that one is made of, once")]
    pub(crate) fn new(
        store: Arc<Store>,
        providers: Arc<Providers>,
        clock: Arc<EngineClock>,
        journal: UnboundedSender<Entry>,
        arbiters: Vec<ArbiterHandle>,
        catalogue: Catalogue,
        expiry: ExpiryStatus,
        published: HashMap<Cell, i64>,
        reminded: Reminded,
        staff: StaffAccounts,
    ) -> Arc<Self> {
        metrics::expiry_suspended(!expiry.running);
        Arc::new(Self {
            store,
            clock,
            journal,
            pools: DashMap::new(),
            campuses: DashMap::new(),
            beginning: DashMap::new(),
            candidates: DashMap::new(),
            bindings: DashMap::new(),
            catalogue: ArcSwap::from_pointee(catalogue),
            expiry_runs: AtomicBool::new(expiry.running),
            staff: RwLock::new(staff),
            expiry: Mutex::new(expiry),
            enrolment_ends: Mutex::default(),
            enrolment_ended: Notify::new(),
            reminders: Reminders::new(reminded),
            feed: Feed::new(),
            began_at: published.clone(),
            providers,
            order_owners: DashMap::new(),
            workers: DashMap::new(),
            runtime: Handle::current(),
            arbiters,
            next_arbiter: AtomicUsize::new(0),
            serving: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            over: AtomicBool::new(false),
            published: Mutex::new(published),
            checkpoint_wanted: Notify::new(),
            hurry: Notify::new(),
        })
    }

    /// Engine time.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Hands something to the journal. Where the journal has ended, it fails at once.
    pub(crate) fn hand_over(self: &Arc<Self>, entry: Entry) {
        if let Err(refused) = self.journal.send(entry) {
            refused.0.fail(self, Failure::StoreUnavailable);
        }
    }

    /// Waits until all that was handed over before is durable and published.
    pub(crate) async fn barrier(self: &Arc<Self>) -> Result<(), Failure> {
        let (done, wait) = oneshot::channel();
        let then = Box::new(move |_: &Arc<Self>, fate: Fate<'_>| {
            done.send(settled(&fate)).ok();
        });
        self.hand_over(Entry {
            happened: Happened::Barrier,
            then,
        });
        wait.await.unwrap_or(Err(Failure::StoreUnavailable))
    }

    /// Makes events of a cell durable.
    pub(crate) async fn record(
        self: &Arc<Self>,
        cell: Cell,
        events: impl IntoIterator<Item = impl Into<cell::Event>>,
    ) -> Result<(), Failure> {
        self.record_at(cell, events, self.now()).await
    }

    /// Makes events of a cell durable that happened at that instant.
    pub(crate) async fn record_at(
        self: &Arc<Self>,
        cell: Cell,
        events: impl IntoIterator<Item = impl Into<cell::Event>>,
        at: Moment,
    ) -> Result<(), Failure> {
        let events = events.into_iter().map(|event| CellEvent {
            event: event.into(),
            at,
        });
        let events = events.collect();
        let (done, wait) = oneshot::channel();
        let then = Box::new(move |_: &Arc<Self>, fate: Fate<'_>| {
            done.send(settled(&fate)).ok();
        });
        self.hand_over(Entry {
            happened: Happened::InCell { cell, events },
            then,
        });
        wait.await.unwrap_or(Err(Failure::StoreUnavailable))
    }

    // ---- pools

    pub(crate) fn pool(&self, id: PoolId) -> Option<Arc<PoolHandle>> {
        self.pools.get(&id).map(|handle| handle.clone())
    }

    /// All pools, by id.
    pub(crate) fn all_pools(&self) -> Vec<Arc<PoolHandle>> {
        let mut pools: Vec<_> = self.pools.iter().map(|entry| entry.value().clone()).collect();
        pools.sort_by_key(|pool| pool.facts.id);
        pools
    }

    pub(crate) fn campus(&self, code: CampusCode) -> Option<Arc<Campus>> {
        self.campuses.get(&code).map(|campus| campus.clone())
    }

    /// Adds a pool with its actor; the one that is there already, if there is one.
    pub(crate) fn add_pool(
        self: &Arc<Self>,
        facts: PoolFacts,
        pool: Pool,
        head: ChainHead,
    ) -> Arc<PoolHandle> {
        let campus = self
            .campuses
            .entry(facts.id.campus)
            .or_insert_with(|| Arc::new(Campus::new()))
            .clone();
        let mut fresh = false;
        let handle = self
            .pools
            .entry(facts.id)
            .or_insert_with(|| {
                fresh = true;
                Arc::new(PoolHandle::new(
                    facts,
                    campus.clone(),
                    self.terms(&facts),
                    &pool,
                    head,
                ))
            })
            .clone();
        if fresh {
            let mut pools = campus.pools.write();
            pools.push(handle.clone());
            pools.sort_by_key(|pool| pool.facts.id);
            drop(pools);
            campus.changed();
            self.start_actor(&handle, pool, head, handle.life());
        }
        handle
    }

    /// Reserves the beginning of a pool's chain, until it is there or has failed; `false` where somebody else has, or
    /// where it has begun since its caller looked.
    pub(crate) fn begin_pool(&self, id: PoolId) -> bool {
        if self.beginning.insert(id, ()).is_some() {
            return false;
        }
        let is_there = self.pools.contains_key(&id);
        if is_there {
            self.pool_has_begun(id);
        }
        !is_there
    }

    /// The pool is there, or could not be made.
    pub(crate) fn pool_has_begun(&self, id: PoolId) {
        self.beginning.remove(&id);
    }

    /// Puts a fresh actor in charge of a pool.
    pub(crate) fn start_actor(
        self: &Arc<Self>,
        handle: &Arc<PoolHandle>,
        pool: Pool,
        head: ChainHead,
        life: u32,
    ) {
        let next = self.next_arbiter.fetch_add(1, Ordering::Relaxed);
        let arbiter = &self.arbiters[next % self.arbiters.len()];
        let actor = (handle.clone(), self.clone());
        let address = PoolActor::start_in_arbiter(arbiter, move |_| {
            let (handle, incarnation) = actor;
            PoolActor::new(pool, head, handle, life, incarnation)
        });
        handle.put_in_charge(life, address);
        if self.is_over() {
            handle.forget_address();
        }
    }

    /// Takes a pool's actor out of charge and reads the pool from the store again.
    pub(crate) fn rebuild_pool(self: &Arc<Self>, handle: &Arc<PoolHandle>) {
        let life = handle.end_life();
        if self.is_over() {
            return;
        }
        let (incarnation, handle) = (self.clone(), handle.clone());
        self.run("a pool's rebuild", async move {
            if let Err(error) = crate::recovery::rebuild_pool(&incarnation, &handle, life).await {
                tracing::error!(pool = %handle.facts.id, %error, "a pool could not be rebuilt: everything is read from the store again");
                incarnation.end();
            }
        });
    }

    /// What the schedule says for a pool.
    pub(crate) fn terms(&self, facts: &PoolFacts) -> Terms {
        let catalogue = self.catalogue.load();
        match &catalogue.sitting {
            Some(sitting) => sitting.terms(facts.site.province, facts.site.school, facts.paper),
            None => Terms::closed(facts.paper, Span::from_secs(86_400)),
        }
    }

    /// Lets every pool do what is due: after time was moved or expiry resumed.
    pub(crate) fn wake_pools(self: &Arc<Self>) {
        for pool in self.all_pools() {
            // A pool that can't be asked is being rebuilt and will look at its deadlines then.
            pool.ask(Ask {
                command: Command::CatchUp,
                then: Box::new(|_, _| {}),
            })
            .ok();
        }
        self.ring_workers();
        self.enrolment_ended.notify_one();
        self.reminders.wanted.notify_one();
    }

    /// Lets every order's worker look at it again.
    fn ring_workers(&self) {
        for worker in &self.workers {
            worker.ring();
        }
    }

    // ---- candidates

    pub(crate) fn candidate(&self, id: CandidateId) -> Arc<CandidateEntry> {
        if let Some(entry) = self.candidates.get(&id) {
            return entry.clone();
        }
        self.candidates
            .entry(id)
            .or_insert_with(|| Arc::new(CandidateEntry::new(id, Candidate::default())))
            .clone()
    }

    /// A candidate of whom something is known; none for an id that is perhaps nobody's.
    pub(crate) fn known_candidate(&self, id: CandidateId) -> Option<Arc<CandidateEntry>> {
        self.candidates.get(&id).map(|entry| entry.clone())
    }

    pub(crate) fn restore_candidate(&self, id: CandidateId, candidate: Candidate) {
        self.reminders.restore(id, &candidate);
        if let Some(enrolment) = candidate.enrolment() {
            self.bindings.insert(enrolment.record, id);
            self.enrolment_ends
                .lock()
                .push(Reverse((enrolment.delete_after, id)));
        }
        for order in candidate.orders() {
            self.order_owners.insert(order.id(), id);
        }
        self.candidates
            .insert(id, Arc::new(CandidateEntry::new(id, candidate)));
    }

    pub(crate) fn all_candidates(&self) -> Vec<Arc<CandidateEntry>> {
        self.candidates
            .iter()
            .map(|entry| entry.value().clone())
            .collect()
    }

    pub(crate) fn candidate_count(&self) -> usize {
        self.candidates.len()
    }

    /// Whose an order is.
    pub(crate) fn owner_of(&self, order: OrderId) -> Option<Arc<CandidateEntry>> {
        let candidate = *self.order_owners.get(&order)?;
        Some(self.candidate(candidate))
    }

    /// Binds a record to an account before the event is written; whoever else it is bound to (R3).
    pub(crate) fn bind(&self, record: RecordId, candidate: CandidateId) -> Result<(), CandidateId> {
        let bound = *self.bindings.entry(record).or_insert(candidate);
        if bound == candidate { Ok(()) } else { Err(bound) }
    }

    /// Takes a binding back.
    pub(crate) fn unbind(&self, record: RecordId, candidate: CandidateId) {
        self.bindings.remove_if(&record, |_, bound| *bound == candidate);
    }

    /// The account that a record is bound to.
    pub(crate) fn bound_to(&self, record: RecordId) -> Option<CandidateId> {
        self.bindings.get(&record).map(|candidate| *candidate)
    }

    // ---- the catalogue

    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    /// How much of a hold must be left for an order (R25).
    pub(crate) fn order_margin(&self) -> Span {
        let catalogue = self.catalogue.load();
        let sitting = catalogue.sitting.as_ref();
        sitting.map_or(Span::ZERO, |sitting| {
            Span::from_secs(sitting.order_margin_seconds)
        })
    }

    /// What is paid for, as a payer reads it.
    pub(crate) fn sitting_name(&self) -> Arc<str> {
        let catalogue = self.catalogue.load();
        let sitting = catalogue.sitting.as_ref();
        sitting.map_or("", |sitting| &sitting.name).into()
    }

    fn change_catalogue(&self, change: impl Fn(&mut Catalogue)) {
        self.catalogue.rcu(|catalogue| {
            let mut changed = Catalogue::clone(catalogue);
            change(&mut changed);
            changed.version += 1;
            changed
        });
    }

    // ---- life

    /// Does something without which the incarnation can't go on: where it panics, everything is read from the store
    /// again.
    pub(crate) fn run(self: &Arc<Self>, what: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(self.clone().guard(what, work));
    }

    /// The work, whose panic ends this incarnation.
    pub(crate) async fn guard(self: Arc<Self>, what: &'static str, work: impl Future<Output = ()> + Send) {
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            tracing::error!("{what} panicked: everything is read from the store again");
            self.end();
        }
    }

    /// Whether it is to end when all is durable.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Whether nothing of it counts any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Ends it: its actors stop when the last of them has nothing more to do.
    pub(crate) fn end(&self) {
        if self.over.swap(true, Ordering::AcqRel) {
            return;
        }
        for pool in &self.pools {
            pool.forget_address();
        }
        self.feed.end();
        self.checkpoint_wanted.notify_one();
        self.enrolment_ended.notify_one();
        self.reminders.wanted.notify_one();
        self.ring_workers();
        // The writer, if it still runs, wakes up and ends: only then does the supervisor make the next incarnation.
        let wake = Entry {
            happened: Happened::Barrier,
            then: Box::new(|_, _| {}),
        };
        self.journal.send(wake).ok();
    }

    /// The position in the journal up to which a cell was published when this incarnation began.
    pub(crate) fn began_at(&self, cell: Cell) -> i64 {
        self.began_at.get(&cell).copied().unwrap_or(0)
    }

    /// Up to which position in the journal each cell is published.
    pub(crate) fn published(&self) -> HashMap<Cell, i64> {
        self.published.lock().clone()
    }
}

/// Whether it is durable.
pub(crate) fn settled(fate: &Fate<'_>) -> Result<(), Failure> {
    match fate {
        Fate::Committed { .. } => Ok(()),
        Fate::Failed(failure) => Err(*failure),
    }
}
