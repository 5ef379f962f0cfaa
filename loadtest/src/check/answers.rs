//! Checks 3, 7 and 8: what clients were told is true and was kept.
//!
//! Promises: each claim that any answer showed is held against the ledger: it exists, was created at that sequence
//! with that hash, belongs to the candidate who was told so and to nobody else, and a state that is final has not
//! changed since. A success without a readable claim is a violation too.

use std::collections::HashMap;

use super::ledger::Claim;
use super::replay::Trail;
use super::verdict::{Check, Verdict};
use crate::history::{ClaimState, Code, History, Operation, Request, Seen, Sighting, hash_text};

/// The streams of a history's pools, by the history's index.
pub(super) fn streams_of(history: &History, trail: &Trail) -> Vec<Option<u32>> {
    history
        .pools()
        .map(|(_, id)| trail.by_id.get(id).copied())
        .collect()
}

/// Check 3.
pub(super) fn check_acknowledged(
    history: &History,
    trail: &Trail,
    streams: &[Option<u32>],
    verdict: &mut Verdict,
) {
    let mut persons = Persons::default();
    for sighting in history.sightings() {
        verdict.examined(Check::AcknowledgedIsStored, 1);
        let seen = &sighting.seen;
        let request = &history.requests()[sighting.request as usize];
        let claim =
            streams[seen.pool.0 as usize].and_then(|at| trail.streams[at as usize].ledger.claim(seen.number));
        let Some(claim) = claim else {
            let what = format!(
                "claim {} was acknowledged, but is not stored",
                name(history, seen)
            );
            verdict.violated(Check::AcknowledgedIsStored, what, || {
                vec![evidence(history, sighting.request)]
            });
            continue;
        };
        if let Some(lie) = untrue(seen, claim) {
            let what = format!("claim {}: {lie}", name(history, seen));
            verdict.violated(Check::AcknowledgedIsStored, what, || {
                vec![evidence(history, sighting.request), ledger_line(claim)]
            });
        }
        if let Err(other) = persons.meet(request.candidate.0, claim.candidate, sighting.request) {
            let what = format!(
                "claim {} of {} was shown to a candidate who is another",
                name(history, seen),
                trail.candidates.text(claim.candidate)
            );
            verdict.violated(Check::AcknowledgedIsStored, what, || {
                vec![evidence(history, other), evidence(history, sighting.request)]
            });
        }
    }
    check_unreadable(history, verdict);
}

/// What is untrue in an answer, if anything is.
fn untrue(seen: &Seen, claim: &Claim) -> Option<String> {
    if seen.seq != claim.seq {
        return Some(format!(
            "answered with sequence {}, stored with {}",
            seen.seq, claim.seq
        ));
    }
    if let Some(hash) = seen.chain_hash.filter(|&hash| hash != claim.hash) {
        let (told, stored) = (hash_text(&hash), hash_text(&claim.hash));
        return Some(format!("answered with hash {told}, stored with {stored}"));
    }
    let unchanged = match seen.state {
        state if state.is_gone() => claim.state == state,
        ClaimState::Paid => matches!(claim.state, ClaimState::Paid | ClaimState::Refunded),
        ClaimState::Held => !matches!(
            claim.state,
            ClaimState::Waiting | ClaimState::Withdrawn | ClaimState::Lapsed
        ),
        _ => true,
    };
    (!unchanged).then(|| {
        format!(
            "answered as {}, which can't have become {}",
            seen.state, claim.state
        )
    })
}

/// Who in the history is who in the export: one person each.
#[derive(Default)]
struct Persons {
    by_index: HashMap<u32, (u32, u32)>,
    by_pseudonym: HashMap<u32, (u32, u32)>,
}

impl Persons {
    /// Notes that a claim of `pseudonym` was shown to `index`; if that can't be, the request that says otherwise.
    fn meet(&mut self, index: u32, pseudonym: u32, request: u32) -> Result<(), u32> {
        let known = *self.by_index.entry(index).or_insert((pseudonym, request));
        if known.0 != pseudonym {
            return Err(known.1);
        }
        let known = *self.by_pseudonym.entry(pseudonym).or_insert((index, request));
        if known.0 != index {
            return Err(known.1);
        }
        Ok(())
    }
}

/// A claim granted in an answer that shows none, or shows another pool's, is no acknowledged answer.
fn check_unreadable(history: &History, verdict: &mut Verdict) {
    for (index, request) in (0..).zip(history.requests()) {
        let granted = request.operation == Operation::Claim && matches!(request.status, 200 | 201);
        if request.code == Code::Unreadable {
            let what = "an answer of success can't be read as the contract says";
            verdict.violated(Check::AcknowledgedIsStored, what, || {
                vec![evidence(history, index)]
            });
        } else if granted {
            let seen = history.seen_by(index);
            if !seen
                .iter()
                .any(|sighting| Some(sighting.seen.pool) == request.pool)
            {
                let what = "a claim was granted without showing a claim of its pool";
                verdict.violated(Check::AcknowledgedIsStored, what, || {
                    vec![evidence(history, index)]
                });
            }
        }
    }
}

/// Check 7.
pub(super) fn check_repeats(history: &History, verdict: &mut Verdict) {
    let mut by_key: HashMap<(u32, u16), (&Seen, u32)> = HashMap::new();
    for Sighting { request: index, seen } in history.sightings() {
        let request = &history.requests()[*index as usize];
        let granted = request.operation == Operation::Claim && matches!(request.status, 200 | 201);
        if !granted || request.key.0 == 0 {
            continue;
        }
        let key = (request.candidate.0, request.key.0);
        let (first, earlier) = *by_key.entry(key).or_insert_with(|| {
            verdict.examined(Check::RepeatsAgree, 1);
            (seen, *index)
        });
        if (first.pool, first.number) != (seen.pool, seen.number) {
            let what = format!(
                "the same key gave claim {} and claim {}",
                name(history, first),
                name(history, seen)
            );
            verdict.violated(Check::RepeatsAgree, what, || {
                vec![evidence(history, earlier), evidence(history, *index)]
            });
        }
    }
}

/// Check 8.
pub(super) fn check_refusals(
    history: &History,
    trail: &Trail,
    streams: &[Option<u32>],
    verdict: &mut Verdict,
) {
    let full = |request: &Request| request.operation == Operation::Claim && request.code == Code::PoolFull;
    for (index, request) in (0..).zip(history.requests()).filter(|(_, request)| full(request)) {
        let stream = request.pool.and_then(|pool| streams[pool.0 as usize]);
        verdict.examined(Check::RefusalsTrue, 1);
        if stream.is_some_and(|at| !trail.streams[at as usize].ledger.was_full) {
            let what = "pool_full was answered by a pool that never was full";
            verdict.violated(Check::RefusalsTrue, what, || vec![evidence(history, index)]);
        }
    }
}

pub(super) fn name(history: &History, seen: &Seen) -> String {
    format!("{}-{}", history.pool_id(seen.pool), seen.number)
}

/// A request as evidence.
pub(super) fn evidence(history: &History, request: u32) -> String {
    let line = serde_json::to_string(&history.line(request)).unwrap_or_default();
    format!("history: {line}")
}

fn ledger_line(claim: &Claim) -> String {
    format!(
        "ledger: {} since sequence {}, created at sequence {} with hash {}",
        claim.state,
        claim.state_seq,
        claim.seq,
        hash_text(&claim.hash)
    )
}
