//! Check 4: at most one active claim of a candidate, level and paper at any time (R12), across pools.
//!
//! Promises: the order is that of the journal's positions, which is the order in which changes became durable.
//! Deliberately absent: pools of which neither the list nor the catalogue tells paper and level; they are counted
//! as not examined.

use std::collections::HashMap;

use super::exports::PoolRow;
use super::replay::Trail;
use super::verdict::{Check, Verdict};

/// Whether a claim begins or ends to count against its candidate's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Begins,
    Ends,
}

/// A beginning or an end of a claim, in 40 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) cell: u32,
    pub(super) position: u64,
    pub(super) line: u64,
    pub(super) stream: u32,
    pub(super) claim: u32,
    pub(super) candidate: u32,
    pub(super) turn: Turn,
}

pub(super) fn check(trail: &mut Trail, pools: &[PoolRow], verdict: &mut Verdict) {
    let mut kinds: Vec<Option<(u64, bool)>> = vec![None; trail.streams.len()];
    for pool in pools {
        if let (Some(&at), Some(level), Some(paper)) = (trail.by_id.get(&pool.id), pool.level, &pool.paper) {
            kinds[at as usize] = Some((level, paper == "oral"));
        }
    }
    let order = |change: &Change| (change.cell, change.position);
    if !trail.changes.is_sorted_by_key(order) {
        trail.changes.sort_by_key(order);
    }
    let mut active: HashMap<(u32, u64, bool), Change> = HashMap::new();
    for change in &trail.changes {
        let Some((level, oral)) = kinds[change.stream as usize] else {
            continue;
        };
        let key = (change.candidate, level, oral);
        match change.turn {
            Turn::Begins => {
                verdict.examined(Check::OneActiveClaim, 1);
                if let Some(other) = active.insert(key, *change) {
                    report(trail, change, &other, level, oral, verdict);
                }
            }
            Turn::Ends => {
                let ends = |it: &Change| it.stream == change.stream && it.claim == change.claim;
                if active.get(&key).is_some_and(ends) {
                    active.remove(&key);
                }
            }
        }
    }
}

fn report(trail: &Trail, change: &Change, other: &Change, level: u64, oral: bool, verdict: &mut Verdict) {
    let paper = if oral { "oral" } else { "written" };
    let who = trail.candidates.text(change.candidate);
    let what = format!("candidate {who} has two active {paper} claims of level {level}");
    verdict.violated(Check::OneActiveClaim, what, || {
        [other, change]
            .map(|it| {
                let id = &trail.streams[it.stream as usize].id;
                format!(
                    "audit.csv line {}: claim {id}-{} begins at position {}",
                    it.line, it.claim, it.position
                )
            })
            .into()
    });
}
