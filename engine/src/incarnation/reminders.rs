//! Reminders: candidates are told when a payment deadline comes near (R36).
//!
//! Each is an event of the cell, written when it is due. Whom to look at and when is a heap, as for the end of
//! enrolments; what was reminded of already is told by the latest deadline that was, by cell and lead, since deadlines
//! come near in their order. After a restart both follow from what is stored.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::{CandidateId, Cell, ClaimId};
use kaowei_core::notices::{LEADS, next_reminder, reminder_due};
use kaowei_core::registration::{Candidate, Event};
use kaowei_core::seats::Expiry;
use kaowei_core::time::{Moment, Span};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Incarnation;
use crate::recovery::Reminded;

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);

/// About so many reminders are written in one commit.
const AT_ONCE: usize = 500;

/// When a look failed, the next one comes so much later.
const AGAIN: Span = Span::from_secs(1);

/// Whom to look at and when, and what was reminded of.
#[derive(Debug, Default)]
pub(crate) struct Reminders {
    looks: Mutex<BinaryHeap<Reverse<(Moment, CandidateId)>>>,
    reminded: Mutex<Reminded>,
    /// Time was moved, or there is nothing to wait for any more.
    pub(super) wanted: Notify,
}

/// A reminder that is due.
#[derive(Debug, Clone, Copy)]
struct Due {
    held_until: Moment,
    candidate: CandidateId,
    claim: ClaimId,
    lead: Span,
}

impl Reminders {
    pub(crate) fn new(reminded: Reminded) -> Self {
        Self {
            looks: Mutex::default(),
            reminded: Mutex::new(reminded),
            wanted: Notify::new(),
        }
    }

    /// A hold got a deadline.
    pub(super) fn expect(&self, candidate: CandidateId, held_until: Moment, now: Moment) {
        if let Some(at) = next_reminder(held_until, now) {
            self.looks.lock().push(Reverse((at, candidate)));
        }
    }

    /// A candidate who was read back from the store: what fell due meanwhile is looked at as soon as anything is.
    pub(super) fn restore(&self, id: CandidateId, candidate: &Candidate) {
        let deadlines = candidate
            .claims()
            .iter()
            .filter_map(|claim| claim.state.held_until());
        if let Some(first) = deadlines.min() {
            self.looks.lock().push(Reverse((first - LEADS[0], id)));
        }
    }

    /// A candidate has been reminded.
    pub(super) fn reminded(&self, cell: Cell, lead: Span, held_until: Moment) {
        let mut reminded = self.reminded.lock();
        let latest = reminded.entry((cell, lead)).or_insert(held_until);
        *latest = (*latest).max(held_until);
    }

    fn is_reminded(&self, cell: Cell, lead: Span, held_until: Moment) -> bool {
        let reminded = self.reminded.lock();
        reminded
            .get(&(cell, lead))
            .is_some_and(|latest| held_until <= *latest)
    }

