//! Reading the tables back into memory.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use kaowei_core::audit::{ChainHead, Hash};
use kaowei_core::ids::{
    CandidateId, ClaimId, ClaimNumber, Fen, OrderId, PoolId, RecordId, RecordVersion, Sequence,
};
use kaowei_core::payment::Order;
use kaowei_core::registration::{
    Agreed, Candidate, Choices, Enrolment, KeyAnswer, Keys, Review, ScoreReport, ScoreReportChoice,
};
use kaowei_core::seats::{
    Asked, Attached, Attachment, Claim, ClaimState, First, Leave, Pool, PoolFacts, RegisteredBy, Settings,
    Standing,
};
use kaowei_core::sites::{Level, Paper, Site};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Moment;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use super::memory::{Memory, PoolMemory};
use crate::failure::OpenError;
use crate::store::{Db, on};
use crate::tables::{read_order, read_positions, read_reminders, read_staff_accounts};

const DOCUMENTS: &str = "SELECT name, body FROM documents";
const CAMPUSES: &str = "SELECT body FROM campuses";
const HEADS: &str = "SELECT stream, sequence, hash FROM stream_heads";
const POOLS: &str = "SELECT pool, province, school, paper, level, requires, capacity, open, draining, fee_fen, exam_date FROM pools";
const CLAIMS: &str = "SELECT pool, number, candidate, paper, level, requires, state, held_until, first_until, first_position, \
     fee_fen, registered_by, created_at, sequence, chain_hash, state_at, state_sequence, state_hash, paid_by, attached_order, asked_at, leave, position FROM claims ORDER BY pool, number";
const CANDIDATES: &str = "SELECT candidate, agreement_version, agreed_at FROM candidates";
const ENROLMENTS: &str = "SELECT candidate, record, record_version, campus, school, province, saved_at, delete_after FROM enrolments";
const REVIEWS: &str = "SELECT candidate, body FROM reviews";
const ORDERS: &str = "SELECT candidate, body FROM orders ORDER BY candidate, position";
const SCORE_REPORTS: &str =
    "SELECT candidate, subject, choice FROM score_reports ORDER BY candidate, subject";
const QUICK_PRINTS: &str = "SELECT candidate, enabled FROM quick_prints";
const KEYS: &str =
    "SELECT candidate, slot, key, body, answer FROM idempotency_keys ORDER BY candidate, position";

/// Candidate, record, version, campus, school, province, saved, delete after.
type EnrolmentRow = (i64, i64, i64, String, String, String, i64, i64);

/// A claim's row.
struct StoredClaim {
    candidate: CandidateId,
    standing: Standing,
    /// How it is to go once its order has ended.
    leave: Option<Leave>,
    /// Where the event that made it lies in the journal.
    position: i64,
}

impl StoredClaim {
    fn attachment(&self) -> Option<Attachment> {
        let attached = self.standing.attached?;
        let asked = attached.asked_at.zip(self.leave.clone());
        Some(Attachment {
            order: attached.order,
            asked: asked.map(|(at, leave)| Asked { at, leave }),
        })
    }
}

/// Reads all tables as of one moment, and the position that each cell has reached in them.
///
/// A server that was deposed may still finish the slice that it is taking over. A slice moves positions and rows in one
/// transaction: where a position has moved meanwhile, what was read is dropped, whatever it looked like.
pub(super) async fn read(tables: &Db) -> Result<(Memory, HashMap<String, i64>), OpenError> {
    let mut reached = read_positions(tables).await?;
    loop {
        let memory = read_rows(tables).await;
        let now = read_positions(tables).await?;
        if now == reached {
            return Ok((memory?, reached));
        }
        tracing::info!("the tables moved on while they were read: they are read anew");
        reached = now;
    }
}

async fn read_rows(tables: &Db) -> Result<Memory, OpenError> {
    let mut memory = Memory::empty();
    read_catalogue(tables, &mut memory).await?;
    memory.reminded = read_reminders(tables).await?;
    memory.staff = read_staff_accounts(tables).await?;
    let mut heads = read_heads(tables, &mut memory).await?;
    let claims = read_claims(tables).await?;
    read_pools(tables, &mut memory, &claims, &mut heads).await?;
    read_candidates(tables, &mut memory, claims).await?;
    Ok(memory)
}

