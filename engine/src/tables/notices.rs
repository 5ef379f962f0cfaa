//! The tables of notices (R36): each is an event of the journal, written in the transaction that takes the event over,
//! so that a crash neither loses one nor makes a second.

use std::collections::BTreeMap;

use kaowei_core::cell;
use kaowei_core::ids::{CandidateId, Cell, PoolId};
use kaowei_core::notices::{Notice, NoticeId};
use kaowei_core::registration;
use kaowei_core::seats;
use kaowei_core::time::{Moment, Span};

use crate::failure::OpenError;
use crate::recovery::{Reminded, StoredEvent, events_after};
use crate::store::{Db, Statement, Store, on};

/// A row as it is written: cell, position, candidate, at, body.
type Written = (String, i64, CandidateId, Moment, String);

/// A notice as the tables have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeRow {
    pub(crate) id: NoticeId,
    pub(crate) candidate: CandidateId,
    pub(crate) at: Moment,
    pub(crate) notice: Notice,
}

/// What a slice of the journal adds.
#[derive(Debug, Default)]
pub(super) struct NoticeFold {
    rows: Vec<Written>,
    reminders: BTreeMap<(String, Span), Moment>,
}

impl NoticeFold {
    pub(super) fn add_pool(
        &mut self,
        cell: &str,
        position: i64,
        at: Moment,
        pool: PoolId,
        event: &seats::Event,
    ) -> Result<(), OpenError> {
        self.add(cell, position, at, Notice::of_pool(pool, event))
    }

    pub(super) fn add_cell(
        &mut self,
        cell: &str,
        position: i64,
        at: Moment,
        event: &cell::Event,
    ) -> Result<(), OpenError> {
        if let cell::Event::Registration(registration::Event::DeadlineNear { lead, held_until, .. }) = event {
            let latest = self.reminders.entry((cell.into(), *lead)).or_insert(*held_until);
            *latest = (*latest).max(*held_until);
        }
        self.add(cell, position, at, Notice::of_cell(event))
    }

    fn add(
        &mut self,
        cell: &str,
        position: i64,
        at: Moment,
        notice: Option<(CandidateId, Notice)>,
    ) -> Result<(), OpenError> {
        if let Some((candidate, notice)) = notice {
            let body =
                serde_json::to_string(&notice).map_err(|error| OpenError::Damaged(error.to_string()))?;
            self.rows.push((cell.into(), position, candidate, at, body));
        }
        Ok(())
    }
}

pub(super) fn statements(fold: &NoticeFold) -> [Statement<'_>; 2] {
    const ADD: &str = "INSERT INTO notices (cell, position, candidate, at, body) {rows}";
    // A deadline may be moved, so a later reminder may be of an earlier one.
    const LATER: &str = "INSERT INTO reminders (cell, lead_ms, held_until) {rows} WHERE true \
         ON CONFLICT (cell, lead_ms) DO UPDATE SET held_until = excluded.held_until \
         WHERE excluded.held_until > reminders.held_until";
    let added = fold.rows.iter().map(|(cell, position, candidate, at, body)| {
        [
            cell.as_str().into(),
            (*position).into(),
            (*candidate).into(),
            (*at).into(),
            body.as_str().into(),
        ]
    });
    let reminded = fold
        .reminders
        .iter()
        .map(|((cell, lead), held_until)| [cell.as_str().into(), lead.as_ms().into(), (*held_until).into()]);
    [
        Statement::new(ADD, &["cell", "position", "candidate", "at", "body"], added),
        Statement::new(LATER, &["cell", "lead_ms", "held_until"], reminded),
    ]
}

/// Up to which payment deadline candidates have been reminded.
pub(crate) async fn read_reminders(tables: &Db) -> Result<Reminded, OpenError> {
    let rows: Vec<(String, i64, i64)> = on!(tables, pool => {
        sqlx::query_as("SELECT cell, lead_ms, held_until FROM reminders").fetch_all(pool).await?
    });
    rows.into_iter()
        .map(|(cell, lead_ms, held_until)| {
            let lead = u32::try_from(lead_ms).map(Span::from_ms);
            let (Ok(cell), Ok(lead)) = (cell.parse(), lead) else {
                return Err(OpenError::Damaged(format!(
                    "the row of cell {cell}'s reminders can't be read"
                )));
            };
            Ok(((cell, lead), Moment::from_unix_ms(held_until)))
        })
        .collect()
}

