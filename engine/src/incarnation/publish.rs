//! Publishing, after a commit: candidates' entries, pools' numbers, the catalogue.

use std::cmp::Reverse;
use std::sync::Arc;

use kaowei_core::ids::{CandidateId, Cell, ClaimId, OrderId, PoolId};
use kaowei_core::notices::{Notice, NoticeId};
use kaowei_core::registration::{Candidate, Event};
use kaowei_core::seats::{self, ClaimState, PoolFacts, RemovalCause};
use kaowei_core::time::{Moment, Span};
use kaowei_core::{cell, payment};
use smallvec::SmallVec;

use super::{Incarnation, Orphan};
use crate::actors::{Numbers, PoolHandle};
use crate::fail_points::{FailPoint, pass};
use crate::feed::Change;
use crate::journal::{CellEvent, Sealed};
use crate::metrics;
use crate::payment::unfinished;
use crate::tables::NoticeRow;
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
        let mut position = self.count_published(pool.facts.site.province, events.len());
        let mut changes = SmallVec::<[Change; 2]>::new();
        let mut orphans = None;
        for sealed in events {
            count(&sealed.event);
            position += 1;
            self.note_pool_event(&pool.facts, sealed, position, &mut changes);
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
        let site = Some(pool.facts.site);
        self.feed.tell(changes.into_iter().map(|change| (site, change)));
        orphans
    }

    /// Publishes a cell's committed event.
    pub(crate) fn publish_cell(self: &Arc<Self>, cell: Cell, event: &CellEvent) {
        let CellEvent { event, at } = event;
        match event {
            cell::Event::Payment(payment) => {
                self.publish_order(payment, *at);
                let position = self.count_published(cell, 1) + 1;
                let (order, candidate) = payment.order();
                let changed = Change::Order(candidate, order);
                self.note_cell_event(cell, event, Some(changed), *at, position);
            }
            cell::Event::Registration(registration) => {
                self.publish_registration(cell, registration, *at);
                let position = self.count_published(cell, 1) + 1;
                let changed = change_of(registration);
                self.note_cell_event(cell, event, changed, *at, position);
            }
        }
    }

    fn publish_registration(self: &Arc<Self>, cell: Cell, event: &Event, at: Moment) {
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
            entry.publish(|state| state.evolve(event, at));
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
                since: Some(at),
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
            Event::StaffAccountCreated { .. } | Event::StaffAccountRevoked { .. } => {
                self.staff.write().evolve(cell, event, at);
            }
            _ => {}
        }
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

    /// Counts events as published; the position in their cell's journal before them.
    fn count_published(&self, cell: Cell, events: usize) -> i64 {
        let before = {
            let mut published = self.published.lock();
            let position = published.entry(cell).or_default();
            let before = *position;
            *position += i64::try_from(events).unwrap_or(i64::MAX);
            before
        };
        self.checkpoint_wanted.notify_one();
        before
    }

    /// What a pool's event is to those who follow along, and to whoever is to be reminded of a deadline.
    fn note_pool_event(
        &self,
        facts: &PoolFacts,
        Sealed { event, seal, .. }: &Sealed,
        position: i64,
        changes: &mut SmallVec<[Change; 2]>,
    ) {
        let Some((number, candidate)) = event.claim() else {
            changes.push(Change::Pool(facts.id));
            return;
        };
        let held_until = match event {
            seats::Event::ClaimHeld { held_until, .. } => Some(*held_until),
            seats::Event::KeyRemembered { .. } => return,
            _ => event.new_state().and_then(ClaimState::held_until),
        };
        if let Some(held_until) = held_until {
            self.reminders.expect(candidate, held_until, seal.at);
        }
        let claim = ClaimId {
            pool: facts.id,
            number,
        };
        changes.push(Change::Claim(candidate, claim));
        if let Some((_, notice)) = Notice::of_pool(facts.id, event) {
            let id = NoticeId {
                cell: facts.site.province,
                position,
            };
            changes.push(told(id, candidate, seal.at, notice));
        }
    }

    /// What a cell's event is to those who follow along.
    fn note_cell_event(
        &self,
        cell: Cell,
        event: &cell::Event,
        changed: Option<Change>,
        at: Moment,
        position: i64,
    ) {
        if let cell::Event::Registration(Event::DeadlineNear { lead, held_until, .. }) = event {
            self.reminders.reminded(cell, *lead, *held_until);
        }
        let notice = Notice::of_cell(event)
            .map(|(candidate, notice)| told(NoticeId { cell, position }, candidate, at, notice));
        self.feed
            .tell(changed.into_iter().chain(notice).map(|change| (None, change)));
    }
}

/// What changes by an event of registration, for those who follow along.
fn change_of(event: &Event) -> Option<Change> {
    match event {
        Event::Enrolled { candidate, .. }
        | Event::EnrolmentDeleted { candidate, .. }
        | Event::EnrolmentExtended { candidate, .. }
        | Event::ScoreReportsChosen { candidate, .. }
        | Event::QuickPrintSet { candidate, .. }
        | Event::ReviewApplied { candidate, .. }
        | Event::ReviewDecided { candidate, .. }
        | Event::ReviewDeleted { candidate, .. } => Some(Change::Enrolment(*candidate)),
        Event::SittingSaved { .. } | Event::CampusSaved { .. } => Some(Change::Catalogue),
        Event::ExpirySuspended { .. } | Event::ExpiryResumed { .. } => Some(Change::Expiry),
        Event::StaffAccountRevoked { .. } => Some(Change::StaffRevoked),
        Event::DeadlineNear { .. }
        | Event::AgreementAccepted { .. }
        | Event::EnrolmentKeyRemembered { .. }
        | Event::Imported { .. }
        | Event::StaffAccountCreated { .. } => None,
    }
}

fn told(id: NoticeId, candidate: CandidateId, at: Moment, notice: Notice) -> Change {
    metrics::noticed(&notice);
    Change::Notice(Arc::new(NoticeRow {
        id,
        candidate,
        at,
        notice,
    }))
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
