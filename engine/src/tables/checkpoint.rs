//! The checkpoint: takes over what the journal has, slice by slice, in the background.
//!
//! Reads the journal itself, so that what it writes is what recovery would read. On the slow side on purpose while
//! claims pour in: they go first, it catches up afterwards.
//!
//! An event that the tables refuse for certain – a constraint says that something is wrong – stops the tables of its
//! cell there, alone: nothing is lost, since the journal is the truth and recovery reads on from that position.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kaowei_core::ids::{PoolId, ProvinceCode, SchoolCode, SubjectCode};
use kaowei_core::seats::PoolFacts;
use kaowei_core::sites::{Level, Paper, Site};
use tokio::sync::watch;

use super::Progress;
use super::fold::Fold;
use super::statements::statements;
use crate::fail_points::{FailPoint, pass};
use crate::failure::OpenError;
use crate::metrics;
use crate::recovery::{StoredEvent, events_after};
use crate::store::{Db, Statement, Store, is_definite, on};

/// How many events are taken over in one transaction, at the most: few, since on a small machine a long burst of it
/// shows in the latency of claims.
const SLICE: i64 = 1_000;

/// How many events the tables may lag behind before they hurry: recovery reads a million in a few seconds.
const LAG_MAX: i64 = 1_000_000;

/// The background copier.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    store: Arc<Store>,
    facts: HashMap<PoolId, PoolFacts>,
    progress: Progress,
    /// Events that the tables could take over and did not have yet at the last look.
    behind: i64,
    /// The progress, for who waits.
    told: watch::Sender<Progress>,
}

/// A cell that has events which the tables do not show.
#[derive(Debug)]
struct Lagging {
    cell: String,
    position: i64,
    behind: i64,
}

/// What became of events that the tables were to take over.
#[derive(Debug)]
enum Attempt {
    Taken,
    /// For certain: nothing of it is written, and never will be.
    Refused(OpenError),
    /// Somebody else has moved the tables on.
    Overtaken,
}

impl Checkpoint {
    /// Where the tables stand.
    pub(crate) async fn open(store: Arc<Store>, told: watch::Sender<Progress>) -> Result<Self, OpenError> {
        let progress = Progress {
            reached: read_positions(&store.checkpoint.tables).await?,
            ..Progress::default()
        };
        told.send_replace(progress.clone());
        metrics::checkpoint_stuck(0);
        let facts = read_facts(&store.checkpoint.tables).await?;
        Ok(Self {
            store,
            facts,
            progress,
            behind: 0,
            told,
        })
    }

    /// Takes over one slice. How many events it had; 0 when there was nothing to do.
    pub(crate) async fn step(&mut self) -> Result<usize, OpenError> {
        let started = Instant::now();
        let (stuck, lagging): (Vec<_>, Vec<_>) = self
            .lagging()
            .await?
            .into_iter()
            .partition(|lagging| self.progress.stuck.contains_key(&lagging.cell));
        let behind = |cells: &[Lagging]| cells.iter().map(|cell| cell.behind).sum::<i64>();
        let slice = self.read(&lagging).await?;
        pass(FailPoint::CheckpointRead);
        if !slice.is_empty() {
            self.take_over(&slice).await?;
            metrics::checkpoint_took(started.elapsed());
        }
        // Events that came after the look at the cells may have been taken over too.
        let taken = i64::try_from(slice.len()).unwrap_or(i64::MAX);
        self.behind = (behind(&lagging) - taken).max(0);
        metrics::checkpoint_lag(self.behind + behind(&stuck));
        self.told.send_replace(self.progress.clone());
        Ok(slice.len())
    }

    /// The cells whose journal goes beyond what the tables show, the least behind first.
    async fn lagging(&self) -> Result<Vec<Lagging>, OpenError> {
        let cells: Vec<(String, i64)> = on!(&self.store.checkpoint.journal, pool => {
            sqlx::query_as("SELECT cell, position FROM cells").fetch_all(pool).await?
        });
        let mut lagging: Vec<_> = cells
            .into_iter()
            .map(|(cell, end)| {
                let position = self.progress.position(&cell);
                let behind = end - position;
                Lagging {
                    cell,
                    position,
                    behind,
                }
            })
            .filter(|cell| cell.behind > 0)
            .collect();
        lagging.sort_by_key(|cell| cell.behind);
        Ok(lagging)
    }

    /// The next events, cell by cell: each has its share of the slice, and what one leaves is the others'.
    async fn read(&self, lagging: &[Lagging]) -> Result<Vec<StoredEvent>, OpenError> {
        let mut slice = Vec::new();
        for (cells, Lagging { cell, position, .. }) in (1..=lagging.len()).rev().zip(lagging) {
            let room = SLICE - i64::try_from(slice.len()).unwrap_or(SLICE);
            let share = room / i64::try_from(cells).unwrap_or(i64::MAX);
            slice.extend(events_after(&self.store.checkpoint.journal, cell, *position, share.max(1)).await?);
        }
        Ok(slice)
    }

