//! Reading the tables back into memory.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use kaowei_core::audit::{ChainHead, Hash};
use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, Fen, PoolId, RecordId, RecordVersion, Sequence};
use kaowei_core::registration::{Agreed, Candidate, Enrolment, KeyAnswer, Keys};
use kaowei_core::seats::{Claim, ClaimState, First, Pool, PoolFacts, RegisteredBy, Settings, Standing};
use kaowei_core::sites::{Level, Paper, Site};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Moment;
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use super::memory::{Memory, PoolMemory};
use crate::failure::OpenError;
use crate::store::{Db, on};
use crate::tables::{read_positions, read_reminders, read_staff_accounts};

const DOCUMENTS: &str = "SELECT name, body FROM documents";
const CAMPUSES: &str = "SELECT body FROM campuses";
const HEADS: &str = "SELECT stream, sequence, hash FROM stream_heads";
const POOLS: &str = "SELECT pool, province, school, paper, level, requires, capacity, open, draining, fee_fen, exam_date FROM pools";
const CLAIMS: &str = "SELECT pool, number, candidate, paper, level, requires, state, held_until, first_until, first_position, \
     fee_fen, registered_by, created_at, sequence, chain_hash, state_at, state_sequence, state_hash, position FROM claims ORDER BY pool, number";
const CANDIDATES: &str = "SELECT candidate, agreement_version, agreed_at FROM candidates";
const ENROLMENTS: &str = "SELECT candidate, record, record_version, campus, school, province, saved_at, delete_after FROM enrolments";
const KEYS: &str =
    "SELECT candidate, slot, key, body, answer FROM idempotency_keys ORDER BY candidate, position";

/// Candidate, record, version, campus, school, province, saved, delete after.
type EnrolmentRow = (i64, i64, i64, String, String, String, i64, i64);

/// Whose claim it is, how it stands, and where the event that made it lies in the journal.
type StoredClaim = (CandidateId, Standing, i64);

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
            claims.push((candidate, standing, row.try_get(18)?));
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
        .chunk_by(|one, other| one.1.id.pool == other.1.id.pool)
        .map(|run| (run[0].1.id.pool, run))
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
            claims.iter().map(|(candidate, standing, _)| Claim {
                candidate: *candidate,
                state: standing.state,
            }),
        );
        let head = heads
            .remove(&facts.id.to_string())
            .ok_or_else(|| OpenError::Damaged(format!("{}: the head of the chain is missing", facts.id)))?;
        memory.pools.insert(facts.id, PoolMemory { facts, pool, head });
    }
    Ok(())
}

async fn read_candidates(
    tables: &Db,
    memory: &mut Memory,
    claims: Vec<StoredClaim>,
) -> Result<(), OpenError> {
    let mut claims_of: HashMap<CandidateId, Vec<(i64, Standing)>> = HashMap::new();
    for (candidate, standing, position) in claims {
        claims_of.entry(candidate).or_default().push((position, standing));
    }
    let agreements: Vec<(i64, String, i64)> =
        on!(tables, pool => sqlx::query_as(CANDIDATES).fetch_all(pool).await?);
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
    for (candidate, version, agreed_at) in agreements {
        let id = CandidateId(candidate);
        let agreed = Agreed {
            version: version.into(),
            at: Moment::from_unix_ms(agreed_at),
        };
        let mut claims = claims_of.remove(&id).unwrap_or_default();
        claims.sort_unstable_by_key(|(position, _)| *position);
        let claims = claims.into_iter().map(|(_, standing)| standing).collect();
        let candidate = Candidate::restore(
            Some(agreed),
            enrolments.remove(&id),
            claims,
            Keys::restore(keys.remove(&id).unwrap_or_default()),
        );
        memory.candidates.insert(id, candidate);
    }
    Ok(())
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
    let id = ClaimId {
        pool: parse(&text(0)?)?,
        number: ClaimNumber(count(number(1)?)),
    };
    let damaged = |what: &str| OpenError::Damaged(format!("claim {id}: {what}"));
    let state =
        ClaimState::from_parts(&text(6)?, moment(7)?).ok_or_else(|| damaged("its state is unknown"))?;
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
    let standing = Standing {
        id,
        paper: paper(&text(3)?)?,
        level: level(number(4)?),
        requires: row
            .try_get::<Option<String>, _>(5)?
            .map(|code| parse(&code))
            .transpose()?,
        state,
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
