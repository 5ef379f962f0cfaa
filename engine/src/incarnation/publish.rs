//! Publishing, after a commit: candidates' entries, pools' numbers, the catalogue.

use std::cmp::Reverse;
use std::sync::Arc;

use kaowei_core::cell;
use kaowei_core::ids::{Cell, ClaimId, OrderId, PoolId};
use kaowei_core::payment;
use kaowei_core::registration::{Candidate, Event};
use kaowei_core::seats::{self, RemovalCause};
use kaowei_core::time::{Moment, Span};

use super::{Incarnation, Orphan};
use crate::actors::{Numbers, PoolHandle};
use crate::fail_points::{FailPoint, pass};
use crate::journal::{CellEvent, Sealed};
use crate::metrics;
use crate::payment::unfinished;
use crate::views::ExpiryStatus;

/// Far longer than a commit takes.
const SOON: Span = Span::from_secs(60);

impl Incarnation {
    /// Publishes a pool's committed events. The oral claims that must now go (R13), if any.
    pub(crate) fn publish_pool(
        self: &Arc<Self>,
        pool: &Arc<PoolHandle>,
        events: &[Sealed],
        numbers: Numbers,
    ) -> Option<Vec<Orphan>> {
        if events.is_empty() {
            return None;
        }
        pool.publish(events, numbers);
        pass(FailPoint::PublishedInPart);
        let mut orphans = None;
        for sealed in events {
            count(&sealed.event);
            let Some((_, candidate)) = sealed.event.claim() else {
                continue;
            };
            let entry = self.candidate(candidate);
            let (ends_at, orders) = entry.publish(|state| {
                state.settle(&pool.facts, &sealed.event, &sealed.seal);
                // Held back before anybody can take the next turn.
                for claim in state.orphans() {
                    orphans.get_or_insert_with(Vec::new).push(Orphan {
                        claim,
                        cause: why_it_goes(claim, pool.facts.id, &sealed.event),
                        held_back: entry.hold_back(),
                    });
                }
                let orders: Vec<OrderId> = match state.orders() {
                    [] => Vec::new(),
                    _ => state
                        .orders_to_close()
                        .map(|(order, _)| order)
                        .chain(state.refunds_to_ask().map(|(order, _)| order))
                        .collect(),
                };
                (ends_soon(state, sealed.seal.at), orders)
            });
            for order in orders {
                self.work_on(order, candidate);
            }
            if let Some(ends_at) = ends_at {
                self.enrolment_ends.lock().push(Reverse((ends_at, candidate)));
                self.enrolment_ended.notify_one();
            }
        }
        self.count_published(pool.facts.site.province, events.len());
        orphans
    }

    /// Publishes a cell's committed event.
    pub(crate) fn publish_cell(self: &Arc<Self>, cell: Cell, event: &CellEvent) {
        let CellEvent { event, at } = event;
        let event = match event {
            cell::Event::Payment(event) => {
                self.publish_order(event, *at);
                self.count_published(cell, 1);
                return;
            }
            cell::Event::Registration(event) => event,
        };
        if let Some(candidate) = event.candidate() {
            let entry = self.candidate(candidate);
            match event {
                Event::Enrolled {
                    delete_after, record, ..
                } => {
                    self.bindings.insert(*record, candidate);
                    self.enrolment_ends
                        .lock()
                        .push(Reverse((*delete_after, candidate)));
                }
                Event::EnrolmentExtended { delete_after, .. } => {
                    self.enrolment_ends
                        .lock()
                        .push(Reverse((*delete_after, candidate)));
                }
                Event::EnrolmentDeleted { .. } => {
                    if let Some(record) =
                        entry.read(|state| state.enrolment().map(|enrolment| enrolment.record))
                    {
                        self.unbind(record, candidate);
                    }
                    entry.forget_eligibility();
                }
                _ => {}
            }
            entry.publish(|state| state.evolve(event, *at));
        }
        match event {
            Event::SittingSaved { sitting, .. } => {
                self.change_catalogue(|catalogue| catalogue.sitting = Some(Arc::new((**sitting).clone())));
                for pool in self.all_pools() {
                    pool.set_terms(self.terms(&pool.facts));
                }
                self.wake_pools();
            }
            Event::CampusSaved { campus, .. } => {
                self.change_catalogue(|catalogue| catalogue.tree.save((**campus).clone()));
            }
            Event::ExpirySuspended { reason, .. } => self.set_expiry(ExpiryStatus {
                running: false,
                since: Some(*at),
                reason: Some(reason.clone()),
            }),
            Event::ExpiryResumed { reason, .. } => {
                self.clock.trust_wall();
                self.set_expiry(ExpiryStatus {
                    running: true,
                    since: None,
                    reason: Some(reason.clone()),
                });
                self.wake_pools();
            }
            _ => {}
        }
        self.count_published(cell, 1);
    }

    fn publish_order(self: &Arc<Self>, event: &payment::Event, at: Moment) {
        metrics::order_happened(event);
        let (order, candidate) = event.order();
        self.order_owners.insert(order, candidate);
        let entry = self.candidate(candidate);
        entry.publish(|state| state.evolve_order(event, at));
        entry.orders_changed.notify_waiters();
        if entry.read(unfinished).contains(&order) {
            self.work_on(order, candidate);
        }
    }

    fn count_published(&self, cell: Cell, events: usize) {
        *self.published.lock().entry(cell).or_default() += i64::try_from(events).unwrap_or(i64::MAX);
        self.checkpoint_wanted.notify_one();
    }
}

/// Why an orphan goes that an event showed: its written claim went, or was gone when the event granted it.
fn why_it_goes(orphan: ClaimId, pool: PoolId, event: &seats::Event) -> RemovalCause {
    match event {
        seats::Event::ClaimHeld { claim, key, .. } | seats::Event::ClaimQueued { claim, key, .. }
            if orphan == (ClaimId { pool, number: *claim }) =>
        {
            RemovalCause::GrantedTooLate { key: *key }
        }
        _ => RemovalCause::WithWritten,
    }
}

/// When an enrolment without an active claim is to be looked at, if that is now or soon: its place in the heap may
/// have been used up while its last claim was still active.
fn ends_soon(candidate: &Candidate, at: Moment) -> Option<Moment> {
    let enrolment = candidate.enrolment()?;
    let active = candidate.claims().iter().any(|claim| claim.state.is_active());
    (!active && enrolment.delete_after <= at + SOON).then(|| enrolment.delete_after.max(at))
}

fn count(event: &seats::Event) {
    match event {
        seats::Event::ClaimExpired { .. } => metrics::expired(),
        seats::Event::ClaimPromoted { .. } => metrics::promoted(),
        seats::Event::ClaimLapsed { .. } => metrics::lapsed(),
        _ => {}
    }
}
