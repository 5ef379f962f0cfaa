//! Many events folded into few row changes: the last state of a row wins.

use std::collections::{BTreeMap, HashMap};

use kaowei_core::audit::{Hash, Seal};
use kaowei_core::ids::{CampusCode, CandidateId, ClaimId, ClaimNumber, OrderId, PoolId, Sequence};
use kaowei_core::registration::{self, Enrolment, KeyAnswer, Review};
use kaowei_core::seats::{ClaimState, Event, Freed, Leave, PoolFacts, RemovalCause, Standing};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Moment;
use kaowei_core::{cell, payment};
use serde::Serialize;

use super::fold_orders::OrderFold;
use super::notices::NoticeFold;
use super::staff::StaffFold;
use crate::failure::OpenError;
use crate::recovery::StoredEvent;
use crate::views::ExpiryStatus;

/// What a slice of the journal changes in the tables.
#[derive(Debug, Default)]
pub(super) struct Fold<'a> {
    /// How far each cell is folded.
    pub(super) positions: BTreeMap<&'a str, i64>,
    /// The head of each stream: cell, sequence, hash.
    pub(super) heads: BTreeMap<&'a str, (&'a str, i64, &'a [u8])>,
    /// Where each event lies: stream, sequence, cell, position.
    pub(super) index: Vec<(&'a str, i64, &'a str, i64)>,
    pub(super) documents: BTreeMap<&'static str, String>,
    pub(super) campuses: BTreeMap<CampusCode, String>,
    pub(super) new_pools: BTreeMap<PoolId, PoolFacts>,
    pub(super) pools: BTreeMap<PoolId, PoolChange>,
    pub(super) new_claims: BTreeMap<(PoolId, ClaimNumber), NewClaim>,
    pub(super) claims: BTreeMap<(PoolId, ClaimNumber), ClaimChange>,
    pub(super) agreements: BTreeMap<CandidateId, (String, Moment)>,
    /// Enrolments as they are now; none for one that was deleted.
    pub(super) enrolments: BTreeMap<CandidateId, Option<Enrolment>>,
    pub(super) enrolment_ends: BTreeMap<CandidateId, Moment>,
    /// Reviews as they are now, with their JSON; none for one that was deleted.
    pub(super) reviews: BTreeMap<CandidateId, Option<(Review, String)>>,
    pub(super) keys: BTreeMap<(CandidateId, u8), (i64, KeyNote, String)>,
    pub(super) payment: OrderFold<'a>,
    pub(super) last_at: Option<Moment>,
    pub(super) notices: NoticeFold,
    pub(super) staff: StaffFold,
}

/// Changes of a pool's row: settings as they are now, counters by how much they move.
#[derive(Debug, Default)]
pub(super) struct PoolChange {
    pub(super) capacity: Option<(u32, bool)>,
    pub(super) open: Option<bool>,
    pub(super) terms: Option<(u32, Option<String>)>,
    pub(super) held: i64,
    pub(super) paid: i64,
    pub(super) waiting: i64,
}

/// A claim that is not in the tables yet.
#[derive(Debug)]
pub(super) struct NewClaim {
    pub(super) candidate: CandidateId,
    pub(super) standing: Standing,
    /// How it is to go once its order has ended.
    pub(super) leave: Option<String>,
    /// Where the event that made it lies in the journal.
    pub(super) position: i64,
}

/// What is new about a claim that is in the tables already; what is absent stays.
#[derive(Debug)]
pub(super) struct ClaimChange {
    pub(super) state: Option<ClaimState>,
    /// The order that it is kept for.
    pub(super) attached: Cell<OrderId>,
    /// Since when it is to go, and how.
    pub(super) asked: Cell<(Moment, String)>,
    pub(super) seal: Seal,
}

/// What becomes of a cell of the tables that may be empty.
#[derive(Debug)]
pub(super) enum Cell<T> {
    /// It stays as it is.
    Kept,
    /// It is this from now on.
    Set(Option<T>),
}

impl<T> Cell<T> {
    /// Whether it changes, as the statement is told; and its value then.
    pub(super) fn parts(&self) -> (bool, Option<&T>) {
        match self {
            Self::Kept => (false, None),
            Self::Set(value) => (true, value.as_ref()),
        }
    }
}

