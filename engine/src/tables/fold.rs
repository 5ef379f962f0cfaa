//! Many events folded into few row changes: the last state of a row wins.

use std::collections::{BTreeMap, HashMap};

use kaowei_core::audit::{Hash, Seal};
use kaowei_core::ids::{CampusCode, CandidateId, ClaimId, ClaimNumber, PoolId, Sequence};
use kaowei_core::registration::{self, Enrolment, KeyAnswer};
use kaowei_core::seats::{ClaimState, Event, Freed, PoolFacts, RemovalCause, Standing};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Moment;
use serde::Serialize;

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
    pub(super) keys: BTreeMap<(CandidateId, u8), (i64, KeyNote, String)>,
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
    /// Where the event that made it lies in the journal.
    pub(super) position: i64,
}

/// The latest state of a claim that is in the tables already.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClaimChange {
    pub(super) state: ClaimState,
    pub(super) seal: Seal,
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
            let event = registration::Event::read(kind, payload)?;
            self.notices.add_cell(cell, *position, at, &event)?;
            self.staff.add(cell, &event, at)?;
            return self.add_cell_event(&event, at, *position);
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
                        position,
                    },
                );
            } else if let Some(new) = self.new_claims.get_mut(&key) {
                new.standing.evolve(event, &seal);
            } else if let Some(state) = event.new_state() {
                self.claims.insert(key, ClaimChange { state, seal });
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
            }
            Event::EnrolmentExtended {
                candidate,
                delete_after,
                ..
            } => match self.enrolments.get_mut(candidate) {
                Some(Some(enrolment)) => enrolment.delete_after = *delete_after,
                Some(None) => {}
                None => {
                    self.enrolment_ends.insert(*candidate, *delete_after);
                }
            },
            Event::EnrolmentKeyRemembered {
                candidate,
                key,
                answered,
            } => {
                let answer = KeyAnswer::AlreadyEnrolled(answered.clone());
                self.remember(*candidate, *key, &answer, position)?;
            }
            Event::SittingSaved { sitting, .. } => {
                self.documents.insert("sitting", json(sitting)?);
            }
            Event::CampusSaved { campus, .. } => {
                self.campuses.insert(campus.code, json(campus)?);
            }
            Event::ExpirySuspended { reason, .. } => {
                let status = ExpiryStatus {
                    running: false,
                    since: Some(at),
                    reason: Some(reason.clone()),
                };
                self.documents.insert("expiry", json(&status)?);
            }
            Event::ExpiryResumed { reason, .. } => {
                let status = ExpiryStatus {
                    running: true,
                    since: None,
                    reason: Some(reason.clone()),
                };
                self.documents.insert("expiry", json(&status)?);
            }
            Event::Imported { .. }
            | Event::DeadlineNear { .. }
            | Event::StaffAccountCreated { .. }
            | Event::StaffAccountRevoked { .. } => {}
        }
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
            Event::DeadlineExtended { .. } | Event::KeyRemembered { .. } => {}
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, OpenError> {
    serde_json::to_string(value).map_err(|error| OpenError::Damaged(error.to_string()))
}
