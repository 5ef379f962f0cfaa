//! Check 5: the server's numbers and its claims table equal the replayed ledger.
//!
//! Promises: each claim of the ledger is in the table once, with the same state, sequence and hash, and nothing
//! else is in it; each pool's four numbers are the ledger's.

use std::collections::HashSet;

use super::exports::{CheckError, Exports, Rows};
use super::ledger::Claim;
use super::replay::Trail;
use super::verdict::{Check, Verdict};
use crate::history::{hash_text, parse_hash, split_claim_id};

const COLUMNS: &[&str] = &[
    "claim",
    "pool",
    "candidate",
    "state",
    "seq",
    "chain_hash",
    "state_seq",
    "state_hash",
];
const CLAIM: usize = 0;
const POOL: usize = 1;
const CANDIDATE: usize = 2;
const STATE: usize = 3;
const SEQ: usize = 4;
const CHAIN_HASH: usize = 5;
const STATE_SEQ: usize = 6;
const STATE_HASH: usize = 7;

/// Holds the pools' numbers against the ledgers.
pub(super) fn check_numbers(trail: &Trail, exports: &Exports, verdict: &mut Verdict) {
    let mut listed = HashSet::new();
    for row in &exports.pools {
        verdict.examined(Check::NumbersAgree, 1);
        listed.insert(row.id.as_str());
        let stated = [row.capacity, row.held, row.paid, row.waiting];
        let replayed = trail.pool(&row.id).map_or([0; 4], |(_, stream)| {
            let ledger = &stream.ledger;
            [ledger.capacity, ledger.held, ledger.paid, ledger.waiting]
        });
        let latest = trail.pool(&row.id).map_or(0, |(_, stream)| stream.latest_seq());
        if let Some(seq) = row.seq.filter(|&seq| seq != latest) {
            let id = &row.id;
            let what = format!("{id}: the server's latest sequence is {seq}, the audit trail's {latest}");
            verdict.violated(Check::NumbersAgree, what, Vec::new);
        }
        if stated != replayed {
            let what = format!("{}: the server's numbers differ from the ledger", row.id);
            verdict.violated(Check::NumbersAgree, what, || {
                vec![
                    format!("server: capacity, held, paid, waiting = {stated:?}"),
                    format!("ledger: capacity, held, paid, waiting = {replayed:?}"),
                ]
            });
        }
    }
    for (_, stream) in trail.pools() {
        if !listed.contains(stream.id.as_str()) {
            let what = format!(
                "{}: the audit trail has this pool, the server's list has not",
                stream.id
            );
            verdict.violated(Check::NumbersAgree, what, Vec::new);
        }
    }
}

/// Holds the claims table against the ledgers.
pub(super) fn check_claims(
    trail: &Trail,
    exports: &Exports,
    verdict: &mut Verdict,
) -> Result<(), CheckError> {
    let mut stored: Vec<Vec<bool>> = vec![Vec::new(); trail.streams.len()];
    let mut rows = Rows::open(&exports.claims, "claims.csv", COLUMNS)?;
    while rows.advance()? {
        verdict.examined(Check::NumbersAgree, 1);
        let found = split_claim_id(rows.text(CLAIM)).and_then(|(pool, number)| {
            let (at, stream) = trail.pool(pool)?;
            Some((at, number, stream.ledger.claim(number)?))
        });
        let Some((at, number, claim)) = found else {
            let what = format!("claim {} is stored, but no event created it", rows.text(CLAIM));
            verdict.violated(Check::NumbersAgree, what, || vec![evidence(&rows)]);
            continue;
        };
        let seen = &mut stored[at as usize];
        let place = number as usize;
        if seen.len() <= place {
            seen.resize(place + 1, false);
        }
        if std::mem::replace(&mut seen[place], true) {
            let what = format!("claim {} is stored twice", rows.text(CLAIM));
            verdict.violated(Check::NumbersAgree, what, || vec![evidence(&rows)]);
        }
        compare(trail, &rows, claim, verdict)?;
    }
    for (at, stream) in trail.pools() {
        for (number, claim) in stream.ledger.claims() {
            if stored[at as usize].get(number as usize) != Some(&true) {
                let what = format!(
                    "claim {}-{number} is in the audit trail, but not stored",
                    stream.id
                );
                verdict.violated(Check::NumbersAgree, what, || {
                    vec![format!("created at sequence {}, now {}", claim.seq, claim.state)]
                });
            }
        }
    }
    Ok(())
}

fn compare(trail: &Trail, rows: &Rows<'_>, claim: &Claim, verdict: &mut Verdict) -> Result<(), CheckError> {
    let hash = |nth| parse_hash(rows.text(nth)).ok_or_else(|| rows.malformed(nth));
    let differs = [
        (rows.text(STATE) != claim.state.word()).then_some("state"),
        (rows.number::<u64>(SEQ)? != claim.seq).then_some("seq"),
        (hash(CHAIN_HASH)? != claim.hash).then_some("chain_hash"),
        (rows.number::<u64>(STATE_SEQ)? != claim.state_seq).then_some("state_seq"),
        (hash(STATE_HASH)? != claim.state_hash).then_some("state_hash"),
        (rows.text(CANDIDATE) != trail.candidates.text(claim.candidate)).then_some("candidate"),
        (split_claim_id(rows.text(CLAIM)).map(|(pool, _)| pool) != Some(rows.text(POOL))).then_some("pool"),
    ];
    for field in differs.into_iter().flatten() {
        let what = format!(
            "claim {}: its stored {field} differs from the ledger",
            rows.text(CLAIM)
        );
        verdict.violated(Check::NumbersAgree, what, || {
            vec![
                evidence(rows),
                format!(
                    "ledger: {} of candidate {}, created at {} {}, latest at {} {}",
                    claim.state,
                    trail.candidates.text(claim.candidate),
                    claim.seq,
                    hash_text(&claim.hash),
                    claim.state_seq,
                    hash_text(&claim.state_hash)
                ),
            ]
        });
    }
    Ok(())
}

fn evidence(rows: &Rows<'_>) -> String {
    let fields: Vec<&str> = (0..COLUMNS.len()).map(|nth| rows.text(nth)).collect();
    format!("claims.csv line {}: {}", rows.line(), fields.join(","))
}