impl ClaimChange {
    fn new(seal: Seal) -> Self {
        Self {
            state: None,
            attached: Cell::Kept,
            asked: Cell::Kept,
            seal,
        }
    }

    /// As [`Standing::evolve`] changes a claim that is known.
    fn add(&mut self, event: &Event, seal: Seal) -> Result<(), OpenError> {
        self.seal = seal;
        if let Some(state) = event.new_state() {
            self.state = Some(state);
            if state.held_until().is_none() {
                self.attached = Cell::Set(None);
                self.asked = Cell::Set(None);
            }
        }
        match event {
            Event::OrderAttached { order, .. } => {
                self.attached = Cell::Set(Some(*order));
                self.asked = Cell::Set(None);
            }
            Event::OrderDetached { .. } => {
                self.attached = Cell::Set(None);
                self.asked = Cell::Set(None);
            }
            Event::CancellationAsked { asked_at, .. } | Event::RemovalAsked { asked_at, .. } => {
                self.asked = Cell::Set(leave(event)?.map(|leave| (*asked_at, leave)));
            }
            _ => {}
        }
        Ok(())
    }
}

/// How a hold is to go that was asked to, as its row keeps it.
fn leave(event: &Event) -> Result<Option<String>, OpenError> {
    let leave = match event {
        Event::CancellationAsked { by, reason, .. } => Leave::Cancel {
            by: by.clone(),
            reason: *reason,
        },
        Event::RemovalAsked { cause, .. } => Leave::Remove { cause: *cause },
        _ => return Ok(None),
    };
    json(&leave).map(Some)
}

impl<'a> Fold<'a> {
    /// Adds one event. `facts` knows the pools made before this slice.
    pub(super) fn add(
        &mut self,
        stored: &'a StoredEvent,
        facts: &mut HashMap<PoolId, PoolFacts>,
    ) -> Result<(), OpenError> {
        let (cell, position, stream, sequence, kind, at, payload, hash) = stored;
        let at = Moment::from_unix_ms(*at);
        self.positions.insert(cell, *position);
        self.heads.insert(stream, (cell, *sequence, hash));
        self.index.push((stream, *sequence, cell, *position));
        self.last_at = self.last_at.max(Some(at));
        if stream.starts_with("cell:") {
            let event = cell::Event::read(kind, payload)?;
            self.notices.add_cell(cell, *position, at, &event)?;
            if let cell::Event::Registration(event) = &event {
                self.staff.add(cell, event, at)?;
            }
            return match event {
                cell::Event::Registration(event) => self.add_cell_event(&event, at, *position),
                cell::Event::Payment(event) => self.add_payment_event(event, at, cell, *position),
            };
        }
        let damaged = |what: &str| OpenError::Damaged(format!("{stream}: {what}"));
        let id: PoolId = stream.parse().map_err(|_| damaged("not a pool's id"))?;
        let event = Event::read(kind, payload)?;
        self.notices.add_pool(cell, *position, at, id, &event)?;
        if let Event::PoolCreated {
            site,
            paper,
            level,
            requires,
            ..
        } = &event
        {
            let created = PoolFacts {
                id,
                site: *site,
                paper: *paper,
                level: *level,
                requires: *requires,
            };
            facts.insert(id, created);
            self.new_pools.insert(id, created);
        }
        let facts = *facts
            .get(&id)
            .ok_or_else(|| damaged("the pool's first event is missing"))?;
        let hash = Hash(
            hash.as_slice()
                .try_into()
                .map_err(|_| damaged("a hash has a wrong length"))?,
        );
        let seal = Seal {
            sequence: Sequence(u64::try_from(*sequence).unwrap_or(0)),
            hash,
            at,
        };
        self.add_pool_event(&facts, &event, seal, *position)
    }

