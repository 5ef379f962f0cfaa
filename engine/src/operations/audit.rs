//! The audit trail of one stream (R35).

use kaowei_core::audit::Hash;
use kaowei_core::ids::{Cell, PoolId, Sequence};
use kaowei_core::time::Moment;
use serde_json::value::RawValue;

use super::Staff;
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::store::{Db, Store, on};

/// Whose trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditStream {
    /// One pool's.
    Pool(PoolId),
    /// All of a cell that belongs to no pool.
    Cell(Cell),
}

/// One record of the trail.
#[derive(Debug, Clone)]
pub struct AuditRecord {
    /// Its number.
    pub sequence: Sequence,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Moment,
    /// The rest, as it is stored and hashed.
    pub payload: Box<RawValue>,
    /// The chain's hash there.
    pub hash: Hash,
}

const PLACES: &str =
    "SELECT cell, position FROM stream_index WHERE stream = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
const EVENT: &str = "SELECT sequence, kind, at, payload, hash FROM journal WHERE cell = $1 AND position = $2";

impl Engine {
    /// The records of a stream after a sequence number, oldest first.
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`].
    pub async fn audit(
        &self,
        staff: &Staff,
        stream: AuditStream,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<AuditRecord>, Denied> {
        let incarnation = self.incarnation()?;
        let (name, cell) = match stream {
            AuditStream::Pool(id) => {
                let pool = incarnation.pool(id).ok_or(Denied::NotFound)?;
                if !staff.scope.covers(pool.facts.site) {
                    return Err(Denied::OutOfScope);
                }
                (id.to_string(), pool.facts.site.province)
            }
            AuditStream::Cell(cell) => {
                if !staff.scope.covers_province(cell) {
                    return Err(Denied::OutOfScope);
                }
                (format!("cell:{cell}"), cell)
            }
        };
        self.caught_up(Some(cell)).await?;
        let records = read(&self.inner.store, &name, after, limit).await;
        records.map_err(|error| {
            tracing::warn!(%error, "the audit trail can't be read");
            Denied::Failed(Failure::StoreUnavailable)
        })
    }
}

async fn read(
    store: &Store,
    stream: &str,
    after: Sequence,
    limit: usize,
) -> Result<Vec<AuditRecord>, sqlx::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let places: Vec<(String, i64)> = on!(&store.tables, pool => {
        sqlx::query_as(PLACES).bind(stream).bind(after).bind(limit).fetch_all(pool).await?
    });
    let mut records = Vec::with_capacity(places.len());
    for (cell, position) in places {
        records.push(event(&store.journal, &cell, position).await?);
    }
    Ok(records)
}

async fn event(journal: &Db, cell: &str, position: i64) -> Result<AuditRecord, sqlx::Error> {
    let (sequence, kind, at, payload, hash): (i64, String, i64, String, Vec<u8>) = on!(journal, pool => {
        sqlx::query_as(EVENT).bind(cell).bind(position).fetch_one(pool).await?
    });
    let decode = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    Ok(AuditRecord {
        sequence: Sequence(u64::try_from(sequence).unwrap_or(0)),
        kind,
        at: Moment::from_unix_ms(at),
        payload: RawValue::from_string(payload).map_err(decode)?,
        hash: Hash(hash.try_into().unwrap_or_default()),
    })
}
