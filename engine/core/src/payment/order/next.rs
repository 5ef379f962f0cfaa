//! What is to be done next about an order, and when: a function of its state, so that whoever resumes after a crash
//! asks and goes on. Recorded before it is done where the provider may have heard of it; every step may be repeated.
//!
//! Whatever does not succeed is tried again after as long as has passed since it could first be done, but no sooner and
//! no later than two bounds: waits double by themselves, and there is nothing to count or store.

use std::collections::BTreeMap;

use super::{Order, State};
use crate::ids::RefundId;
use crate::payment::{Refund, RefundState};
use crate::time::{Moment, Span};

/// A payment takes a candidate about so long; then the provider is asked for the first time.
const QUERY_FIRST: Span = Span::from_secs(15);
/// An order that can be paid is asked for at least so often (R26).
const QUERY_LONGEST: Span = Span::from_secs(10 * 60);
/// What did not succeed is tried again after so long.
const RETRY_FIRST: Span = Span::from_secs(1);
/// And at least so often, since a candidate waits for it, or a seat does.
const RETRY_LONGEST: Span = Span::from_secs(60);
/// A refund that is on its way is asked for at least so often; banks take days.
const REFUND_LONGEST: Span = Span::from_secs(60 * 60);

/// The next thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Ask its pools to keep the holds, then `Place`, or `GiveUp` if one refuses.
    Attach,
    /// Ask the provider to make it, then `Created`.
    Create,
    /// Ask the provider for its state, then `Hear`.
    Query,
    /// Ask the provider to close it, then `Hear`.
    Close,
    /// Tell its pools that it is paid, then `Settle`.
    Pay,
    /// Tell its pools to let the holds go, then `Release`.
    Detach,
    /// Take a paid seat back from its pool, then `SeatBack`.
    TakeBack(RefundId),
    /// Ask the provider to give money back, then `HearRefund`.
    Refund(RefundId),
    /// Ask the provider for the state of a refund, then `HearRefund`.
    QueryRefund(RefundId),
    /// Nothing, until then; for good where there is no such instant and nothing more is heard.
    Nothing {
        /// When to ask again.
        until: Option<Moment>,
    },
}

/// When an order's worker last tried what. In memory only: after a crash everything is tried at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempts(BTreeMap<Step, Moment>);

impl Attempts {
    /// Notes that a step was tried.
    pub fn note(&mut self, step: Step, now: Moment) {
        if !matches!(step, Step::Nothing { .. }) {
            self.0.insert(step, now);
        }
    }

    /// When to try what can be done from `since` on: then, and after a try when as long again has passed.
    fn next(&self, step: Step, since: Moment, first: Span, longest: Span) -> (Moment, Step) {
        let due = match self.0.get(&step) {
            // What was tried before that was for an earlier state.
            Some(tried) if *tried >= since => *tried + tried.since(since).clamp(first, longest),
            Some(_) | None => since,
        };
        (due, step)
    }
}

impl Order {
    /// What is to be done next.
    pub fn next_step(&self, now: Moment, attempts: &Attempts) -> Step {
        let promptly =
            |step: Step, since: Moment| Some(attempts.next(step, since, RETRY_FIRST, RETRY_LONGEST));
        let next = match self.state {
            State::Attaching => promptly(Step::Attach, self.opened_at),
            // Too late to be made or paid; but it may have been both.
            State::Placed { .. } | State::Payable { .. } if now >= self.expires_at => {
                promptly(Step::Query, self.expires_at)
            }
            State::Placed { at } => promptly(Step::Create, at),
            State::Payable { at, .. } => {
                let (due, step) = attempts.next(Step::Query, at + QUERY_FIRST, QUERY_FIRST, QUERY_LONGEST);
                Some((due.min(self.expires_at), step))
            }
            State::Closing { at, closable_at, .. } => promptly(Step::Close, at.max(closable_at)),
            State::Paid {
                at, settled: false, ..
            } => promptly(Step::Pay, at),
            State::Closed {
                at, released: false, ..
            } => promptly(Step::Detach, at),
            State::Paid { settled: true, .. } | State::Closed { released: true, .. } => {
                self.next_of_refunds(now, attempts)
            }
        };
        match next {
            Some((due, step)) if due <= now => step,
            Some((due, _)) => Step::Nothing { until: Some(due) },
            None => Step::Nothing { until: None },
        }
    }

    /// The refund that is due first; of those due, the one that was left alone for longest, so that none holds up
    /// another.
    fn next_of_refunds(&self, now: Moment, attempts: &Attempts) -> Option<(Moment, Step)> {
        let next = |refund: &Refund| {
            let (id, since) = (refund.id, refund.since);
            Some(match refund.state {
                RefundState::Asked => attempts.next(Step::TakeBack(id), since, RETRY_FIRST, RETRY_LONGEST),
                RefundState::Due { failures } => {
                    let since = since + pause(failures);
                    attempts.next(Step::Refund(id), since, RETRY_FIRST, RETRY_LONGEST)
                }
                RefundState::Sent { .. } => {
                    let since = since + QUERY_FIRST;
                    attempts.next(Step::QueryRefund(id), since, QUERY_FIRST, REFUND_LONGEST)
                }
                RefundState::Done => return None,
            })
        };
        self.refunds
            .iter()
            .filter_map(next)
            .min_by_key(|(due, step)| ((*due).max(now), attempts.0.get(step).copied()))
    }
}

/// How long a refund that has failed so often is left alone.
fn pause(failures: u32) -> Span {
    let mut pause = Span::ZERO;
    for _ in 0..failures {
        if pause >= REFUND_LONGEST {
            break;
        }
        pause = (pause + pause).max(RETRY_LONGEST);
    }
    pause.min(REFUND_LONGEST)
}
