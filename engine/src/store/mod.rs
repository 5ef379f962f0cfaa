//! Both stores: where bytes become durable. An enum of two, since there are two.
//!
//! The journal has a connection of its own (`store/journal.rs`); everything else goes through pools. Statements
//! over many rows bind their values, an array a column or many rows at a time (`store/rows.rs`).
//!
//! On SQLite persons' data and the tables are files of their own: one writer a file, so that neither a checkpoint
//! nor an import ever stalls a claim.

mod connect;
mod journal;
mod rows;
mod secrets;

pub(crate) use connect::{Db, Store, folders};
pub(crate) use journal::{Batch, CellAdvance, CommitError, JournalConnection, JournalRow, is_definite};
pub(crate) use rows::{Statement, Value};
pub(crate) use secrets::{SealError, Secrets};

/// Whether both stores can keep a text: PostgreSQL keeps no U+0000. What callers hand in is checked with this before
/// anything is decided, or the tables could never take over what the journal says.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Runs the same expression on either kind of connection pool.
macro_rules! on {
    ($db:expr, $pool:ident => $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite($pool) => $body,
            $crate::store::Db::Postgres($pool) => $body,
        }
    };
}
pub(crate) use on;