async fn read_catalogue(tables: &Db, memory: &mut Memory) -> Result<(), OpenError> {
    let documents: Vec<(String, String)> =
        on!(tables, pool => sqlx::query_as(DOCUMENTS).fetch_all(pool).await?);
    for (name, body) in documents {
        match name.as_str() {
            "sitting" => memory.sitting = Some(json(&body, "the sitting")?),
            "expiry" => memory.expiry = json(&body, "the state of expiry")?,
            "last_at" => memory.last_at = Moment::from_unix_ms(json(&body, "the latest instant")?),
            _ => {}
        }
    }
    let campuses: Vec<(String,)> = on!(tables, pool => sqlx::query_as(CAMPUSES).fetch_all(pool).await?);
    for (body,) in campuses {
        memory.tree.save(json(&body, "a campus")?);
    }
    Ok(())
}

async fn read_heads(tables: &Db, memory: &mut Memory) -> Result<HashMap<String, ChainHead>, OpenError> {
    let rows: Vec<(String, i64, Vec<u8>)> = on!(tables, pool => sqlx::query_as(HEADS).fetch_all(pool).await?);
    let mut heads = HashMap::with_capacity(rows.len());
    for (stream, sequence, hash) in rows {
        let head = ChainHead {
            sequence: self::sequence(sequence),
            hash: self::hash(hash)?,
        };
        match stream.strip_prefix("cell:") {
            Some(cell) => {
                memory.cells.insert(parse(cell)?, head);
            }
            None => {
                heads.insert(stream, head);
            }
        }
    }
    Ok(heads)
}

async fn read_claims(tables: &Db) -> Result<Vec<StoredClaim>, OpenError> {
    let mut claims = Vec::new();
    on!(tables, pool => {
        let mut rows = sqlx::query(CLAIMS).fetch(pool);
        while let Some(row) = rows.try_next().await? {
            let (candidate, standing) = claim(&row)?;
            let leave: Option<String> = row.try_get(21)?;
            claims.push(StoredClaim {
                candidate,
                standing,
                leave: leave.map(|leave| json(&leave, "how a claim is to go")).transpose()?,
                position: row.try_get(22)?,
            });
        }
    });
    Ok(claims)
}

async fn read_pools(
    tables: &Db,
    memory: &mut Memory,
    claims: &[StoredClaim],
    heads: &mut HashMap<String, ChainHead>,
) -> Result<(), OpenError> {
    let by_pool: HashMap<PoolId, &[StoredClaim]> = claims
        .chunk_by(|one, other| one.standing.id.pool == other.standing.id.pool)
        .map(|run| (run[0].standing.id.pool, run))
        .collect();
    let mut found = Vec::new();
    on!(tables, pool => {
        let mut rows = sqlx::query(POOLS).fetch(pool);
        while let Some(row) = rows.try_next().await? {
            found.push(pool_row(&row)?);
        }
    });
    for (facts, settings) in found {
        let claims = by_pool.get(&facts.id).copied().unwrap_or_default();
        let pool = Pool::restore(
            settings,
            claims.iter().map(|claim| Claim {
                candidate: claim.candidate,
                state: claim.standing.state,
            }),
            claims
                .iter()
                .filter_map(|claim| Some((claim.standing.id.number, claim.attachment()?))),
        );
        let head = heads
            .remove(&facts.id.to_string())
            .ok_or_else(|| OpenError::Damaged(format!("{}: the head of the chain is missing", facts.id)))?;
        memory.pools.insert(facts.id, PoolMemory { facts, pool, head });
    }
    Ok(())
}

/// What the tables keep of candidates beside what they accepted.
#[derive(Default)]
struct Parts {
    claims: HashMap<CandidateId, Vec<(i64, Standing)>>,
    enrolments: HashMap<CandidateId, Enrolment>,
    keys: HashMap<CandidateId, Vec<(KeyNote, KeyAnswer)>>,
    orders: HashMap<CandidateId, Vec<Order>>,
    choices: HashMap<CandidateId, Choices>,
    reviews: HashMap<CandidateId, Review>,
}

impl Parts {
    fn put_together(&mut self, id: CandidateId, agreed: Option<Agreed>) -> Candidate {
        let mut claims = self.claims.remove(&id).unwrap_or_default();
        claims.sort_unstable_by_key(|(position, _)| *position);
        let claims = claims.into_iter().map(|(_, standing)| standing).collect();
        let keys = Keys::restore(self.keys.remove(&id).unwrap_or_default());
        let orders = self.orders.remove(&id).unwrap_or_default();
        let choices = self.choices.remove(&id).unwrap_or_default();
        Candidate::restore(agreed, self.enrolments.remove(&id), claims, keys, orders, choices)
            .with_review(self.reviews.remove(&id))
    }
}