    fn add_pool_event(
        &mut self,
        facts: &PoolFacts,
        event: &Event,
        seal: Seal,
        position: i64,
    ) -> Result<(), OpenError> {
        let change = self.pools.entry(facts.id).or_default();
        change.count(event);
        if let Some((number, candidate)) = event.claim() {
            let key = (facts.id, number);
            if let Some(made) = Standing::made_by(facts, event, &seal) {
                self.new_claims.insert(
                    key,
                    NewClaim {
                        candidate,
                        standing: made,
                        leave: None,
                        position,
                    },
                );
            } else if let Some(new) = self.new_claims.get_mut(&key) {
                new.standing.evolve(event, &seal);
                if let Some(leave) = leave(event)? {
                    new.leave = Some(leave);
                }
                let asked = new.standing.attached.and_then(|attached| attached.asked_at);
                new.leave = new.leave.take().filter(|_| asked.is_some());
            } else if !matches!(event, Event::KeyRemembered { .. }) {
                let change = self.claims.entry(key).or_insert_with(|| ClaimChange::new(seal));
                change.add(event, seal)?;
            }
        }
        match event {
            Event::ClaimHeld {
                claim,
                candidate,
                key: Some(note),
                ..
            }
            | Event::ClaimQueued {
                claim,
                candidate,
                key: Some(note),
                ..
            } => {
                let answer = KeyAnswer::Made(ClaimId {
                    pool: facts.id,
                    number: *claim,
                });
                self.remember(*candidate, *note, &answer, position)?;
            }
            Event::ClaimRemoved {
                candidate,
                cause: RemovalCause::GrantedTooLate { key: Some(note) },
                ..
            } => self.remember(*candidate, *note, &KeyAnswer::WrittenRequired, position)?,
            Event::KeyRemembered {
                candidate,
                key,
                answered,
                ..
            } => {
                self.remember(*candidate, *key, &KeyAnswer::Existing(answered.clone()), position)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add_cell_event(
        &mut self,
        event: &registration::Event,
        at: Moment,
        position: i64,
    ) -> Result<(), OpenError> {
        use registration::Event;
        match event {
            Event::AgreementAccepted { candidate, version } => {
                self.agreements.insert(*candidate, (version.to_string(), at));
            }
            Event::Enrolled { candidate, key, .. } => {
                let Some(enrolment) = event.enrolment(at) else {
                    return Ok(());
                };
                self.enrolments.insert(*candidate, Some(enrolment));
                self.enrolment_ends.remove(candidate);
                if let Some(note) = key {
                    let answer = KeyAnswer::Enrolled(Box::new(enrolment));
                    self.remember(*candidate, *note, &answer, position)?;
                }
            }
            Event::EnrolmentDeleted { candidate, .. } => {
                self.enrolments.insert(*candidate, None);
                self.enrolment_ends.remove(candidate);
                self.payment.unchoose(*candidate);
            }
            Event::EnrolmentExtended {
                candidate,
                delete_after,
                ..
            } => self.extend_enrolment(*candidate, *delete_after),
            Event::EnrolmentKeyRemembered {
                candidate,
                key,
                answered,
            } => {
                let answer = KeyAnswer::AlreadyEnrolled(answered.clone());
                self.remember(*candidate, *key, &answer, position)?;
            }
            Event::ReviewApplied { candidate, key, .. } | Event::ReviewDecided { candidate, key, .. } => {
                if let Some(review) = Review::after(event, at) {
                    self.add_review(*candidate, review, *key, position)?;
                }
            }
            Event::ReviewDeleted { candidate, .. } => {
                self.reviews.insert(*candidate, None);
            }
            Event::SittingSaved { sitting, .. } => {
                self.documents.insert("sitting", json(sitting)?);
            }
            Event::CampusSaved { campus, .. } => {
                self.campuses.insert(campus.code, json(campus)?);
            }
            Event::ExpirySuspended { reason, .. } | Event::ExpiryResumed { reason, .. } => {
                let running = matches!(event, Event::ExpiryResumed { .. });
                let status = ExpiryStatus {
                    running,
                    since: (!running).then_some(at),
                    reason: Some(reason.clone()),
                };
                self.documents.insert("expiry", json(&status)?);
            }
            Event::ScoreReportsChosen { candidate, choices } => {
                for chosen in choices {
                    let reports = &mut self.payment.score_reports;
                    reports.insert((*candidate, chosen.subject), chosen.choice);
                }
            }
            Event::QuickPrintSet { candidate, enabled } => {
                self.payment.quick_prints.insert(*candidate, *enabled);
            }
            Event::Imported { .. }
            | Event::DeadlineNear { .. }
            | Event::StaffAccountCreated { .. }
            | Event::StaffAccountRevoked { .. } => {}
        }
        Ok(())
    }

    fn extend_enrolment(&mut self, candidate: CandidateId, delete_after: Moment) {
        match self.enrolments.get_mut(&candidate) {
            Some(Some(enrolment)) => enrolment.delete_after = delete_after,
            Some(None) => {}
            None => {
                self.enrolment_ends.insert(candidate, delete_after);
            }
        }
    }

    fn add_review(
        &mut self,
        candidate: CandidateId,
        review: Review,
        key: Option<KeyNote>,
        position: i64,
    ) -> Result<(), OpenError> {
        if let Some(note) = key {
            let answer = KeyAnswer::Reviewed(Box::new(review.clone()));
            self.remember(candidate, note, &answer, position)?;
        }
        let body = json(&review)?;
        self.reviews.insert(candidate, Some((review, body)));
        Ok(())
    }

    fn add_payment_event(
        &mut self,
        event: payment::Event,
        at: Moment,
        cell: &'a str,
        position: i64,
    ) -> Result<(), OpenError> {
        if let payment::Event::OrderOpened {
            order,
            candidate,
            key: Some(note),
            ..
        } = &event
        {
            self.remember(*candidate, *note, &KeyAnswer::Ordered(*order), position)?;
        }
        if let payment::Event::OrderKeyRemembered {
            order,
            candidate,
            key,
        } = &event
        {
            self.remember(*candidate, *key, &KeyAnswer::OrderFound(*order), position)?;
        }
        self.payment.add(event, at, cell, position);
        Ok(())
    }

    fn remember(
        &mut self,
        candidate: CandidateId,
        note: KeyNote,
        answer: &KeyAnswer,
        position: i64,
    ) -> Result<(), OpenError> {
        self.keys
            .insert((candidate, note.slot), (position, note, json(answer)?));
        Ok(())
    }
}

impl PoolChange {
    fn count(&mut self, event: &Event) {
        match event {
            Event::PoolCreated {
                capacity,
                open,
                fee_fen,
                exam_date,
                ..
            } => {
                self.capacity = Some((*capacity, false));
                self.open = Some(*open);
                self.terms = Some((fee_fen.0, exam_date.as_ref().map(ToString::to_string)));
            }
            Event::CapacitySet {
                capacity, draining, ..
            } => self.capacity = Some((*capacity, *draining)),
            Event::PoolOpened { .. } => self.open = Some(true),
            Event::PoolClosed { .. } => self.open = Some(false),
            Event::TermsSet {
                fee_fen, exam_date, ..
            } => {
                self.terms = Some((fee_fen.0, exam_date.as_ref().map(ToString::to_string)));
            }
            Event::ClaimHeld { .. } => self.held += 1,
            Event::ClaimQueued { .. } => self.waiting += 1,
            Event::ClaimPromoted { .. } => {
                self.waiting -= 1;
                self.held += 1;
            }
            Event::ClaimCancelled { .. }
            | Event::ClaimExpired { .. }
            | Event::ClaimRemoved {
                freed: Freed::Seat, ..
            } => self.held -= 1,
            Event::ClaimWithdrawn { .. }
            | Event::ClaimLapsed { .. }
            | Event::ClaimRemoved {
                freed: Freed::Place, ..
            } => self.waiting -= 1,
            Event::ClaimPaid { .. } => {
                self.held -= 1;
                self.paid += 1;
            }
            Event::ClaimRefunded { .. } => self.paid -= 1,
            // A hold with an order is a hold.
            Event::DeadlineExtended { .. }
            | Event::OrderAttached { .. }
            | Event::OrderDetached { .. }
            | Event::CancellationAsked { .. }
            | Event::RemovalAsked { .. }
            | Event::KeyRemembered { .. } => {}
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, OpenError> {
    serde_json::to_string(value).map_err(|error| OpenError::Damaged(error.to_string()))
}
