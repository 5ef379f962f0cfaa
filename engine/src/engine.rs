//! The engine as its callers hold it, and the supervisor that keeps an incarnation alive.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::{Arbiter, ArbiterHandle};
use arc_swap::ArcSwapOption;
use kaowei_core::ids::Cell;
use kaowei_core::time::Moment;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use crate::clock::EngineClock;
use crate::costly::CostlyWork;
use crate::fail_points::{FailPoint, pass};
use crate::failure::{Failure, NotClosed, OpenError};
use crate::incarnation::Incarnation;
use crate::journal::{Entry, Happened, JournalThread, Start, WriterEnd};
use crate::metrics;
use crate::payment::{Providers, Sandbox};
use crate::people::{AccountWriter, Accounts, Codes, Credentials, StaffCredentials, Students};
use crate::recovery::{self, Source};
use crate::settings::Settings;
use crate::store::Store;
use crate::tables::Progress;
use crate::views::Catalogue;

/// Whether the engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Not yet, or not for now.
    Recovering {
        /// Why.
        reason: String,
    },
    /// Not any more.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Accounts,
    pub(crate) credentials: Credentials,
    pub(crate) codes: Codes,
    pub(crate) staff_credentials: StaffCredentials,
    pub(crate) students: Students,
    /// Password hashes and other work that takes long.
    pub(crate) costly: CostlyWork,
    pub(crate) providers: Arc<Providers>,
    /// Claims that may be decided at the same time.
    pub(crate) door: Arc<Semaphore>,
    /// Staff's changes to what there is run one at a time.
    pub(crate) changes: tokio::sync::Mutex<()>,
    /// Accounts of staff are made and ended one at a time, and wait for no import.
    pub(crate) staffing: tokio::sync::Mutex<()>,
    pub(crate) checkpointed: watch::Sender<Progress>,
    /// There is a new message for the webhook.
    pub(crate) messages_wanted: Notify,
    /// The name under which this process leads.
    leader: Arc<str>,
    current: ArcSwapOption<Incarnation>,
    clock: ArcSwapOption<EngineClock>,
    readiness: watch::Sender<Readiness>,
    arbiters: Mutex<Vec<Arbiter>>,
    closed: watch::Sender<bool>,
    /// The store is not waited for any more.
    given_up: watch::Sender<bool>,
}