    fn take_due(&self, now: Moment) -> Vec<CandidateId> {
        let mut looks = self.looks.lock();
        let mut due = Vec::new();
        while let Some(Reverse((at, candidate))) = looks.peek().copied() {
            if at > now {
                break;
            }
            looks.pop();
            due.push(candidate);
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    fn look_again(&self, candidates: impl IntoIterator<Item = CandidateId>, at: Moment) {
        let mut looks = self.looks.lock();
        looks.extend(candidates.into_iter().map(|candidate| Reverse((at, candidate))));
    }
}

/// Reminds whoever is to be reminded, until the incarnation is over.
pub(crate) async fn remind(incarnation: Arc<Incarnation>) {
    while !incarnation.is_over() {
        if incarnation.expiry() == Expiry::Running {
            let now = incarnation.now();
            for (cell, due) in due_by_cell(&incarnation, now) {
                for some in in_parts(&due) {
                    remind_some(&incarnation, cell, some, now).await;
                }
            }
        }
        tokio::time::timeout(TICK, incarnation.reminders.wanted.notified())
            .await
            .ok();
    }
}

/// The reminders that are due, the nearest deadlines first, so that the latest one tells which have been written.
fn due_by_cell(incarnation: &Incarnation, now: Moment) -> BTreeMap<Cell, Vec<Due>> {
    let mut by_cell: BTreeMap<Cell, Vec<Due>> = BTreeMap::new();
    for candidate in incarnation.reminders.take_due(now) {
        let holds: Vec<_> = incarnation.candidate(candidate).read(|state| {
            let claims = state.claims().iter();
            claims
                .filter_map(|claim| Some((claim.id, claim.state, claim.state.held_until()?, claim.state_at)))
                .collect()
        });
        for (claim, state, held_until, held_since) in holds {
            incarnation.reminders.expect(candidate, held_until, now);
            let Some(pool) = incarnation.pool(claim.pool) else {
                continue;
            };
            let cell = pool.facts.site.province;
            if let Some(lead) = reminder_due(state, held_since, now)
                && !incarnation.reminders.is_reminded(cell, lead, held_until)
            {
                by_cell.entry(cell).or_default().push(Due {
                    held_until,
                    candidate,
                    claim,
                    lead,
                });
            }
        }
    }
    for due in by_cell.values_mut() {
        due.sort_unstable_by_key(|due| due.held_until);
    }
    by_cell
}

/// Parts of about a commit's size; deadlines of the same instant stay together, since the latest one that was written
/// stands for all that are not later.
fn in_parts(due: &[Due]) -> Vec<&[Due]> {
    let mut parts = Vec::new();
    let mut rest = due;
    while !rest.is_empty() {
        let mut end = AT_ONCE.min(rest.len());
        while end < rest.len() && rest[end].held_until == rest[end - 1].held_until {
            end += 1;
        }
        let (part, more) = rest.split_at(end);
        parts.push(part);
        rest = more;
    }
    parts
}

async fn remind_some(incarnation: &Arc<Incarnation>, cell: Cell, due: &[Due], now: Moment) {
    let events: Vec<Event> = due
        .iter()
        .map(|due| Event::DeadlineNear {
            candidate: due.candidate,
            claim: due.claim,
            held_until: due.held_until,
            lead: due.lead,
        })
        .collect();
    if let Err(failure) = incarnation.record_at(cell, events, now).await {
        tracing::warn!(%cell, reminders = due.len(), %failure, "reminders are not written yet; it is tried again");
        incarnation
            .reminders
            .look_again(due.iter().map(|due| due.candidate), now + AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(seconds: i64) -> Due {
        Due {
            held_until: Moment::from_unix_ms(seconds * 1_000),
            candidate: CandidateId(seconds),
            claim: "991010-1-1".parse().unwrap(),
            lead: LEADS[0],
        }
    }

    #[test]
    fn deadlines_of_one_instant_are_written_together() {
        let mut all: Vec<_> = (0..400).map(due).collect();
        all.extend(std::iter::repeat_n(due(400), 300));
        all.extend((401..500).map(due));
        let sizes: Vec<_> = in_parts(&all).iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [700, 99]);
        assert!(in_parts(&[]).is_empty());
    }

    #[test]
    fn what_was_reminded_of_is_not_reminded_of_again_and_a_later_deadline_is() {
        let reminders = Reminders::default();
        let cell: Cell = "99".parse().unwrap();
        let at = |seconds| due(seconds).held_until;
        reminders.reminded(cell, LEADS[0], at(100));
        reminders.reminded(cell, LEADS[0], at(50));
        assert!(reminders.is_reminded(cell, LEADS[0], at(100)));
        assert!(!reminders.is_reminded(cell, LEADS[0], at(101)));
        assert!(!reminders.is_reminded(cell, LEADS[1], at(100)));
        assert!(!reminders.is_reminded("98".parse().unwrap(), LEADS[0], at(100)));
    }
}