async fn read_candidates(
    tables: &Db,
    memory: &mut Memory,
    claims: Vec<StoredClaim>,
) -> Result<(), OpenError> {
    let mut parts = Parts {
        enrolments: read_enrolments(tables).await?,
        keys: read_keys(tables).await?,
        orders: read_orders(tables).await?,
        choices: read_choices(tables).await?,
        ..Parts::default()
    };
    for claim in claims {
        let of = parts.claims.entry(claim.candidate).or_default();
        of.push((claim.position, claim.standing));
    }
    let reviews: Vec<(i64, String)> = on!(tables, pool => sqlx::query_as(REVIEWS).fetch_all(pool).await?);
    let mut reviewed = Vec::with_capacity(reviews.len());
    for (candidate, body) in reviews {
        let id = CandidateId(candidate);
        parts.reviews.insert(id, json(&body, "a review")?);
        reviewed.push(id);
    }
    let agreements: Vec<(i64, String, i64)> =
        on!(tables, pool => sqlx::query_as(CANDIDATES).fetch_all(pool).await?);
    for (candidate, version, agreed_at) in agreements {
        let id = CandidateId(candidate);
        let agreed = Agreed {
            version: version.into(),
            at: Moment::from_unix_ms(agreed_at),
        };
        memory.candidates.insert(id, parts.put_together(id, Some(agreed)));
    }
    // Staff may have applied for somebody who has accepted nothing yet.
    for id in reviewed {
        memory
            .candidates
            .entry(id)
            .or_insert_with(|| parts.put_together(id, None));
    }
    Ok(())
}

async fn read_enrolments(tables: &Db) -> Result<HashMap<CandidateId, Enrolment>, OpenError> {
    let mut enrolments = HashMap::new();
    let rows: Vec<EnrolmentRow> = on!(tables, pool => sqlx::query_as(ENROLMENTS).fetch_all(pool).await?);
    for (candidate, record, version, campus, school, province, saved_at, delete_after) in rows {
        let enrolment = Enrolment {
            record: RecordId(record),
            record_version: RecordVersion(i32::try_from(version).unwrap_or(i32::MAX)),
            campus: parse(&campus)?,
            site: Site {
                province: parse(&province)?,
                school: parse(&school)?,
            },
            saved_at: Moment::from_unix_ms(saved_at),
            delete_after: Moment::from_unix_ms(delete_after),
        };
        enrolments.insert(CandidateId(candidate), enrolment);
    }
    Ok(enrolments)
}

async fn read_keys(tables: &Db) -> Result<HashMap<CandidateId, Vec<(KeyNote, KeyAnswer)>>, OpenError> {
    let mut keys: HashMap<CandidateId, Vec<(KeyNote, KeyAnswer)>> = HashMap::new();
    let rows: Vec<(i64, i64, String, String, String)> =
        on!(tables, pool => sqlx::query_as(KEYS).fetch_all(pool).await?);
    for (candidate, slot, key, body, answer) in rows {
        let number = |text: &str| {
            u128::from_str_radix(text, 16)
                .map_err(|_| OpenError::Damaged("an idempotency key is no number".into()))
        };
        let note = KeyNote {
            slot: u8::try_from(slot).unwrap_or(0),
            key: number(&key)?,
            body: number(&body)?,
        };
        keys.entry(CandidateId(candidate))
            .or_default()
            .push((note, json(&answer, "an idempotency key's answer")?));
    }
    Ok(keys)
}

/// Orders by candidate, in the order in which they were opened.
async fn read_orders(tables: &Db) -> Result<HashMap<CandidateId, Vec<Order>>, OpenError> {
    let rows: Vec<(i64, String)> = on!(tables, pool => sqlx::query_as(ORDERS).fetch_all(pool).await?);
    let mut orders: HashMap<CandidateId, Vec<Order>> = HashMap::new();
    for (candidate, body) in rows {
        let of = orders.entry(CandidateId(candidate)).or_default();
        of.push(read_order(&body)?);
    }
    Ok(orders)
}

async fn read_choices(tables: &Db) -> Result<HashMap<CandidateId, Choices>, OpenError> {
    let mut choices: HashMap<CandidateId, Choices> = HashMap::new();
    let reports: Vec<(i64, String, String)> =
        on!(tables, pool => sqlx::query_as(SCORE_REPORTS).fetch_all(pool).await?);
    for (candidate, subject, choice) in reports {
        let choice = ScoreReportChoice {
            subject: parse(&subject)?,
            choice: ScoreReport::from_name(&choice)
                .ok_or_else(|| OpenError::Damaged(format!("{choice:?} is no form of score report")))?,
        };
        let of = choices.entry(CandidateId(candidate)).or_default();
        of.score_reports.push(choice);
    }
    let prints: Vec<(i64, i64)> = on!(tables, pool => sqlx::query_as(QUICK_PRINTS).fetch_all(pool).await?);
    for (candidate, enabled) in prints {
        choices.entry(CandidateId(candidate)).or_default().quick_print = enabled == 1;
    }
    Ok(choices)
}