impl Engine {
    /// Opens the store, takes the lead, recovers, and is ready. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`OpenError`]: each is one sentence that says what to do.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(&settings).await?);
        let arbiters: Vec<Arbiter> = (0..settings.arbiters.max(1)).map(|_| Arbiter::new()).collect();
        let (writer, new) = mpsc::channel(10_000);
        tokio::spawn(
            AccountWriter {
                store: store.clone(),
                new,
            }
            .run(),
        );
        let sandbox = if settings.sandbox {
            let (books, clock) = (store.people.clone(), settings.clock.clone());
            Some(Arc::new(
                Sandbox::open(books, &store.secrets.sandbox_key, clock).await?,
            ))
        } else {
            None
        };
        let inner = Arc::new(Inner {
            providers: Arc::new(Providers::new(sandbox)),
            accounts: Accounts::new(store.clone(), writer),
            credentials: Credentials::new(store.clone()),
            codes: Codes::new(store.clone()),
            staff_credentials: StaffCredentials::new(store.clone()),
            students: Students::new(store.clone()),
            costly: CostlyWork::start(settings.costly_threads).map_err(OpenError::Thread)?,
            door: Arc::new(Semaphore::new(settings.claims_in_flight_max)),
            changes: tokio::sync::Mutex::default(),
            staffing: tokio::sync::Mutex::default(),
            checkpointed: watch::Sender::new(Progress::default()),
            messages_wanted: Notify::new(),
            leader: uuid::Uuid::now_v7().to_string().into(),
            current: ArcSwapOption::empty(),
            clock: ArcSwapOption::empty(),
            readiness: watch::Sender::new(Readiness::Recovering {
                reason: "starting".into(),
            }),
            arbiters: Mutex::new(arbiters),
            closed: watch::Sender::new(false),
            given_up: watch::Sender::new(false),
            store,
            settings,
        });
        let first = inner.clone().incarnate(false).await;
        let (incarnation, ended) = match first {
            Ok(first) => first,
            Err(error) => {
                inner.release().await;
                return Err(error);
            }
        };
        tokio::spawn(inner.clone().supervise(incarnation, ended));
        let engine = Self { inner };
        if let Err(error) = engine.resume_imports().await {
            engine.close().await;
            return Err(error);
        }
        engine.start_sandbox();
        Ok(engine)
    }

    /// Lets what was taken in become durable and closes. Nothing may be asked afterwards.
    pub async fn close(self) {
        let inner = &self.inner;
        inner.readiness.send_replace(Readiness::Stopped {
            reason: "the server is stopping".into(),
        });
        if let Some(incarnation) = inner.current.load_full() {
            incarnation.close();
            incarnation.barrier().await.ok();
        }
        let mut closed = inner.closed.subscribe();
        if closed.wait_for(|closed| *closed).await.is_err() {
            tracing::error!("the supervisor ended early");
        }
    }

    /// Closes, and gives up where that takes longer: whoever still waits hears [`Failure::StoreUnavailable`].
    ///
    /// # Errors
    /// [`NotClosed`].
    pub async fn close_within(self, time_max: Duration) -> Result<(), NotClosed> {
        let inner = self.inner.clone();
        if tokio::time::timeout(time_max, self.close()).await.is_ok() {
            return Ok(());
        }
        inner.given_up.send_replace(true);
        Err(NotClosed)
    }

    /// Whether it answers.
    pub fn readiness(&self) -> Readiness {
        self.inner.readiness.borrow().clone()
    }

    /// Whether it answers, and the store too, within a second.
    pub async fn readiness_now(&self) -> Readiness {
        let readiness = self.readiness();
        if readiness != Readiness::Ready {
            return readiness;
        }
        match tokio::time::timeout(Duration::from_secs(1), self.inner.store.journal.ping()).await {
            Ok(Ok(())) => readiness,
            Ok(Err(_)) | Err(_) => Readiness::Recovering {
                reason: "the store does not answer".into(),
            },
        }
    }

    /// Waits until the engine has stopped for good; why.
    pub async fn stopped(&self) -> String {
        let mut readiness = self.inner.readiness.subscribe();
        let stopped = readiness
            .wait_for(|readiness| matches!(readiness, Readiness::Stopped { .. }))
            .await;
        match stopped.as_deref() {
            Ok(Readiness::Stopped { reason }) => reason.clone(),
            _ => "the engine is gone".into(),
        }
    }

    /// Engine time.
    pub fn now(&self) -> Moment {
        match self.inner.clock.load().as_deref() {
            Some(clock) => clock.now(),
            None => self.inner.settings.clock.read().0,
        }
    }

    /// Looks at the clock at once, where it would be looked at within a second: for tests that move it.
    pub fn look_at_the_clock(&self) {
        if let Some(incarnation) = self.inner.current.load_full() {
            watch_clock(&incarnation);
            incarnation.wake_pools();
        }
    }

    /// The threads that run the pools. Who serves requests on them spares them a hop between threads.
    pub fn arbiters(&self) -> Vec<ArbiterHandle> {
        self.inner.arbiters()
    }

    /// The key that signs this store's own tokens.
    pub fn token_key(&self) -> [u8; 32] {
        self.inner.store.secrets.token_key
    }

    /// Tells other processes on this store where the server answers.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn announce(&self, address: &str) -> Result<(), Failure> {
        crate::peek::announce(&self.inner.store, address).await
    }

    /// Compares the tables with the journal, when the first have caught up.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] names the first difference.
    pub async fn verify_tables(&self) -> Result<(), OpenError> {
        self.caught_up(None)
            .await
            .map_err(|failure| OpenError::Damaged(failure.to_string()))?;
        crate::tables::verify(&self.inner.store).await.map(|_| ())
    }

    /// The memory that answers now.
    pub(crate) fn incarnation(&self) -> Result<Arc<Incarnation>, Failure> {
        let current = self.inner.current.load_full();
        current.ok_or_else(|| match &*self.inner.readiness.borrow() {
            Readiness::Stopped { reason } if reason.contains("another server") => Failure::NotLeader,
            _ => Failure::StoreUnavailable,
        })
    }

    /// Waits until the tables show all that is committed now, of one cell or of all; an internal fault where they have
    /// stopped short of that.
    pub(crate) async fn caught_up(&self, cell: Option<Cell>) -> Result<(), Failure> {
        let incarnation = self.incarnation()?;
        incarnation.barrier().await?;
        let mut wanted = incarnation.published();
        if let Some(cell) = cell {
            wanted.retain(|other, _| *other == cell);
        }
        self.tables_show(&incarnation, &wanted).await
    }

    /// Waits until the tables show so much of each of these cells; an internal fault where they have stopped short of
    /// that.
    pub(crate) async fn tables_show(
        &self,
        incarnation: &Arc<Incarnation>,
        wanted: &HashMap<Cell, i64>,
    ) -> Result<(), Failure> {
        let mut checkpointed = self.inner.checkpointed.subscribe();
        incarnation.checkpoint_wanted.notify_one();
        let reached = loop {
            // Whoever waits need not wait for the checkpoint's rests too.
            incarnation.hurry.notify_one();
            let step = tokio::time::timeout(
                Duration::from_millis(20),
                checkpointed.wait_for(|progress| {
                    progress.shows(wanted) || progress.never_shows(wanted) || incarnation.is_over()
                }),
            );
            if let Ok(reached) = step.await {
                break reached.map(|progress| progress.never_shows(wanted));
            }
        };
        let in_vain = reached.map_err(|_| Failure::StoreUnavailable)?;
        if incarnation.is_over() {
            Err(Failure::StoreUnavailable)
        } else if in_vain {
            Err(Failure::Internal)
        } else {
            Ok(())
        }
    }
}

