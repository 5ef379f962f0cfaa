//! The journal's own connection: begin, fence, append, commit. No timeout and no cancellation around any of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use kaowei_core::audit::Hash;
use kaowei_core::ids::{Cell, Sequence};
use kaowei_core::time::Moment;
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use super::rows::SQLITE_ROWS;
use crate::fail_points::{FailPoint, pass};

/// A dedicated connection.
#[derive(Debug)]
pub(crate) enum JournalConnection {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a server.
    Postgres(PgConnection),
}

/// One event as the journal keeps it.
#[derive(Debug, Clone)]
pub(crate) struct JournalRow<'a> {
    pub(crate) cell: Cell,
    pub(crate) position: i64,
    pub(crate) stream: Arc<str>,
    pub(crate) sequence: Sequence,
    pub(crate) kind: &'static str,
    pub(crate) at: Moment,
    pub(crate) payload: Cow<'a, str>,
    pub(crate) hash: Hash,
}

/// How a batch moves one cell on: the fence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellAdvance {
    pub(crate) cell: Cell,
    pub(crate) epoch: i64,
    /// The batch's number, one more than the cell's last.
    pub(crate) batch: i64,
    /// The position of the cell's last event with this batch.
    pub(crate) position: i64,
}

/// What is committed together.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The sign of life that it leaves.
    pub(crate) alive_at: Moment,
    pub(crate) cells: Vec<CellAdvance>,
    pub(crate) rows: Vec<JournalRow<'a>>,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    /// Another server wrote in between: this one leads no longer, or has lost a batch.
    #[error("the fence does not match: another server has written to this store")]
    Fenced,
    /// The store refused what it was given; nothing of it is stored.
    #[error("the store refused the batch: {0}")]
    Definite(#[source] sqlx::Error),
    /// It may be stored or not.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(#[source] sqlx::Error),
    /// The disk failed: what the operating system holds can't be trusted any more.
    #[error("the disk failed: {0}")]
    Disk(#[source] sqlx::Error),
}

impl CommitError {
    /// What an error of the store's own means for a commit.
    pub(crate) fn unknown(error: sqlx::Error) -> Self {
        // An I/O error of SQLite.
        let is_of_the_disk = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .filter(|code| code.len() <= 4)
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| code & 0xff == 10);
        if is_of_the_disk {
            Self::Disk(error)
        } else {
            Self::Unknown(error)
        }
    }
}

const SQLITE_FENCE: &str = "UPDATE cells SET batch = new.batch, position = new.position, heartbeat_at = $2 \
     FROM (SELECT value->>0 AS cell, value->>1 AS epoch, value->>2 AS batch, value->>3 AS position FROM json_each($1)) AS new \
     WHERE cells.cell = new.cell AND cells.epoch = new.epoch AND cells.batch = new.batch - 1";
const POSTGRES_FENCE: &str = "UPDATE cells SET batch = new.batch, position = new.position, heartbeat_at = $5 \
     FROM (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])) AS new (cell, epoch, batch, position) \
     WHERE cells.cell = new.cell AND cells.epoch = new.epoch AND cells.batch = new.batch - 1";
const POSTGRES_APPEND: &str = "INSERT INTO journal (cell, position, stream, sequence, kind, at, payload, hash) \
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bytea[])";
const NEW_CELL: &str = "INSERT INTO cells (cell, epoch, leader, batch, position, heartbeat_at) SELECT CAST($1 AS TEXT), 1, CAST($3 AS TEXT), 0, 0, CAST($2 AS BIGINT) \
     WHERE NOT EXISTS (SELECT 1 FROM cells WHERE leader <> CAST($3 AS TEXT)) \
     ON CONFLICT (cell) DO NOTHING";
const LEAD: &str = "UPDATE cells SET epoch = epoch + 1, leader = $1";
const FOREIGN: &str = "SELECT COUNT(*) FROM cells WHERE leader <> $1";
const CELLS: &str = "SELECT cell, epoch, batch, position, heartbeat_at FROM cells ORDER BY cell";

/// A row of `cells` as it is stored.
pub(crate) type CellRow = (String, i64, i64, i64, i64);

