//! The checkpoint: takes over what the journal has, slice by slice, in the background.
//!
//! Reads the journal itself, so that what it writes is what recovery would read. On the slow side on purpose while
//! claims pour in: they go first, it catches up afterwards, as fast as it can.
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
use super::pace::Pace;
use super::statements::statements;
use crate::fail_points::{FailPoint, pass};
use crate::failure::OpenError;
use crate::metrics;
use crate::recovery::{StoredEvent, events_after};
use crate::store::{Db, Store, is_definite, on};

/// The background copier.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    store: Arc<Store>,
    facts: HashMap<PoolId, PoolFacts>,
    progress: Progress,
    pace: Pace,
    /// How many events the journal had at the last look, over all cells.
    journal: i64,
    /// The progress, for who waits.
    told: watch::Sender<Progress>,
}

/// How far the tables of a cell are.
#[derive(Debug)]
struct CellTables {
    cell: String,
    position: i64,
    /// Events of its journal that they do not show.
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
            pace: Pace::new(),
            journal: 0,
            told,
        })
    }

    /// Takes over one slice. How many events it had; 0 when there was nothing to do.
    pub(crate) async fn step(&mut self) -> Result<usize, OpenError> {
        let started = Instant::now();
        let cells = self.cells().await?;
        let journal = cells.iter().map(|cell| cell.position + cell.behind).sum();
        let appended = journal - std::mem::replace(&mut self.journal, journal);
        let (stuck, lagging): (Vec<_>, Vec<_>) = cells
            .into_iter()
            .filter(|cell| cell.behind > 0)
            .partition(|lagging| self.progress.stuck.contains_key(&lagging.cell));
        let behind = |cells: &[CellTables]| cells.iter().map(|cell| cell.behind).sum::<i64>();
        let slice = self.read(&lagging).await?;
        pass(FailPoint::CheckpointRead);
        if !slice.is_empty() {
            self.take_over(&slice).await?;
            metrics::checkpoint_took(started.elapsed());
        }
        // Events that came after the look at the cells may have been taken over too.
        let taken = i64::try_from(slice.len()).unwrap_or(i64::MAX);
        let left = (behind(&lagging) - taken).max(0);
        self.pace.took(taken, appended, left);
        metrics::checkpoint_lag(left + behind(&stuck));
        self.told.send_replace(self.progress.clone());
        Ok(slice.len())
    }

    /// How far the tables of each cell are, the least behind first.
    async fn cells(&self) -> Result<Vec<CellTables>, OpenError> {
        let cells: Vec<(String, i64)> = on!(&self.store.checkpoint.journal, pool => {
            sqlx::query_as("SELECT cell, position FROM cells").fetch_all(pool).await?
        });
        let mut cells: Vec<_> = cells
            .into_iter()
            .map(|(cell, end)| {
                let position = self.progress.position(&cell);
                let behind = end - position;
                CellTables {
                    cell,
                    position,
                    behind,
                }
            })
            .collect();
        cells.sort_by_key(|cell| cell.behind);
        Ok(cells)
    }

    /// The next events, cell by cell: each has its share of the slice, and what one leaves is the others'.
    async fn read(&self, lagging: &[CellTables]) -> Result<Vec<StoredEvent>, OpenError> {
        let mut slice = Vec::new();
        for (cells, CellTables { cell, position, .. }) in (1..=lagging.len()).rev().zip(lagging) {
            let room = self.pace.slice() - i64::try_from(slice.len()).unwrap_or(i64::MAX);
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
        let fold = match fold(events, &mut self.facts, tables).await {
            Ok(folded) => folded,
            Err(OpenError::Connect { source }) => return Err(source.into()),
            Err(error) => return Ok(Attempt::Refused(error)),
        };
        let undisturbed = self.store.tables_lock.lock().await;
        // A former incarnation's step that wakes late must not write older rows over newer ones.
        let stored = read_positions(tables).await?;
        if stored != self.progress.reached {
            // It may have gone further than what was read here.
            self.facts = read_facts(tables).await?;
            self.progress.reached = stored;
            return Ok(Attempt::Overtaken);
        }
        let written = tables
            .write_then(&statements(&fold), || pass(FailPoint::CheckpointWritten))
            .await;
        drop(undisturbed);
        match written {
            Ok(()) => {}
            Err(error) if is_definite(&error) => return Ok(Attempt::Refused(error.into())),
            Err(error) => return Err(error.into()),
        }
        pass(FailPoint::CheckpointCommitted);
        let positions = fold.positions.into_iter();
        self.progress
            .reached
            .extend(positions.map(|(cell, position)| (cell.to_owned(), position)));
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

    /// How long to rest after a slice that took so long.
    pub(crate) fn rest(&self, took: Duration) -> Duration {
        self.pace.rest(took)
    }
}

/// What events change.
async fn fold<'a>(
    events: &'a [StoredEvent],
    facts: &mut HashMap<PoolId, PoolFacts>,
    tables: &Db,
) -> Result<Fold<'a>, OpenError> {
    let mut fold = Fold::default();
    for event in events {
        fold.add(event, facts)?;
    }
    fold.payment.settle(tables).await?;
    Ok(fold)
}

