//! The journal's writer: gathers, fences, commits; one transaction at a time, on a thread and connection of its own.
//!
//! Fail-stop: when a commit fails and its outcome is unknown, everything decided on top of it is dropped and the
//! incarnation ends; recovery reads the truth. A batch that the store refuses for certain is bisected, so that one
//! poisonous event can't stop a province: it alone is dropped, with its pool's later decisions, and the pool is
//! rebuilt.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kaowei_core::audit::{ChainHead, Record};
use kaowei_core::ids::Cell;
use kaowei_core::time::Moment;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{CellEvent, Entry, Happened};
use crate::clock::{DISAGREEMENT_MAX, EngineClock};
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::metrics;
use crate::store::{Batch, CellAdvance, CommitError, JournalConnection, JournalRow};

/// What the writer knows of a cell.
#[derive(Debug, Clone)]
pub(crate) struct CellState {
    pub(crate) epoch: i64,
    pub(crate) batch: i64,
    pub(crate) position: i64,
    /// The chain of what belongs to no pool.
    pub(crate) chain: ChainHead,
    pub(crate) stream: Arc<str>,
}

impl CellState {
    /// Gives an event of the cell its place.
    fn append(&mut self, cell: Cell, event: &CellEvent) -> Result<JournalRow<'static>, serde_json::Error> {
        let payload = event.event.payload()?;
        let (kind, at, stream) = (event.event.kind(), event.at, self.stream.clone());
        let seal = self.chain.append(Record {
            stream: &stream,
            kind,
            at,
            payload: &payload,
        });
        self.position += 1;
        let (position, sequence, hash) = (self.position, seal.sequence, seal.hash);
        Ok(JournalRow {
            cell,
            position,
            stream,
            sequence,
            kind,
            at,
            payload: Cow::Owned(payload),
            hash,
        })
    }

    /// The name of a cell's own stream.
    pub(crate) fn stream_name(cell: Cell) -> Arc<str> {
        format!("cell:{cell}").into()
    }
}

/// Why a writer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriterEnd {
    /// It was told to: all that came before is durable.
    Closed,
    /// A commit failed; recovery must read what is true.
    Failed(String),
    /// Another server leads.
    NotLeader,
    /// The disk failed; the process must not go on.
    DiskFailed(String),
}

/// The writer.
pub(crate) struct Writer {
    pub(crate) connection: JournalConnection,
    /// The name under which this server leads.
    pub(crate) leader: Arc<str>,
    pub(crate) cells: HashMap<Cell, CellState>,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) clock: Arc<EngineClock>,
    pub(crate) entries: UnboundedReceiver<Entry>,
    pub(crate) batch_max: usize,
    /// A commit that took longer was an outage.
    pub(crate) commit_time_max: Duration,
    /// The latest sign of life of whoever wrote before.
    pub(crate) alive_at: Option<Moment>,
}

impl Writer {
    /// Writes until all senders are gone, or a commit fails.
    pub(crate) async fn run(mut self) -> WriterEnd {
        let (committed, to_publish) = mpsc::unbounded_channel();
        let publisher = tokio::spawn(super::publisher::publish_all(
            self.incarnation.clone(),
            to_publish,
        ));
        let end = loop {
            let mut gathered = Vec::new();
            let count = tokio::select! {
                biased;
                // Both run on this thread: nothing that was decided on what the publisher dropped gets past this.
                () = committed.closed() => break publisher_ended(),
                count = self.entries.recv_many(&mut gathered, self.batch_max) => count,
            };
            if count == 0 {
                break WriterEnd::Closed;
            }
            if self.incarnation.is_over() {
                self.fail(gathered.into_iter());
                break WriterEnd::Failed("what is in memory could not be kept true to what is stored".into());
            }
            pass(FailPoint::BatchGathered);
            if self.incarnation.is_closing()
                && gathered
                    .iter()
                    .any(|entry| matches!(entry.happened, Happened::Barrier))
            {
                self.entries.close();
            }
            if let Err(end) = self.commit(gathered, &committed).await {
                break end;
            }
            // What is durable is published and answered first; meanwhile the next batch gathers.
            tokio::task::yield_now().await;
        };
        if end != WriterEnd::Closed {
            self.incarnation.end();
            self.drop_the_rest(&end);
        }
        drop(committed);
        if let Err(error) = publisher.await {
            tracing::error!(%error, "the publisher ended early");
        }
        self.connection.close().await;
        end
    }