fn pool_row<'r, R>(row: &'r R) -> Result<(PoolFacts, Settings), OpenError>
where
    R: Row,
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |n: usize| row.try_get::<String, _>(n);
    let number = |n: usize| row.try_get::<i64, _>(n);
    let facts = PoolFacts {
        id: parse(&text(0)?)?,
        site: Site {
            province: parse(&text(1)?)?,
            school: parse(&text(2)?)?,
        },
        paper: paper(&text(3)?)?,
        level: level(number(4)?),
        requires: row
            .try_get::<Option<String>, _>(5)?
            .map(|code| parse(&code))
            .transpose()?,
    };
    let settings = Settings {
        capacity: count(number(6)?),
        open: number(7)? == 1,
        draining: number(8)? == 1,
        fee: Fen(count(number(9)?)),
        exam_date: row.try_get::<Option<String>, _>(10)?.map(Into::into),
    };
    Ok((facts, settings))
}

/// A claim as its row tells it.
pub(crate) fn claim<'r, R>(row: &'r R) -> Result<(CandidateId, Standing), OpenError>
where
    R: Row,
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    let text = |n: usize| row.try_get::<String, _>(n);
    let number = |n: usize| row.try_get::<i64, _>(n);
    let moment = |n: usize| {
        row.try_get::<Option<i64>, _>(n)
            .map(|at| at.map(Moment::from_unix_ms))
    };
    let order = |n: usize| {
        let order = row.try_get::<Option<String>, _>(n)?;
        order.map(|order| parse::<OrderId>(&order)).transpose()
    };
    let id = ClaimId {
        pool: parse(&text(0)?)?,
        number: ClaimNumber(count(number(1)?)),
    };
    let damaged = |what: &str| OpenError::Damaged(format!("claim {id}: {what}"));
    let state = ClaimState::from_parts(&text(6)?, moment(7)?, order(18)?)
        .ok_or_else(|| damaged("its state is unknown"))?;
    let first = match (moment(8)?, row.try_get::<Option<i64>, _>(9)?) {
        (Some(until), None) => First::Held(until),
        (None, Some(position)) => First::Queued(count(position)),
        _ => return Err(damaged("its first answer is unknown")),
    };
    let registered_by = match text(11)?.as_str() {
        "candidate" => RegisteredBy::Candidate,
        "school" => RegisteredBy::School,
        _ => return Err(damaged("who registered it is unknown")),
    };
    let asked_at = moment(20)?;
    let attached = order(19)?.map(|order| Attached { order, asked_at });
    let standing = Standing {
        id,
        paper: paper(&text(3)?)?,
        level: level(number(4)?),
        requires: row
            .try_get::<Option<String>, _>(5)?
            .map(|code| parse(&code))
            .transpose()?,
        state,
        attached,
        first,
        fee: Fen(count(number(10)?)),
        registered_by,
        created_at: Moment::from_unix_ms(number(12)?),
        sequence: sequence(number(13)?),
        chain_hash: hash(row.try_get(14)?)?,
        state_at: Moment::from_unix_ms(number(15)?),
        state_sequence: sequence(number(16)?),
        state_hash: hash(row.try_get(17)?)?,
    };
    Ok((CandidateId(number(2)?), standing))
}

fn json<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, OpenError> {
    serde_json::from_str(text).map_err(|error| OpenError::Damaged(format!("{what} can't be read: {error}")))
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, OpenError> {
    text.parse()
        .map_err(|error: T::Err| OpenError::Damaged(error.to_string()))
}

fn paper(text: &str) -> Result<Paper, OpenError> {
    match text {
        "written" => Ok(Paper::Written),
        "oral" => Ok(Paper::Oral),
        _ => Err(OpenError::Damaged(format!("{text:?} is not a paper"))),
    }
}

fn level(number: i64) -> Level {
    Level(u8::try_from(number).unwrap_or(u8::MAX))
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn sequence(number: i64) -> Sequence {
    Sequence(u64::try_from(number).unwrap_or(0))
}

fn hash(bytes: Vec<u8>) -> Result<Hash, OpenError> {
    bytes
        .try_into()
        .map(Hash)
        .map_err(|_| OpenError::Damaged("a hash has a wrong length".into()))
}
