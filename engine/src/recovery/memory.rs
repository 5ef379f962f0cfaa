//! What recovery gathers: the state that all committed events together make.

use std::collections::HashMap;

use kaowei_core::audit::{ChainHead, Hash, Record, Seal, verify};
use kaowei_core::cell;
use kaowei_core::ids::{CandidateId, Cell, PoolId, Sequence};
use kaowei_core::registration::{self, Candidate, StaffAccounts};
use kaowei_core::seats::{self, Pool, PoolFacts, Settings};
use kaowei_core::sites::{Sitting, Tree};
use kaowei_core::time::{Moment, Span};

use crate::fail_points::{FailPoint, pass};
use crate::failure::OpenError;
use crate::store::{Db, Store, on};
use crate::views::ExpiryStatus;

/// How many events are read at once.
const SLICE: i64 = 20_000;

/// From what to recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Tables, then the journal behind their checkpoint.
    Tables,
    /// The journal alone, from its first event.
    Journal,
}

/// One pool, recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolMemory {
    pub(crate) facts: PoolFacts,
    pub(crate) pool: Pool,
    pub(crate) head: ChainHead,
}

/// All that was recovered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) pools: HashMap<PoolId, PoolMemory>,
    pub(crate) candidates: HashMap<CandidateId, Candidate>,
    pub(crate) sitting: Option<Sitting>,
    pub(crate) tree: Tree,
    pub(crate) expiry: ExpiryStatus,
    /// The chains of what belongs to no pool.
    pub(crate) cells: HashMap<Cell, ChainHead>,
    /// The latest instant of any event.
    pub(crate) last_at: Moment,
    /// Up to which payment deadline each cell's candidates have been reminded, by lead (R36).
    pub(crate) reminded: Reminded,
    /// Who of the staff has an account (R32).
    pub(crate) staff: StaffAccounts,
}

/// The latest payment deadline of which a cell's candidates have been reminded so long before it.
pub(crate) type Reminded = HashMap<(Cell, Span), Moment>;

/// A row of the journal as it is read: cell, position, stream, sequence, kind, at, payload, hash.
pub(crate) type StoredEvent = (String, i64, String, i64, String, i64, String, Vec<u8>);

const EVENTS_AFTER: &str = "SELECT cell, position, stream, sequence, kind, at, payload, hash FROM journal \
     WHERE cell = $1 AND position > $2 ORDER BY position LIMIT $3";

/// The next slice of a cell's events.
pub(crate) async fn events_after(
    journal: &Db,
    cell: &str,
    position: i64,
    limit: i64,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    on!(journal, pool => {
        sqlx::query_as(EVENTS_AFTER).bind(cell).bind(position).bind(limit).fetch_all(pool).await
    })
}

/// Reads everything.
pub(crate) async fn load(store: &Store, source: Source) -> Result<Memory, OpenError> {
    let _undisturbed = store.tables_lock.lock().await;
    let (mut memory, reached) = match source {
        Source::Journal => (Memory::empty(), HashMap::new()),
        Source::Tables => {
            let read = super::tables::read(&store.tables).await?;
            pass(FailPoint::RecoveryTables);
            read
        }
    };
    let cells: Vec<(String, i64)> = on!(&store.journal, pool => sqlx::query_as("SELECT cell, position FROM cells ORDER BY cell").fetch_all(pool).await?);
    for (cell, end) in cells {
        let mut position = reached.get(&cell).copied().unwrap_or(0);
        if position > end {
            return Err(OpenError::Damaged(format!(
                "the tables of cell {cell} have reached position {position}, its journal only {end}: \
                 if the journal is the one to keep, run `kaowei rebuild`"
            )));
        }
        if position > 0 {
            memory.fits_the_journal(store, &cell, position).await?;
        }
        loop {
            let slice = events_after(&store.journal, &cell, position, SLICE).await?;
            let Some(last) = slice.last() else { break };
            position = last.1;
            for event in &slice {
                memory.apply(event)?;
            }
        }
        // More may have been written meanwhile, when one pool is rebuilt while the others go on.
        if position < end {
            return Err(OpenError::Damaged(format!(
                "the journal of cell {cell} ends at position {position}, its cell says {end}"
            )));
        }
    }
    pass(FailPoint::RecoveryJournal);
    Ok(memory)
}

impl Memory {
    pub(crate) fn empty() -> Self {
        Self {
            pools: HashMap::new(),
            candidates: HashMap::new(),
            sitting: None,
            tree: Tree::default(),
            expiry: ExpiryStatus {
                running: true,
                since: None,
                reason: None,
            },
            cells: HashMap::new(),
            last_at: Moment::MIN,
            reminded: Reminded::new(),
            staff: StaffAccounts::default(),
        }
    }