    /// Commits what was gathered, in parts where the store refuses it as a whole.
    async fn commit(
        &mut self,
        gathered: Vec<Entry>,
        done: &UnboundedSender<Vec<Entry>>,
    ) -> Result<(), WriterEnd> {
        let mut parts = vec![gathered];
        while let Some(part) = parts.pop() {
            let entries = self.without_stale(part);
            if !entries.iter().any(Entry::needs_commit) {
                publish(done, entries)?;
                continue;
            }
            let (before, began) = (self.cells.clone(), self.clock.now());
            let (touched, heartbeat) = self.touched(&entries);
            let started = Instant::now();
            let outcome = match self.prepare(touched.clone(), heartbeat).await {
                Err(error) => Err(CommitError::unknown(error)),
                Ok(()) => match self.assemble(&entries, &touched, self.sign_of_life(began, heartbeat)) {
                    Ok(batch) => self.connection.append(&batch).await,
                    Err(error) => Err(CommitError::Definite(sqlx::Error::Encode(error.into()))),
                },
            };
            match outcome {
                Ok(()) => {
                    let took = started.elapsed();
                    metrics::batch_committed(entries.iter().map(Entry::len).sum(), took);
                    publish(done, entries)?;
                    if took > self.commit_time_max {
                        self.fail(parts.into_iter().rev().flatten());
                        return Err(stood_still(took));
                    }
                }
                Err(CommitError::Definite(error)) => {
                    self.cells = before;
                    self.isolate(entries, &error, &mut parts);
                }
                Err(error) => {
                    self.fail(parts.into_iter().rev().flatten().chain(entries));
                    return Err(ended_by(&error));
                }
            }
        }
        Ok(())
    }

    /// Tells whoever waits that nobody knows.
    fn fail(&self, entries: impl Iterator<Item = Entry>) {
        for entry in entries {
            entry.fail(&self.incarnation, Failure::StoreUnavailable);
        }
    }

    /// Fails what was decided on top of something that was dropped.
    fn without_stale(&self, part: Vec<Entry>) -> Vec<Entry> {
        if !part.iter().any(Entry::is_stale) {
            return part;
        }
        let (stale, entries): (Vec<_>, Vec<_>) = part.into_iter().partition(Entry::is_stale);
        self.fail(stale.into_iter());
        entries
    }

    /// Halves a refused batch; what is refused alone is dropped with its evidence.
    fn isolate(&self, mut entries: Vec<Entry>, error: &sqlx::Error, parts: &mut Vec<Vec<Entry>>) {
        if entries.len() > 1 {
            let later = entries.split_off(entries.len() / 2);
            parts.push(later);
            parts.push(entries);
            return;
        }
        for entry in entries {
            metrics::poisonous_event();
            match &entry.happened {
                Happened::InPool { pool, events, .. } => {
                    let kinds: Vec<_> = events.iter().map(|sealed| sealed.event.kind()).collect();
                    tracing::error!(pool = %pool.facts.id, ?kinds, %error, "the store refused an event: it is dropped and its pool rebuilt");
                    // One whose very first event it was has no actor, and nothing in the store.
                    if self.incarnation.pool(pool.facts.id).is_some() {
                        self.incarnation.rebuild_pool(pool);
                    }
                }
                Happened::InCell { cell, events } => {
                    let kinds: Vec<_> = events.iter().map(|event| event.event.kind()).collect();
                    tracing::error!(%cell, ?kinds, %error, "the store refused an event: it is dropped");
                }
                Happened::Heartbeat | Happened::Barrier => {
                    tracing::error!(%error, "the store refused a heartbeat");
                }
            }
            entry.fail(&self.incarnation, Failure::Internal);
        }
    }

    /// What must be known before a batch is assembled: rows for cells that are new, the store's clock at a heartbeat.
    async fn prepare(&mut self, cells: Vec<Cell>, heartbeat: bool) -> Result<(), sqlx::Error> {
        for cell in cells {
            if self.cells.contains_key(&cell) {
                continue;
            }
            self.connection
                .add_cell(cell, &self.leader, self.clock.now())
                .await?;
            let fresh = CellState {
                epoch: 1,
                batch: 0,
                position: 0,
                chain: ChainHead::default(),
                stream: CellState::stream_name(cell),
            };
            self.cells.insert(cell, fresh);
        }
        if heartbeat {
            self.compare_clocks().await?;
        }
        Ok(())
    }