impl JournalConnection {
    /// Commits a batch.
    pub(crate) async fn append(&mut self, batch: &Batch<'_>) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(connection) => append_sqlite(connection, batch).await,
            Self::Postgres(connection) => append_postgres(connection, batch).await,
        }
    }

    /// Adds a cell that this store has not seen before.
    pub(crate) async fn add_cell(
        &mut self,
        cell: Cell,
        leader: &str,
        now: Moment,
    ) -> Result<(), sqlx::Error> {
        let (cell, now) = (cell.as_str(), now.unix_ms());
        match self {
            Self::Sqlite(connection) => sqlx::query(NEW_CELL)
                .bind(cell)
                .bind(now)
                .bind(leader)
                .execute(connection)
                .await
                .map(|_| ()),
            Self::Postgres(connection) => sqlx::query(NEW_CELL)
                .bind(cell)
                .bind(now)
                .bind(leader)
                .execute(connection)
                .await
                .map(|_| ()),
        }
    }

    /// All cells as they are stored.
    pub(crate) async fn cells(&mut self) -> Result<Vec<CellRow>, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlx::query_as(CELLS).fetch_all(connection).await,
            Self::Postgres(connection) => sqlx::query_as(CELLS).fetch_all(connection).await,
        }
    }

    /// Takes the lead of all cells: every epoch is bumped, which waits for a commit that was thought lost on the same
    /// rows, and shuts out whoever led before. `again`: only if nobody else has led since.
    pub(crate) async fn lead(&mut self, leader: &str, again: bool) -> Result<bool, sqlx::Error> {
        if again && self.led_by_others(leader).await? {
            return Ok(false);
        }
        match self {
            Self::Sqlite(connection) => sqlx::query(LEAD)
                .bind(leader)
                .execute(connection)
                .await
                .map(|_| true),
            Self::Postgres(connection) => sqlx::query(LEAD)
                .bind(leader)
                .execute(connection)
                .await
                .map(|_| true),
        }
    }

    async fn led_by_others(&mut self, leader: &str) -> Result<bool, sqlx::Error> {
        let (foreign,): (i64,) = match self {
            Self::Sqlite(connection) => sqlx::query_as(FOREIGN).bind(leader).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_as(FOREIGN).bind(leader).fetch_one(connection).await?,
        };
        Ok(foreign > 0)
    }

    /// The store's own clock; none where it is this machine's.
    pub(crate) async fn clock(&mut self) -> Result<Option<Moment>, sqlx::Error> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(connection) => {
                let (ms,): (i64,) =
                    sqlx::query_as("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
                        .fetch_one(connection)
                        .await?;
                Ok(Some(Moment::from_unix_ms(ms)))
            }
        }
    }

    /// Closes the connection.
    pub(crate) async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            tracing::warn!(%error, "the journal's connection did not close cleanly; all that was acknowledged is stored");
        }
    }
}

async fn append_sqlite(connection: &mut SqliteConnection, batch: &Batch<'_>) -> Result<(), CommitError> {
    let written = write_sqlite(connection, batch).await;
    match written {
        Ok(()) => {
            let committed = connection.execute("COMMIT").await;
            pass(FailPoint::Committed);
            committed.map(|_| ()).map_err(CommitError::unknown)
        }
        Err(error) => match connection.execute("ROLLBACK").await {
            Ok(_) => Err(error),
            Err(rollback) => Err(not_rolled_back(error, rollback)),
        },
    }
}

async fn write_sqlite(connection: &mut SqliteConnection, batch: &Batch<'_>) -> Result<(), CommitError> {
    connection
        .execute("BEGIN IMMEDIATE")
        .await
        .map_err(CommitError::unknown)?;
    pass(FailPoint::TransactionBegun);
    let fenced = sqlx::query(SQLITE_FENCE)
        .bind(cells_json(&batch.cells)?)
        .bind(batch.alive_at.unix_ms())
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
    check_fence(batch, fenced.rows_affected())?;
    pass(FailPoint::FencePassed);
    let mut rows = batch.rows.as_slice();
    for size in SQLITE_ROWS {
        while let Some((now, later)) = rows.split_at_checked(size) {
            insert_sqlite(connection, now).await.map_err(refused)?;
            rows = later;
        }
    }
    pass(FailPoint::EventsWritten);
    Ok(())
}

/// The statement for so many rows, whose values are bound one by one: unfolding JSON stood high in the profile. Kept, since sqlx finds a prepared statement by its text.
fn sqlite_insert(rows: usize) -> &'static str {
    static TEXTS: LazyLock<HashMap<usize, String>> = LazyLock::new(|| {
        let text = |rows: usize| {
            let places = vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
            format!(
                "INSERT INTO journal (cell, position, stream, sequence, kind, at, payload, hash) VALUES {places}"
            )
        };
        SQLITE_ROWS.into_iter().map(|rows| (rows, text(rows))).collect()
    });
    TEXTS.get(&rows).map_or("", String::as_str)
}