/// The position of the journal that each cell has reached in the tables.
pub(crate) async fn read_positions(tables: &Db) -> Result<HashMap<String, i64>, sqlx::Error> {
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

#[cfg(test)]
mod tests {
    use kaowei_core::ids::{Cell, Fen};
    use kaowei_core::registration::Event;
    use kaowei_core::seats::{By, Change};
    use kaowei_core::sites::{Campus, Scope, TicketPrinting};

    use super::super::pace::SLICE_MIN;
    use super::*;
    use crate::tables::{clear, verify};
    use crate::{Engine, NewPool, Settings, Staff};

    fn campuses(numbers: std::ops::Range<i64>) -> Vec<Event> {
        let campus = |n: i64| Campus {
            code: format!("C{n}").parse().unwrap(),
            name: "校区".into(),
            school: "99101".parse().unwrap(),
            school_name: "学校".into(),
            province: "99".parse().unwrap(),
            province_name: "省".into(),
            ticket_printing: TicketPrinting::Candidate,
        };
        numbers
            .map(|n| Event::CampusSaved {
                campus: Box::new(campus(n)),
                by: By::System,
            })
            .collect()
    }

    /// A journal in which a pool is made in the second slice and changed in the third.
    async fn fill_the_journal(settings: &Settings) {
        let engine = Engine::open(settings.clone()).await.unwrap();
        let staff = Staff {
            subject: "test".into(),
            scope: Scope::National,
        };
        let sitting = r#"{"id":"2026-2","name":"考试","agreement":{"version":"1","text":"协议"},
            "windows":[{"province":"*","paper":"written","opens_at":"2026-09-01T00:00:00Z","closes_at":"2026-12-01T00:00:00Z"}],
            "subjects":[{"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4}]}"#;
        let sitting = serde_json::from_str(sitting).unwrap();
        engine.put_sitting(&staff, sitting).await.unwrap();
        let cell: Cell = "99".parse().unwrap();
        let record = async |events| engine.incarnation().unwrap().record(cell, events).await.unwrap();
        record(campuses(0..SLICE_MIN)).await;
        let new = NewPool {
            capacity: 1,
            open: true,
            fee: Fen(1),
            exam_date: None,
        };
        let pool = "C0-1".parse().unwrap();
        engine.put_pool(&staff, pool, new).await.unwrap();
        record(campuses(SLICE_MIN..2 * SLICE_MIN)).await;
        let change = Change {
            capacity: Some(2),
            ..Change::default()
        };
        engine.change_pool(&staff, pool, change).await.unwrap();
        engine.close().await;
    }

    /// A step of a former incarnation, which ends when the next one has begun, may go further than that one has read.
    #[test]
    fn one_that_was_overtaken_knows_the_pools_that_were_made_meanwhile() {
        actix_rt::System::new().block_on(async {
            let folder = std::env::temp_dir().join(format!("kaowei-{}", uuid::Uuid::now_v7()));
            let settings = Settings::embedded(&folder);
            fill_the_journal(&settings).await;
            let store = Arc::new(Store::open(&settings).await.unwrap());
            clear(&store).await.unwrap();
            let open = || Checkpoint::open(store.clone(), watch::Sender::default());
            let (mut former, mut next) = (open().await.unwrap(), open().await.unwrap());
            for _ in 0..2 {
                assert!(former.step().await.unwrap() > 0);
            }
            while next.step().await.unwrap() > 0 {}
            assert_eq!(next.stuck(), None);
            verify(&store).await.unwrap();
            store.close().await;
            std::fs::remove_dir_all(folder).unwrap();
        });
    }
}