impl Drop for Inner {
    /// Not when it is closed: who serves on these threads still says that it is.
    fn drop(&mut self) {
        for arbiter in self.arbiters.lock().drain(..) {
            arbiter.stop();
        }
    }
}

type Ended = oneshot::Receiver<WriterEnd>;

impl Inner {
    /// Makes the next incarnation from what is stored.
    async fn incarnate(self: Arc<Self>, again: bool) -> Result<(Arc<Incarnation>, Ended), OpenError> {
        let started = Instant::now();
        if again {
            self.store.lock_again().await?;
        }
        let given_up = self.given_up.subscribe();
        let mut journal = JournalThread::start(self.store.clone(), self.leader.clone(), again, given_up);
        let mut lead = journal.lead().await?;
        let memory = recovery::load(&self.store, Source::Tables).await?;
        for (cell, chain) in &memory.cells {
            if let Some(state) = lead.cells.get_mut(cell) {
                state.chain = *chain;
            }
        }
        let alive_at = lead.heartbeat_at;
        let clock = self.clock_from(memory.last_at.max(alive_at.unwrap_or(Moment::MIN)));
        let (sender, entries) = mpsc::unbounded_channel();
        let published = lead.positions();
        let catalogue = Catalogue {
            sitting: memory.sitting.map(Arc::new),
            tree: memory.tree,
            version: 1,
        };
        let incarnation = Incarnation::new(
            self.store.clone(),
            self.providers.clone(),
            clock.clone(),
            sender,
            self.arbiters(),
            catalogue,
            memory.expiry,
            published,
            memory.reminded,
            memory.staff,
        );
        for (id, candidate) in memory.candidates {
            incarnation.restore_candidate(id, candidate);
        }
        for pool in memory.pools.into_values() {
            incarnation.add_pool(pool.facts, pool.pool, pool.head);
        }
        let ended = journal.write(Start {
            cells: lead.cells,
            incarnation: incarnation.clone(),
            clock,
            entries,
            batch_max: self.settings.batch_max,
            commit_time_max: self.settings.commit_time_max,
            alive_at,
        });
        if let Err(failure) = recovery::catch_up(&incarnation, alive_at).await {
            incarnation.end();
            return Err(OpenError::Unwritable(failure));
        }
        pass(FailPoint::RecoveryDone);
        self.watch_over(&incarnation)?;
        incarnation.serve();
        metrics::recovery_took(started.elapsed());
        let ready_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            ready_ms,
            pools = incarnation.all_pools().len(),
            candidates = incarnation.candidate_count(),
            events = incarnation.published().values().sum::<i64>(),
            "recovery is done"
        );
        self.answer_by(&incarnation);
        Ok((incarnation, ended))
    }

    /// The clock of all incarnations; the first makes it, and it never shows less than that instant.
    fn clock_from(&self, latest: Moment) -> Arc<EngineClock> {
        let clock = match self.clock.load_full() {
            Some(clock) => clock,
            None => Arc::new(EngineClock::new(self.settings.clock.clone(), latest)),
        };
        self.clock.store(Some(clock.clone()));
        clock
    }

    fn arbiters(&self) -> Vec<ArbiterHandle> {
        self.arbiters.lock().iter().map(Arbiter::handle).collect()
    }

    /// Lets an incarnation answer; one that comes when the engine was told to stop is closed at once, since whoever
    /// stops it has perhaps seen none to close.
    fn answer_by(&self, incarnation: &Arc<Incarnation>) {
        self.current.store(Some(incarnation.clone()));
        if !self.say(Readiness::Ready) {
            incarnation.close();
            incarnation.hand_over(Entry {
                happened: Happened::Barrier,
                then: Box::new(|_, _| {}),
            });
        }
    }

    /// Lets one incarnation follow the other until the engine is closed or must not go on.
    async fn supervise(self: Arc<Self>, mut incarnation: Arc<Incarnation>, mut ended: Ended) {
        loop {
            let end = ended
                .await
                .unwrap_or_else(|_| WriterEnd::Failed("the journal's thread ended early".into()));
            self.current.store(None);
            incarnation.end();
            self.checkpointed.send_modify(|_| {});
            if *self.given_up.borrow() {
                break;
            }
            match end {
                WriterEnd::Closed => break,
                WriterEnd::NotLeader => {
                    tracing::error!("another server has taken over this store: this one has stopped");
                    self.stop("another server has taken over this store");
                    break;
                }
                WriterEnd::DiskFailed(error) => {
                    tracing::error!(
                        error,
                        "the disk failed: this server stops, since what was written can't be trusted to be there"
                    );
                    self.stop("the disk failed");
                    break;
                }
                WriterEnd::Failed(error) => {
                    metrics::fail_stop();
                    tracing::error!(
                        error,
                        "the journal stopped: all that was decided on top of it is dropped, recovery reads what is true"
                    );
                    match self.clone().recover(&error).await {
                        Some(next) => {
                            (incarnation, ended) = next;
                            // An import that the same failure cut off is finished, or told why not.
                            let engine = Engine { inner: self.clone() };
                            tokio::spawn(async move { engine.take_changes().await.map(drop).ok() });
                        }
                        None => break,
                    }
                }
            }
        }
        self.release().await;
        self.closed.send_replace(true);
    }

    /// Closes the store, unless that was given up.
    async fn release(&self) {
        let mut given_up = self.given_up.subscribe();
        tokio::select! {
            () = self.store.close() => {}
            Ok(_) = given_up.wait_for(|given_up| *given_up) => {}
        }
    }

    /// Tries until the store answers; none when another server leads, what is stored can't be trusted, or the engine
    /// is closed.
    async fn recover(self: Arc<Self>, error: &str) -> Option<(Arc<Incarnation>, Ended)> {
        let mut wait = Duration::from_millis(50);
        loop {
            let recovering = Readiness::Recovering {
                reason: format!("the journal stopped: {error}"),
            };
            if !self.say(recovering) {
                return None;
            }
            let next = tokio::spawn(self.clone().incarnate(true));
            let mut given_up = self.given_up.subscribe();
            let next = tokio::select! {
                next = next => next,
                Ok(_) = given_up.wait_for(|given_up| *given_up) => return None,
            };
            match next {
                Ok(Ok(next)) => return Some(next),
                Ok(Err(OpenError::DatabaseTaken)) => {
                    self.stop("another server has taken over this store");
                    return None;
                }
                Ok(Err(error @ OpenError::Damaged(_))) => {
                    tracing::error!(%error, "what is stored can't be trusted: this server stops");
                    self.stop(&error.to_string());
                    return None;
                }
                Err(error) => {
                    tracing::error!(%error, "recovery panicked: this server stops");
                    self.stop("recovery panicked; the log says where: start again");
                    return None;
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, retry_ms = wait.as_millis(), "recovery has to wait for the store");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Says how it is, unless it has stopped: that is for good.
    fn say(&self, readiness: Readiness) -> bool {
        self.readiness.send_if_modified(|said| {
            let goes_on = !matches!(said, Readiness::Stopped { .. });
            if goes_on {
                *said = readiness;
            }
            goes_on
        })
    }

    fn stop(&self, reason: &str) {
        self.readiness.send_replace(Readiness::Stopped {
            reason: reason.into(),
        });
    }

    /// Starts what goes on beside the actors while this incarnation lives.
    fn watch_over(self: &Arc<Self>, incarnation: &Arc<Incarnation>) -> Result<(), OpenError> {
        crate::background::start_checkpoint(self.clone(), incarnation.clone())
            .inspect_err(|_| incarnation.end())
            .map_err(OpenError::Thread)?;
        incarnation.run(
            "the heartbeat",
            crate::background::tick(self.clone(), incarnation.clone()),
        );
        incarnation.run(
            "the end of enrolments",
            crate::background::end_enrolments(incarnation.clone()),
        );
        incarnation.run("reminders", crate::incarnation::remind(incarnation.clone()));
        Ok(())
    }
}

/// Kept in the audit trail, which has one text for readers of either language.
const CLOCK_JUMPED: &str = "系统时钟发生跳变，与开机计时相差超过 5 秒 / \
    the wall clock jumped: it disagrees with the boot-time clock by more than 5 s";

/// Suspends expiry if the clocks disagree, follows a drift if not.
pub(crate) fn watch_clock(incarnation: &Arc<Incarnation>) {
    incarnation.clock.follow();
    if incarnation.clock.disagrees() {
        incarnation.suspend_expiry(CLOCK_JUMPED);
    }
}