    /// Takes over events; where the tables refuse them together, each cell's in ever smaller parts, until the one that
    /// is refused is alone. Its cell stops there.
    async fn take_over(&mut self, slice: &[StoredEvent]) -> Result<(), OpenError> {
        let Attempt::Refused(_) = self.attempt(slice).await? else {
            return Ok(());
        };
        for mut events in slice.chunk_by(|one, other| one.0 == other.0) {
            let mut part = events.len();
            while !events.is_empty() {
                part = part.min(events.len());
                match self.attempt(&events[..part]).await? {
                    Attempt::Taken => events = &events[part..],
                    Attempt::Refused(_) if part > 1 => part /= 2,
                    Attempt::Refused(error) => {
                        self.stop(&events[0], &error);
                        break;
                    }
                    Attempt::Overtaken => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// Writes events to the tables in one transaction.
    async fn attempt(&mut self, events: &[StoredEvent]) -> Result<Attempt, OpenError> {
        let tables = &self.store.checkpoint.tables;
        let (fold, statements) = match fold(events, &mut self.facts, tables).await {
            Ok(folded) => folded,
            Err(OpenError::Connect { source }) => return Err(source.into()),
            Err(error) => return Ok(Attempt::Refused(error)),
        };
        let undisturbed = self.store.tables_lock.lock().await;
        // A former incarnation's step that wakes late must not write older rows over newer ones.
        let stored = read_positions(tables).await?;
        if stored != self.progress.reached {
            self.progress.reached = stored;
            return Ok(Attempt::Overtaken);
        }
        let written = tables
            .write_then(&statements, || pass(FailPoint::CheckpointWritten))
            .await;
        drop(undisturbed);
        match written {
            Ok(()) => {}
            Err(error) if is_definite(&error) => return Ok(Attempt::Refused(error.into())),
            Err(error) => return Err(error.into()),
        }
        pass(FailPoint::CheckpointCommitted);
        self.progress.reached.extend(fold.positions);
        Ok(Attempt::Taken)
    }

    /// Stops the tables of a cell before an event that they refuse, until they are opened anew.
    fn stop(&mut self, event: &StoredEvent, error: &OpenError) {
        let (cell, position, stream, sequence, kind, ..) = event;
        tracing::error!(
            %cell, position, %stream, sequence, %kind, %error,
            "the tables refuse an event of the journal, which is a fault of ours: those of its cell stop before it. \
             Claims and recovery go on by the journal; to mend the tables, stop the server and run `kaowei rebuild`"
        );
        let evidence = format!(
            "the tables refuse event {position} of cell {cell}, {kind} {sequence} of {stream}: {error}"
        );
        self.progress.stuck.insert(cell.clone(), evidence);
        metrics::checkpoint_stuck(self.progress.stuck.len());
    }

    /// The evidence of a cell whose tables have stopped, if there is one.
    pub(crate) fn stuck(&self) -> Option<&str> {
        self.progress.stuck.values().next().map(String::as_str)
    }

    /// How long to rest after a slice that took so long, so that claims go first while they pour in: four fifths of
    /// the time, unless the tables lag too far behind for a quick recovery.
    pub(crate) fn rest(&self, took: Duration) -> Duration {
        let patience = if self.behind > LAG_MAX { 1 } else { 4 };
        (took * patience).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

/// What events change, and how that is written.
async fn fold(
    events: &[StoredEvent],
    facts: &mut HashMap<PoolId, PoolFacts>,
    tables: &Db,
) -> Result<(Fold, Vec<Statement>), OpenError> {
    let mut fold = Fold::default();
    for event in events {
        fold.add(event, facts)?;
    }
    fold.payment.settle(tables).await?;
    let statements = statements(tables, &fold)?;
    Ok((fold, statements))
}

async fn read_positions(tables: &Db) -> Result<HashMap<String, i64>, sqlx::Error> {
    let positions: Vec<(String, i64)> = on!(tables, pool => {
        sqlx::query_as("SELECT cell, position FROM checkpoint").fetch_all(pool).await?
    });
    Ok(positions.into_iter().collect())
}

async fn read_facts(tables: &Db) -> Result<HashMap<PoolId, PoolFacts>, OpenError> {
    type Row = (String, String, String, String, i64, Option<String>);
    let rows: Vec<Row> = on!(tables, pool => {
        sqlx::query_as("SELECT pool, province, school, paper, level, requires FROM pools").fetch_all(pool).await?
    });
    let mut facts = HashMap::with_capacity(rows.len());
    for (pool, province, school, paper, level, requires) in rows {
        let damaged = || OpenError::Damaged(format!("the row of pool {pool} can't be read"));
        let id: PoolId = pool.parse().map_err(|_| damaged())?;
        let province: ProvinceCode = province.parse().map_err(|_| damaged())?;
        let school: SchoolCode = school.parse().map_err(|_| damaged())?;
        let requires: Option<SubjectCode> = requires
            .map(|code| code.parse())
            .transpose()
            .map_err(|_| damaged())?;
        let paper = match paper.as_str() {
            "written" => Paper::Written,
            "oral" => Paper::Oral,
            _ => return Err(damaged()),
        };
        let level = Level(u8::try_from(level).map_err(|_| damaged())?);
        facts.insert(
            id,
            PoolFacts {
                id,
                site: Site { province, school },
                paper,
                level,
                requires,
            },
        );
    }
    Ok(facts)
}