    /// Gives every event its position, and cells' events their place in the chain.
    fn assemble<'a>(
        &mut self,
        entries: &'a [Entry],
        touched: &[Cell],
        alive_at: Moment,
    ) -> Result<Batch<'a>, serde_json::Error> {
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            match &entry.happened {
                Happened::InPool { pool, events, .. } => {
                    let cell = pool.facts.site.province;
                    let Some(state) = self.cells.get_mut(&cell) else {
                        continue;
                    };
                    for sealed in events {
                        state.position += 1;
                        rows.push(JournalRow {
                            cell,
                            position: state.position,
                            stream: pool.stream.clone(),
                            sequence: sealed.seal.sequence,
                            kind: sealed.event.kind(),
                            at: sealed.seal.at,
                            payload: Cow::Borrowed(&sealed.payload),
                            hash: sealed.seal.hash,
                        });
                    }
                }
                Happened::InCell { cell, events } => {
                    let Some(state) = self.cells.get_mut(cell) else {
                        continue;
                    };
                    for event in events {
                        rows.push(state.append(*cell, event)?);
                    }
                }
                Happened::Heartbeat | Happened::Barrier => {}
            }
        }
        let mut cells = Vec::with_capacity(touched.len());
        for cell in touched {
            let Some(state) = self.cells.get_mut(cell) else {
                continue;
            };
            state.batch += 1;
            let (epoch, batch, position) = (state.epoch, state.batch, state.position);
            cells.push(CellAdvance {
                cell: *cell,
                epoch,
                batch,
                position,
            });
        }
        Ok(Batch {
            alive_at,
            cells,
            rows,
        })
    }

    /// The sign of life that a batch leaves: what recovery writes is none before all of it is done.
    fn sign_of_life(&self, began: Moment, heartbeat: bool) -> Moment {
        let counts = heartbeat || self.incarnation.is_serving();
        self.alive_at.filter(|_| !counts).unwrap_or(began)
    }

    /// The cells that a batch moves on; a heartbeat moves all.
    fn touched(&self, entries: &[Entry]) -> (Vec<Cell>, bool) {
        let mut touched: Vec<Cell> = Vec::new();
        let mut heartbeat = false;
        for entry in entries {
            let cell = match &entry.happened {
                Happened::InPool { pool, events, .. } if !events.is_empty() => pool.facts.site.province,
                Happened::InCell { cell, events } if !events.is_empty() => *cell,
                Happened::Heartbeat => {
                    heartbeat = true;
                    continue;
                }
                Happened::InPool { .. } | Happened::InCell { .. } | Happened::Barrier => continue,
            };
            if !touched.contains(&cell) {
                touched.push(cell);
            }
        }
        if heartbeat {
            touched.extend(
                self.cells
                    .keys()
                    .filter(|cell| !touched.contains(cell))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
        (touched, heartbeat)
    }

    /// Suspends expiry when the store's clock disagrees with ours (1.4).
    async fn compare_clocks(&mut self) -> Result<(), sqlx::Error> {
        let asked = self.clock.ask_the_store();
        let Some(store) = self.connection.clock().await? else {
            return Ok(());
        };
        if self.clock.apart_from_store(asked, store) > DISAGREEMENT_MAX {
            self.incarnation
                .suspend_expiry("the store's clock and this machine's disagree by more than 5 s");
        }
        Ok(())
    }

    fn drop_the_rest(&mut self, end: &WriterEnd) {
        let failure = if *end == WriterEnd::NotLeader {
            Failure::NotLeader
        } else {
            Failure::StoreUnavailable
        };
        self.entries.close();
        while let Ok(entry) = self.entries.try_recv() {
            entry.fail(&self.incarnation, failure);
        }
    }
}

/// Hands a committed batch to the publisher. Without one, what is stored would not be what is in memory.
fn publish(done: &UnboundedSender<Vec<Entry>>, entries: Vec<Entry>) -> Result<(), WriterEnd> {
    done.send(entries).map_err(|_| publisher_ended())
}

fn publisher_ended() -> WriterEnd {
    WriterEnd::Failed("the publisher ended early".into())
}

/// Nobody could look after holds meanwhile: recovery gives them their time back (1.4).
fn stood_still(took: Duration) -> WriterEnd {
    WriterEnd::Failed(format!(
        "a commit took {} s: what fell due meanwhile gets its time back",
        took.as_secs()
    ))
}

fn ended_by(error: &CommitError) -> WriterEnd {
    match error {
        CommitError::Fenced => WriterEnd::NotLeader,
        CommitError::Disk(_) => WriterEnd::DiskFailed(error.to_string()),
        CommitError::Unknown(_) | CommitError::Definite(_) => WriterEnd::Failed(error.to_string()),
    }
}
