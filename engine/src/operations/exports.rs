//! Exports as CSV (R33, R35): read slice by slice, so that memory stays flat however long the table.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use kaowei_core::ids::{Cell, national_cell};
use kaowei_core::payment::{Order, State};
use kaowei_core::sites::Scope;
use kaowei_core::time::Moment;
use sqlx::AssertSqlSafe;

use super::Staff;
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::incarnation::Incarnation;
use crate::store::{Db, on};
use crate::tables::read_order;

/// How many rows are read at once.
const SLICE: i64 = 5_000;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// Claims, whatever their state.
    Claims,
    /// Enrolments.
    Enrolments,
    /// Orders, whatever their state.
    Orders,
    /// The journal.
    Audit,
}

/// A stream of CSV text.
pub type CsvStream = BoxStream<'static, Result<Bytes, Failure>>;

const CLAIMS_HEADER: &str = "claim,pool,candidate,state,seq,chain_hash,state_seq,state_hash,created_at,held_until,queued_at,gone_at,registered_by,fee_fen\n";
const ENROLMENTS_HEADER: &str =
    "candidate,record,record_version,campus,school,province,saved_at,delete_after\n";
const ORDERS_HEADER: &str = "order,candidate,claims,paper,method,amount_fen,state,received_fen,settled_fen,refunded_fen,pending_fen,created_at,expires_at,paid_at\n";
const AUDIT_HEADER: &str = "cell,position,stream,sequence,kind,at,payload,hash\n";

impl Engine {
    /// Exports what lies below the scope, as of now: all that was committed when it was asked is in it.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn export(&self, staff: &Staff, kind: ExportKind) -> Result<CsvStream, Denied> {
        let incarnation = self.incarnation()?;
        let store = &self.inner.store;
        let cell = cell_of(&incarnation, staff.scope);
        Ok(match kind {
            ExportKind::Claims => {
                self.caught_up(cell).await?;
                claims(store.tables.clone(), staff.scope)
            }
            ExportKind::Enrolments => {
                self.caught_up(cell).await?;
                enrolments(store.tables.clone(), staff.scope)
            }
            ExportKind::Orders => {
                self.caught_up(cell).await?;
                orders(store.tables.clone(), staff.scope)
            }
            // The journal itself, which the tables may be behind.
            ExportKind::Audit => {
                incarnation.barrier().await?;
                audit(store.journal.clone(), Trail::below(&incarnation, staff.scope))
            }
        })
    }
}

/// The cell in which all that lies below a scope is; none where that is all cells.
pub(super) fn cell_of(incarnation: &Incarnation, scope: Scope) -> Option<Cell> {
    match scope {
        Scope::National => None,
        Scope::Province(code) => Some(code),
        Scope::School(code) => incarnation.catalogue().tree.province_of(code),
    }
}

/// The rows of a table in slices: `next` reads the slice after a key and says where it ended.
fn slices<K, F>(header: &'static str, first: K, next: impl Fn(K) -> F + Send + 'static) -> CsvStream
where
    K: Send + 'static,
    F: Future<Output = Result<Option<(String, K)>, sqlx::Error>> + Send + 'static,
{
    let head = futures_util::stream::once(async move { Ok(Bytes::from_static(header.as_bytes())) });
    let rows = unfold((Some(first), next), async |(key, next)| match next(key?).await {
        Ok(Some((text, key))) => Some((Ok(Bytes::from(text)), (Some(key), next))),
        Ok(None) => None,
        Err(error) => {
            tracing::warn!(%error, "an export was cut off: the store does not answer");
            Some((Err(Failure::StoreUnavailable), (None, next)))
        }
    });
    head.chain(rows).boxed()
}

/// The condition that a scope puts on rows with those columns.
pub(super) fn below(scope: Scope, province: &str, school: &str) -> (String, String) {
    match scope {
        Scope::National => ("'' = $1".into(), String::new()),
        Scope::Province(code) => (format!("{province} = $1"), code.to_string()),
        Scope::School(code) => (format!("{school} = $1"), code.to_string()),
    }
}

type ClaimCells = (
    String,
    i64,
    i64,
    String,
    i64,
    Vec<u8>,
    i64,
    Vec<u8>,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    String,
    i64,
);

