//! One worker an order, from its opening until nothing is left to be done about it: it does what the order's state says
//! ([`Order::next_step`]), one step after the other, and sleeps until the next is due or something happens.
//!
//! What it asks of pools and records is done in the candidate's turn. A provider is asked outside of it – it may take
//! long, and the candidate is not to wait for that – and its answer is heard in the next.
//!
//! After a crash every order that is not resolved gets a worker again, which goes on by the recorded state alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::Entry;
use kaowei_core::ids::{CandidateId, OrderId};
use kaowei_core::payment::{Attempts, Order, Step};
use kaowei_core::registration::Candidate;
use kaowei_core::time::{Moment, Span};
use tokio::sync::Notify;

use crate::candidate_entry::CandidateEntry;
use crate::failure::Failure;
use crate::incarnation::Incarnation;

/// A timer does not see a suspend of the machine: it looks again at least so often.
const LOOK_AT_LEAST_EVERY: Span = Span::from_secs(30);

/// After a step that the store or a pool did not take.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Wakes a worker.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    rung: AtomicBool,
    wake: Notify,
}

impl Alarm {
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// When to go on.
enum Rest {
    None,
    For(Duration),
    Until(Moment),
    ForGood,
}

impl Incarnation {
    /// Lets an order's worker look at it again, or start.
    pub(crate) fn work_on(self: &Arc<Self>, id: OrderId, candidate: CandidateId) {
        if !self.is_serving() || self.is_over() {
            return;
        }
        match self.workers.entry(id) {
            Entry::Occupied(worker) => worker.get().ring(),
            Entry::Vacant(place) => {
                let alarm = Arc::new(Alarm::default());
                place.insert(alarm.clone());
                let entry = self.candidate(candidate);
                self.run("an order's worker", work(self.clone(), entry, id, alarm));
            }
        }
    }

    /// Starts the workers of a candidate's orders that anything is left to be done about.
    pub(crate) fn follow_orders(self: &Arc<Self>, entry: &CandidateEntry) {
        for order in entry.read(unfinished) {
            self.work_on(order, entry.id);
        }
    }

    /// Orders that are worked on.
    pub(crate) fn worked_on(&self) -> Vec<OrderId> {
        self.workers.iter().map(|worker| *worker.key()).collect()
    }

    /// Ends a worker that has nothing more to do, unless something happened meanwhile.
    fn retire(&self, id: OrderId, alarm: &Arc<Alarm>) -> bool {
        let idle = |_: &OrderId, worker: &Arc<Alarm>| {
            Arc::ptr_eq(worker, alarm) && !alarm.rung.swap(false, Ordering::AcqRel)
        };
        self.workers.remove_if(&id, idle).is_some()
    }
}

/// The orders of a candidate that anything is left to be done about.
pub(crate) fn unfinished(candidate: &Candidate) -> Vec<OrderId> {
    let mut orders: Vec<OrderId> = candidate
        .orders()
        .iter()
        .filter(|order| order.is_unresolved() || candidate.to_reissue(order.id()).is_some())
        .map(Order::id)
        .collect();
    orders.extend(candidate.refunds_to_ask().map(|(order, _)| order));
    orders
}

async fn work(incarnation: Arc<Incarnation>, entry: Arc<CandidateEntry>, id: OrderId, alarm: Arc<Alarm>) {
    let mut attempts = Attempts::default();
    while !incarnation.is_over() {
        let rest = match next(&incarnation, &entry, id, &mut attempts).await {
            Ok(rest) => rest,
            Err(failure) => {
                tracing::warn!(order = %id, %failure, "a step of an order could not be done; it is tried again");
                Rest::For(AFTER_FAILURE)
            }
        };
        let wait = match rest {
            Rest::None => continue,
            Rest::For(wait) => wait,
            Rest::Until(until) => until
                .since(incarnation.now())
                .min(LOOK_AT_LEAST_EVERY)
                .max(incarnation.shortest_wait())
                .to_std(),
            Rest::ForGood => {
                if incarnation.retire(id, &alarm) {
                    return;
                }
                continue;
            }
        };
        tokio::time::timeout(wait, alarm.wake.notified()).await.ok();
    }
}

/// Does what is next.
async fn next(
    incarnation: &Arc<Incarnation>,
    entry: &Arc<CandidateEntry>,
    id: OrderId,
    attempts: &mut Attempts,
) -> Result<Rest, Failure> {
    let turn = entry.take_turn().await;
    super::steps::follow(incarnation, entry, id, &turn).await?;
    let now = incarnation.now();
    let found = entry.read(|candidate| {
        let order = candidate.order(id)?;
        Some((order.next_step(now, attempts), order.clone()))
    });
    let Some((step, order)) = found else {
        return Ok(Rest::ForGood);
    };
    attempts.note(step, now);
    match step {
        Step::Nothing { until: Some(until) } => return Ok(Rest::Until(until)),
        Step::Nothing { until: None } => {
            super::steps::reissue(incarnation, entry, id, &turn).await?;
            return Ok(Rest::ForGood);
        }
        Step::Attach | Step::Pay | Step::Detach | Step::TakeBack(_) => {
            super::steps::with_pools(incarnation, entry, &order, step, &turn).await?;
        }
        Step::Create | Step::Query | Step::Close | Step::Refund(_) | Step::QueryRefund(_) => {
            drop(turn);
            super::steps::with_provider(incarnation, entry, &order, step).await?;
        }
    }
    Ok(Rest::None)
}