async fn insert_sqlite(
    connection: &mut SqliteConnection,
    rows: &[JournalRow<'_>],
) -> Result<(), sqlx::Error> {
    let mut insert = sqlx::query(sqlite_insert(rows.len()));
    for row in rows {
        insert = insert
            .bind(row.cell.as_str())
            .bind(row.position)
            .bind(&*row.stream)
            .bind(stored_sequence(row.sequence))
            .bind(row.kind)
            .bind(row.at.unix_ms())
            .bind(&*row.payload)
            .bind(row.hash.0.as_slice());
    }
    insert.execute(connection).await.map(|_| ())
}

async fn append_postgres(connection: &mut PgConnection, batch: &Batch<'_>) -> Result<(), CommitError> {
    connection.execute("BEGIN").await.map_err(CommitError::unknown)?;
    pass(FailPoint::TransactionBegun);
    match write_postgres(connection, batch).await {
        Ok(()) => {
            pass(FailPoint::EventsWritten);
            let committed = connection.execute("COMMIT").await;
            pass(FailPoint::Committed);
            committed.map(|_| ()).map_err(CommitError::unknown)
        }
        Err(error) => match connection.execute("ROLLBACK").await {
            Ok(_) => Err(error),
            Err(rollback) => Err(not_rolled_back(error, rollback)),
        },
    }
}

async fn write_postgres(connection: &mut PgConnection, batch: &Batch<'_>) -> Result<(), CommitError> {
    let cells = &batch.cells;
    let fenced = sqlx::query(POSTGRES_FENCE)
        .bind(
            cells
                .iter()
                .map(|cell| cell.cell.as_str().to_owned())
                .collect::<Vec<_>>(),
        )
        .bind(cells.iter().map(|cell| cell.epoch).collect::<Vec<_>>())
        .bind(cells.iter().map(|cell| cell.batch).collect::<Vec<_>>())
        .bind(cells.iter().map(|cell| cell.position).collect::<Vec<_>>())
        .bind(batch.alive_at.unix_ms())
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
    check_fence(batch, fenced.rows_affected())?;
    pass(FailPoint::FencePassed);
    let rows = &batch.rows;
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(POSTGRES_APPEND)
        .bind(rows.iter().map(|row| row.cell.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.stream).collect::<Vec<_>>())
        .bind(
            rows.iter()
                .map(|row| stored_sequence(row.sequence))
                .collect::<Vec<_>>(),
        )
        .bind(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.at.unix_ms()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.payload).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.hash.0.as_slice()).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map_err(refused)?;
    Ok(())
}

fn check_fence(batch: &Batch<'_>, passed: u64) -> Result<(), CommitError> {
    if passed == batch.cells.len() as u64 {
        Ok(())
    } else {
        Err(CommitError::Fenced)
    }
}

pub(super) fn stored_sequence(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

fn cells_json(cells: &[CellAdvance]) -> Result<String, CommitError> {
    let rows: Vec<_> = cells
        .iter()
        .map(|cell| (cell.cell.as_str(), cell.epoch, cell.batch, cell.position))
        .collect();
    serde_json::to_string(&rows).map_err(unwritable)
}

/// What can't be written as JSON was never sent.
fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> CommitError {
    CommitError::Definite(sqlx::Error::Encode(error.into()))
}

/// Whether the store said no to what it was given, and will again: nothing of the transaction is stored.
pub(crate) fn is_definite(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // SQLite: constraint, mismatch, range; the extended code's low byte.
            Some(code) if code.len() <= 4 && code.bytes().all(|byte| byte.is_ascii_digit()) => code
                .parse::<u32>()
                .is_ok_and(|code| matches!(code & 0xff, 18 | 19 | 20 | 25)),
            // PostgreSQL: data exceptions and constraints.
            Some(code) => code.starts_with("22") || code.starts_with("23"),
            None => false,
        },
        sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// An error of a statement inside the transaction: the store said no, unless it is gone.
fn refused(error: sqlx::Error) -> CommitError {
    if is_definite(&error) {
        CommitError::Definite(error)
    } else {
        CommitError::unknown(error)
    }
}

/// A transaction that can't even be rolled back makes the outcome unknown. What was unknown stays what it was: SQLite
/// may have rolled back by itself, and does so wherever the disk failed.
fn not_rolled_back(error: CommitError, rollback: sqlx::Error) -> CommitError {
    match error {
        CommitError::Disk(_) | CommitError::Unknown(_) => error,
        CommitError::Fenced | CommitError::Definite(_) => CommitError::unknown(rollback),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// What a store says, by its code.
    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Said(&'static str);

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn said(code: &'static str) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Said(code)))
    }

    /// SQLite has rolled back by itself then, and has no transaction to roll back (code 1).
    #[test]
    fn a_disk_that_failed_within_a_transaction_stops_the_process() {
        let failed = not_rolled_back(refused(said("266")), said("1"));
        assert!(matches!(failed, CommitError::Disk(_)), "{failed:?}");
    }

    #[test]
    fn a_refusal_that_can_t_be_rolled_back_is_of_unknown_outcome() {
        for error in [refused(said("2067")), refused(said("23505")), CommitError::Fenced] {
            let failed = not_rolled_back(error, said("08006"));
            assert!(matches!(failed, CommitError::Unknown(_)), "{failed:?}");
        }
    }
}