    /// The tables have reached this event of this journal, not one of another that happens to be as long.
    async fn fits_the_journal(&self, store: &Store, cell: &str, position: i64) -> Result<(), OpenError> {
        let last = events_after(&store.journal, cell, position - 1, 1).await?;
        let stands = last.first().and_then(|(_, _, stream, _, _, _, _, hash)| {
            let head = match stream.strip_prefix("cell:") {
                Some(cell) => *self.cells.get(&cell.parse().ok()?)?,
                None => self.pools.get(&stream.parse().ok()?)?.head,
            };
            Some(head.hash.0.as_slice() == hash.as_slice())
        });
        if stands == Some(true) {
            return Ok(());
        }
        Err(OpenError::Damaged(format!(
            "the tables of cell {cell} are not made from its journal, at position {position}: \
             if the journal is the one to keep, run `kaowei rebuild`"
        )))
    }

    /// Makes one event so, after its hash has been verified.
    pub(crate) fn apply(&mut self, event: &StoredEvent) -> Result<(), OpenError> {
        let (cell, _, stream, sequence, kind, at, payload, hash) = event;
        let at = Moment::from_unix_ms(*at);
        let record = Record {
            stream,
            kind,
            at,
            payload,
        };
        let sequence = Sequence(u64::try_from(*sequence).unwrap_or(0));
        let hash = Hash(
            hash.as_slice()
                .try_into()
                .map_err(|_| OpenError::Damaged(format!("{stream}: sequence {} has no hash", sequence.0)))?,
        );
        self.last_at = self.last_at.max(at);
        if stream.starts_with("cell:") {
            let cell: Cell = cell
                .parse()
                .map_err(|_| OpenError::Damaged(format!("{cell:?} is not a cell")))?;
            verify(self.cells.entry(cell).or_default(), record, sequence, hash)?;
            self.apply_cell(cell, &cell::Event::read(kind, payload)?, at);
            return Ok(());
        }
        let id: PoolId = stream
            .parse()
            .map_err(|_| OpenError::Damaged(format!("{stream:?} is not a stream")))?;
        let event = seats::Event::read(kind, payload)?;
        if let seats::Event::PoolCreated {
            site,
            paper,
            level,
            requires,
            ..
        } = &event
        {
            let facts = PoolFacts {
                id,
                site: *site,
                paper: *paper,
                level: *level,
                requires: *requires,
            };
            self.pools.entry(id).or_insert_with(|| PoolMemory {
                facts,
                pool: Pool::new(Settings::none()),
                head: ChainHead::default(),
            });
        }
        let memory = self
            .pools
            .get_mut(&id)
            .ok_or_else(|| OpenError::Damaged(format!("{stream}: the pool's first event is missing")))?;
        let seal = verify(&mut memory.head, record, sequence, hash)?;
        memory.pool.fits(&event)?;
        memory.pool.evolve(&event);
        let facts = memory.facts;
        self.settle(&facts, &event, &seal);
        Ok(())
    }

    fn settle(&mut self, facts: &PoolFacts, event: &seats::Event, seal: &Seal) {
        if let Some((_, candidate)) = event.claim() {
            self.candidates
                .entry(candidate)
                .or_default()
                .settle(facts, event, seal);
        }
    }

    fn apply_cell(&mut self, cell: Cell, event: &cell::Event, at: Moment) {
        let candidate = event.candidate();
        let candidate = candidate.map(|id| self.candidates.entry(id).or_default());
        let event = match event {
            cell::Event::Payment(event) => {
                if let Some(candidate) = candidate {
                    candidate.evolve_order(event, at);
                }
                return;
            }
            cell::Event::Registration(event) => event,
        };
        if let Some(candidate) = candidate {
            candidate.evolve(event, at);
        }
        match event {
            registration::Event::SittingSaved { sitting, .. } => self.sitting = Some((**sitting).clone()),
            registration::Event::CampusSaved { campus, .. } => self.tree.save((**campus).clone()),
            registration::Event::ExpirySuspended { reason, .. } => {
                self.expiry = ExpiryStatus {
                    running: false,
                    since: Some(at),
                    reason: Some(reason.clone()),
                };
            }
            registration::Event::ExpiryResumed { reason, .. } => {
                self.expiry = ExpiryStatus {
                    running: true,
                    since: None,
                    reason: Some(reason.clone()),
                };
            }
            registration::Event::DeadlineNear { lead, held_until, .. } => {
                let reminded = self.reminded.entry((cell, *lead)).or_insert(*held_until);
                *reminded = (*reminded).max(*held_until);
            }
            registration::Event::StaffAccountCreated { .. }
            | registration::Event::StaffAccountRevoked { .. } => self.staff.evolve(cell, event, at),
            registration::Event::AgreementAccepted { .. }
            | registration::Event::Enrolled { .. }
            | registration::Event::EnrolmentDeleted { .. }
            | registration::Event::EnrolmentExtended { .. }
            | registration::Event::ScoreReportsChosen { .. }
            | registration::Event::QuickPrintSet { .. }
            | registration::Event::EnrolmentKeyRemembered { .. }
            | registration::Event::ReviewApplied { .. }
            | registration::Event::ReviewDecided { .. }
            | registration::Event::ReviewDeleted { .. }
            | registration::Event::Imported { .. } => {}
        }
    }
}