const OF_CANDIDATE: &str = "SELECT cell, position, candidate, at, body FROM notices \
     WHERE candidate = $1 AND cell = $2 AND position > $3 ORDER BY position LIMIT $4";
const AFTER: &str = "SELECT cell, position, candidate, at, body FROM notices \
     WHERE cell = $1 AND position > $2 ORDER BY position LIMIT $3";

/// A candidate's notices after a position, oldest first.
pub(crate) async fn notices_of(
    tables: &Db,
    candidate: CandidateId,
    after: NoticeId,
    limit: i64,
) -> Result<Vec<NoticeRow>, OpenError> {
    let rows: Vec<(String, i64, i64, i64, String)> = on!(tables, pool => {
        sqlx::query_as(OF_CANDIDATE)
            .bind(candidate.0)
            .bind(after.cell.as_str().to_owned())
            .bind(after.position)
            .bind(limit)
            .fetch_all(pool)
            .await?
    });
    rows.into_iter().map(read).collect()
}

/// A cell's notices after a position, oldest first.
pub(crate) async fn notices_after(
    tables: &Db,
    cell: &str,
    position: i64,
    limit: i64,
) -> Result<Vec<NoticeRow>, OpenError> {
    let rows: Vec<(String, i64, i64, i64, String)> = on!(tables, pool => {
        sqlx::query_as(AFTER).bind(cell.to_owned()).bind(position).bind(limit).fetch_all(pool).await?
    });
    rows.into_iter().map(read).collect()
}

fn read(
    (cell, position, candidate, at, body): (String, i64, i64, i64, String),
) -> Result<NoticeRow, OpenError> {
    let damaged = || OpenError::Damaged(format!("notice {position} of cell {cell} can't be read"));
    let cell: Cell = cell.parse().map_err(|_| damaged())?;
    Ok(NoticeRow {
        id: NoticeId { cell, position },
        candidate: CandidateId(candidate),
        at: Moment::from_unix_ms(at),
        notice: serde_json::from_str(&body).map_err(|_| damaged())?,
    })
}

/// How many are compared at once.
const SLICE: i64 = 20_000;

/// Compares the notices in the tables with those that the journal's events are.
pub(super) async fn verify(store: &Store) -> Result<(), OpenError> {
    let cells: Vec<(String, i64)> = on!(&store.tables, pool => {
        sqlx::query_as("SELECT cell, position FROM checkpoint").fetch_all(pool).await?
    });
    for (cell, end) in cells {
        let mut position = 0;
        while position < end {
            let events = events_after(&store.journal, &cell, position, SLICE.min(end - position)).await?;
            let Some(last) = events.last() else { break };
            let wanted = notices_in(&events)?;
            let found = notices_after(&store.tables, &cell, position, SLICE).await?;
            position = last.1;
            if !found
                .iter()
                .filter(|row| row.id.position <= position)
                .eq(wanted.iter())
            {
                return Err(OpenError::Damaged(format!(
                    "tables and journal differ in the notices of cell {cell} up to position {position}"
                )));
            }
        }
    }
    Ok(())
}

fn notices_in(events: &[StoredEvent]) -> Result<Vec<NoticeRow>, OpenError> {
    let mut fold = NoticeFold::default();
    for (cell, position, stream, _, kind, at, payload, _) in events {
        let at = Moment::from_unix_ms(*at);
        if stream.starts_with("cell:") {
            fold.add_cell(cell, *position, at, &cell::Event::read(kind, payload)?)?;
        } else {
            let pool = stream
                .parse()
                .map_err(|_| OpenError::Damaged(format!("{stream:?} is not a stream")))?;
            fold.add_pool(cell, *position, at, pool, &seats::Event::read(kind, payload)?)?;
        }
    }
    fold.rows
        .into_iter()
        .map(|(cell, position, candidate, at, body)| read((cell, position, candidate.0, at.unix_ms(), body)))
        .collect()
}