fn claims(tables: Db, scope: Scope) -> CsvStream {
    let (condition, code) = below(scope, "pools.province", "pools.school");
    let sql = format!(
        "SELECT claims.pool, number, candidate, state, sequence, chain_hash, state_sequence, state_hash, created_at, \
         held_until, first_position, state_at, registered_by, claims.fee_fen FROM claims JOIN pools ON pools.pool = claims.pool \
         WHERE {condition} AND (claims.pool > $2 OR (claims.pool = $2 AND number > $3)) ORDER BY claims.pool, number LIMIT $4"
    );
    slices(
        CLAIMS_HEADER,
        (String::new(), 0_i64),
        move |(pool_after, number_after)| {
            let (tables, sql, code) = (tables.clone(), sql.clone(), code.clone());
            async move {
                let rows: Vec<ClaimCells> = on!(&tables, pool => {
                    sqlx::query_as(AssertSqlSafe(sql))
                        .bind(code)
                        .bind(pool_after)
                        .bind(number_after)
                        .bind(SLICE)
                        .fetch_all(pool)
                        .await?
                });
                let Some(last) = rows.last().map(|row| (row.0.clone(), row.1)) else {
                    return Ok(None);
                };
                Ok(Some((rows.iter().map(claim_line).collect(), last)))
            }
        },
    )
}

fn claim_line(row: &ClaimCells) -> String {
    let (
        pool,
        number,
        candidate,
        state,
        seq,
        hash,
        state_seq,
        state_hash,
        created,
        until,
        position,
        at,
        by,
        fee,
    ) = row;
    let created_at = instant(*created);
    let held_until = until.map(instant).unwrap_or_default();
    let queued_at = if position.is_some() {
        created_at.clone()
    } else {
        String::new()
    };
    let gone = !matches!(state.as_str(), "held" | "waiting" | "paid");
    let gone_at = if gone { instant(*at) } else { String::new() };
    let (hash, state_hash) = (hex::encode(hash), hex::encode(state_hash));
    format!(
        "{pool}-{number},{pool},{candidate},{state},{seq},{hash},{state_seq},{state_hash},{created_at},{held_until},{queued_at},{gone_at},{by},{fee}\n"
    )
}

type EnrolmentCells = (i64, i64, i64, String, String, String, i64, i64);

fn enrolments(tables: Db, scope: Scope) -> CsvStream {
    let (condition, code) = below(scope, "province", "school");
    let sql = format!(
        "SELECT candidate, record, record_version, campus, school, province, saved_at, delete_after FROM enrolments \
         WHERE {condition} AND candidate > $2 ORDER BY candidate LIMIT $3"
    );
    slices(ENROLMENTS_HEADER, 0_i64, move |after| {
        let (tables, sql, code) = (tables.clone(), sql.clone(), code.clone());
        async move {
            let rows: Vec<EnrolmentCells> = on!(&tables, pool => {
                sqlx::query_as(AssertSqlSafe(sql)).bind(code).bind(after).bind(SLICE).fetch_all(pool).await?
            });
            let Some(last) = rows.last().map(|row| row.0) else {
                return Ok(None);
            };
            let lines = rows.iter().map(|(candidate, record, version, campus, school, province, saved, delete)| {
                let (saved_at, delete_after) = (instant(*saved), instant(*delete));
                format!("{candidate},{record},{version},{campus},{school},{province},{saved_at},{delete_after}\n")
            });
            Ok(Some((lines.collect(), last)))
        }
    })
}

/// An order is below a school's scope if one of its claims is.
fn orders(tables: Db, scope: Scope) -> CsvStream {
    let (condition, code) = match scope {
        Scope::School(code) => (
            "EXISTS (SELECT 1 FROM order_claims JOIN pools ON pools.pool = order_claims.pool \
             WHERE order_claims.order_id = orders.order_id AND pools.school = $1)"
                .into(),
            code.to_string(),
        ),
        Scope::National | Scope::Province(_) => below(scope, "cell", "cell"),
    };
    let sql = format!(
        "SELECT order_id, body FROM orders WHERE {condition} AND order_id > $2 ORDER BY order_id LIMIT $3"
    );
    slices(ORDERS_HEADER, String::new(), move |after| {
        let (tables, sql, code) = (tables.clone(), sql.clone(), code.clone());
        async move {
            let rows: Vec<(String, String)> = on!(&tables, pool => {
                sqlx::query_as(AssertSqlSafe(sql)).bind(code).bind(after).bind(SLICE).fetch_all(pool).await?
            });
            let Some((last, _)) = rows.last().cloned() else {
                return Ok(None);
            };
            let mut lines = String::new();
            for (_, body) in &rows {
                let order = read_order(body).map_err(|error| sqlx::Error::Decode(error.into()))?;
                lines.push_str(&order_line(&order));
            }
            Ok(Some((lines, last)))
        }
    })
}

