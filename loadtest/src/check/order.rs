//! Check 2, second half: sequences follow real time. If the answer that showed claim A was complete before any
//! request that can have made claim B was sent, then A has the smaller sequence (R14, R20).
//!
//! Promises: sound, never a false alarm: a request whose outcome nobody heard counts as one that may have made its
//! candidate's next claim in that pool.

use std::collections::HashMap;

use super::answers::evidence;
use super::verdict::{Check, Verdict};
use crate::history::{History, Operation, PoolIndex};

/// When a claim was first asked for and first heard of, with the requests that say so.
#[derive(Clone, Copy)]
struct Life {
    seq: u64,
    asked_us: Option<(u64, u32)>,
    heard_us: (u64, u32),
}

pub(super) fn check(history: &History, verdict: &mut Verdict) {
    let unheard = unheard_requests(history);
    let mut lives: HashMap<(PoolIndex, u32), Life> = HashMap::new();
    for sighting in history.sightings() {
        let (seen, at) = (&sighting.seen, sighting.request);
        let request = &history.requests()[at as usize];
        let life = lives.entry((seen.pool, seen.number)).or_insert(Life {
            seq: seen.seq,
            asked_us: None,
            heard_us: (request.ended_us, at),
        });
        life.heard_us = life.heard_us.min((request.ended_us, at));
        if request.operation == Operation::Claim {
            let asked = (request.started_us, at);
            let earlier = unheard.get(&(request.candidate.0, seen.pool)).copied();
            let earliest = earlier.map_or(asked, |earlier| earlier.min(asked));
            life.asked_us = Some(life.asked_us.map_or(earliest, |known| known.min(earliest)));
        }
    }
    let mut in_order: Vec<(PoolIndex, Life)> =
        lives.into_iter().map(|((pool, _), life)| (pool, life)).collect();
    in_order.sort_unstable_by_key(|(pool, life)| (*pool, life.seq, life.heard_us));
    verdict.examined(Check::FirstComeFirstServed, in_order.len() as u64);

    for pool in in_order.chunk_by(|a, b| a.0 == b.0) {
        // The latest asking among the claims of smaller sequence: whoever was heard of before that was overtaken.
        let mut latest: Option<(u64, u32)> = None;
        for (index, life) in pool {
            if let Some((asked_us, asked)) = latest.filter(|&(asked_us, _)| life.heard_us.0 < asked_us) {
                let what = format!(
                    "{}: a claim heard of at {} µs has a greater sequence than one asked for at {asked_us} µs",
                    history.pool_id(*index),
                    life.heard_us.0
                );
                verdict.violated(Check::FirstComeFirstServed, what, || {
                    vec![evidence(history, life.heard_us.1), evidence(history, asked)]
                });
            }
            latest = latest.max(life.asked_us);
        }
    }
}

/// The earliest request for a seat of each candidate and pool whose outcome was not heard.
fn unheard_requests(history: &History) -> HashMap<(u32, PoolIndex), (u64, u32)> {
    let mut unheard = HashMap::new();
    for (at, request) in (0..).zip(history.requests()) {
        if request.operation == Operation::Claim
            && request.outcome_is_unknown()
            && let Some(pool) = request.pool
        {
            let asked = (request.started_us, at);
            let earliest = unheard.entry((request.candidate.0, pool)).or_insert(asked);
            *earliest = asked.min(*earliest);
        }
    }
    unheard
}
