//! What a review is about (R6): the ticket that came with an application, sealed, and the CET4 result that it names.
//! The journal knows neither; an application's number leads here.

use std::collections::HashMap;

use kaowei_core::ids::CandidateId;
use kaowei_core::registration::{Cet4Result, Match, same_name};

use super::{Person, unavailable};
use crate::failure::Failure;
use crate::store::{Secrets, Statement, Store, on};
use crate::views::{Applicant, NamedResult, Papers};

const KEEP: &str = "INSERT INTO review_tickets (candidate, application, ticket) VALUES ($1, $2, $3) \
     ON CONFLICT (candidate, application) DO UPDATE SET ticket = excluded.ticket";
const FORGET: &str = "DELETE FROM review_tickets WHERE candidate = $1";
const RESULT: &str = "SELECT person, name, year, score FROM cet4_results WHERE ticket = $1";

/// How the result of a ticket is a person's; none where it is not, or there is none.
pub(crate) async fn match_of(store: &Store, ticket: &str, person: &Person) -> Result<Option<Match>, Failure> {
    let found: Option<(Vec<u8>, String, i64, i64)> = on!(&store.people, pool => {
        sqlx::query_as(RESULT).bind(ticket).fetch_optional(pool).await
    })
    .map_err(|error| unavailable(&error))?;
    Ok(found.and_then(|(index, name, year, score)| {
        let result = Cet4Result {
            same_id_number: index == result_index(&store.secrets, &person.id_number),
            name: &name,
            year: number(year),
            score: number(score),
        };
        result.matches(&person.name)
    }))
}

/// By what the results of a person are found.
pub(crate) fn result_index(secrets: &Secrets, id_number: &str) -> Vec<u8> {
    secrets.index(&id_number.to_ascii_uppercase()).to_vec()
}

/// Keeps the ticket of an application, before the event that tells of it.
pub(crate) async fn keep_ticket(
    store: &Store,
    candidate: CandidateId,
    application: u32,
    ticket: &str,
) -> Result<(), Failure> {
    let sealed = store.secrets.seal(ticket).map_err(|_| Failure::Internal)?;
    let kept = on!(&store.people, pool => {
        sqlx::query(KEEP)
            .bind(candidate.0)
            .bind(i64::from(application))
            .bind(sealed)
            .execute(pool)
            .await
            .map(|_| ())
    });
    kept.map_err(|error| unavailable(&error))
}

/// Forgets all tickets that a candidate ever sent.
pub(crate) async fn forget_tickets(store: &Store, candidate: CandidateId) -> Result<(), Failure> {
    let forgotten = on!(&store.people, pool => {
        sqlx::query(FORGET).bind(candidate.0).execute(pool).await.map(|_| ())
    });
    forgotten.map_err(|error| unavailable(&error))
}

const APPLICANTS: &str = "SELECT accounts.candidate, id_type, id_number, name, review_tickets.ticket \
     FROM ({rows}) AS wanted JOIN accounts ON accounts.candidate = wanted.candidate \
     LEFT JOIN review_tickets ON review_tickets.candidate = wanted.candidate \
         AND review_tickets.application = wanted.application";
const RESULTS: &str = "SELECT cet4_results.ticket, person, id_number, name, year, score \
     FROM ({rows}) AS wanted JOIN cet4_results ON cet4_results.ticket = wanted.ticket";

type ApplicantRow = (i64, String, Vec<u8>, String, Option<Vec<u8>>);
type ResultRow = (String, Vec<u8>, Option<Vec<u8>>, String, i64, i64);

/// What staff decide applications by, each of a candidate and with its number.
pub(crate) async fn papers(
    store: &Store,
    applications: &[(CandidateId, u32)],
) -> Result<HashMap<CandidateId, Papers>, Failure> {
    let wanted = applications
        .iter()
        .map(|(candidate, number)| [(*candidate).into(), (*number).into()]);
    let wanted = Statement::new(APPLICANTS, &["candidate", "application"], wanted);
    let rows: Vec<ApplicantRow> = store
        .people
        .find(&wanted)
        .await
        .map_err(|error| unavailable(&error))?;
    let mut found = HashMap::with_capacity(rows.len());
    for (candidate, id_type, id_number, name, ticket) in rows {
        let applicant = Applicant {
            id_type: id_type.parse().map_err(|_| Failure::Internal)?,
            id_number: open(&store.secrets, &id_number)?,
            name,
        };
        let ticket = ticket.map(|ticket| open(&store.secrets, &ticket)).transpose()?;
        found.insert(CandidateId(candidate), (applicant, ticket));
    }
    let results = results(store, found.values().filter_map(|(_, ticket)| ticket.as_deref())).await?;
    let with_result = |(candidate, (applicant, ticket)): (CandidateId, (Applicant, Option<String>))| {
        let result = match ticket.as_ref().and_then(|ticket| results.get(ticket)) {
            None => None,
            Some(row) => Some(named(&store.secrets, row, &applicant)?),
        };
        let papers = Papers {
            applicant,
            ticket,
            result,
        };
        Ok((candidate, papers))
    };
    found.into_iter().map(with_result).collect()
}

async fn results(
    store: &Store,
    tickets: impl Iterator<Item = &str>,
) -> Result<HashMap<String, ResultRow>, Failure> {
    let wanted = Statement::new(RESULTS, &["ticket"], tickets.map(|ticket| [ticket.into()]));
    let rows: Vec<ResultRow> = store
        .people
        .find(&wanted)
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(rows.into_iter().map(|row| (row.0.clone(), row)).collect())
}

fn named(secrets: &Secrets, row: &ResultRow, applicant: &Applicant) -> Result<NamedResult, Failure> {
    let (_, index, id_number, name, year, score) = row;
    Ok(NamedResult {
        id_number: id_number
            .as_deref()
            .map(|sealed| open(secrets, sealed))
            .transpose()?,
        same_id_number: *index == result_index(secrets, &applicant.id_number),
        name: name.clone(),
        same_name: same_name(name, &applicant.name),
        year: number(*year),
        score: number(*score),
    })
}

fn open(secrets: &Secrets, sealed: &[u8]) -> Result<String, Failure> {
    secrets.open(sealed).map_err(|error| {
        tracing::error!(%error, "what a review is about can't be read");
        Failure::Internal
    })
}

/// Years and scores are stored as they were checked when they were imported: small and not negative.
fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}