fn order_line(order: &Order) -> String {
    let claims: Vec<String> = order
        .claims()
        .iter()
        .map(|ordered| ordered.claim.to_string())
        .collect();
    let paid_at = match order.state() {
        State::Paid { paid_at, .. } => paid_at.to_string(),
        State::Attaching
        | State::Placed { .. }
        | State::Payable { .. }
        | State::Closing { .. }
        | State::Closed { .. } => String::new(),
    };
    let money = order.money();
    format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{paid_at}\n",
        order.id(),
        order.candidate().0,
        claims.join(";"),
        order.paper().as_str(),
        order.method().as_str(),
        order.amount().0,
        order.status().as_str(),
        money.received,
        money.settled,
        money.refunded,
        money.pending,
        order.opened_at(),
        order.expires_at(),
    )
}

type AuditCells = (String, i64, String, i64, String, i64, String, Vec<u8>);

/// Which part of the journal a scope sees: a school its own pools' streams, others whole cells.
struct Trail {
    cells: Scope,
    streams: Option<Arc<HashSet<String>>>,
}

impl Trail {
    fn below(incarnation: &Incarnation, scope: Scope) -> Self {
        let Scope::School(school) = scope else {
            return Self {
                cells: scope,
                streams: None,
            };
        };
        let pools = incarnation.all_pools();
        let own: Vec<_> = pools
            .iter()
            .filter(|pool| pool.facts.site.school == school)
            .collect();
        let province = own.first().map(|pool| pool.facts.site.province);
        let province = province.or_else(|| incarnation.catalogue().tree.province_of(school));
        let streams = own.iter().map(|pool| pool.stream.to_string()).collect();
        Self {
            cells: Scope::Province(province.unwrap_or_else(national_cell)),
            streams: Some(Arc::new(streams)),
        }
    }
}

fn audit(journal: Db, trail: Trail) -> CsvStream {
    let (condition, code) = below(trail.cells, "cell", "cell");
    let sql = format!(
        "SELECT cell, position, stream, sequence, kind, at, payload, hash FROM journal \
         WHERE {condition} AND (cell > $2 OR (cell = $2 AND position > $3)) ORDER BY cell, position LIMIT $4"
    );
    slices(
        AUDIT_HEADER,
        (String::new(), 0_i64),
        move |(cell_after, position_after)| {
            let (journal, sql, code) = (journal.clone(), sql.clone(), code.clone());
            let streams = trail.streams.clone();
            async move {
                let rows: Vec<AuditCells> = on!(&journal, pool => {
                    sqlx::query_as(AssertSqlSafe(sql))
                        .bind(code)
                        .bind(cell_after)
                        .bind(position_after)
                        .bind(SLICE)
                        .fetch_all(pool)
                        .await?
                });
                let Some(last) = rows.last().map(|row| (row.0.clone(), row.1)) else {
                    return Ok(None);
                };
                let mut lines = csv::Writer::from_writer(Vec::new());
                for (cell, position, stream, sequence, kind, at, payload, hash) in &rows {
                    if streams.as_ref().is_some_and(|streams| !streams.contains(stream)) {
                        continue;
                    }
                    let (position, sequence, at) =
                        (position.to_string(), sequence.to_string(), at.to_string());
                    let hash = hex::encode(hash);
                    let line = [cell, &position, stream, &sequence, kind, &at, payload, &hash];
                    lines
                        .write_record(line)
                        .map_err(|error| sqlx::Error::Encode(error.into()))?;
                }
                let lines = lines
                    .into_inner()
                    .map_err(|error| sqlx::Error::Encode(error.to_string().into()))?;
                let lines = String::from_utf8(lines).map_err(|error| sqlx::Error::Encode(error.into()))?;
                Ok(Some((lines, last)))
            }
        },
    )
}

fn instant(unix_ms: i64) -> String {
    Moment::from_unix_ms(unix_ms).to_string()
}
