//! How one claim stands, as its candidate sees it: what the pool's committed events have said about it.

use serde::{Deserialize, Serialize};

use super::{Attached, ClaimState, Event, RegisteredBy};
use crate::audit::{Hash, Seal};
use crate::ids::{ClaimId, Fen, PoolId, Sequence, SubjectCode};
use crate::sites::{Level, Paper, Site};
use crate::time::Moment;

/// What never changes about a pool, and what the rules across pools ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PoolFacts {
    /// Which.
    pub id: PoolId,
    /// Where.
    pub site: Site,
    /// Written or oral.
    pub paper: Paper,
    /// Its level.
    pub level: Level,
    /// The written subject that its claims need (R13).
    pub requires: Option<SubjectCode>,
}

/// What a claim was first answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// A seat until then.
    Held(Moment),
    /// That place in the queue.
    Queued(u32),
}

/// One claim of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// Its id.
    pub id: ClaimId,
    /// Written or oral.
    pub paper: Paper,
    /// Its level.
    pub level: Level,
    /// The written subject that it needs (R13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<SubjectCode>,
    /// How it stands.
    pub state: ClaimState,
    /// The order that a held seat is kept for (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// What it was first answered with.
    pub first: First,
    /// What it costs.
    pub fee: Fen,
    /// Who registered.
    pub registered_by: RegisteredBy,
    /// When it was made.
    pub created_at: Moment,
    /// The sequence number of the event that made it; never changes.
    pub sequence: Sequence,
    /// The chain's hash there; never changes.
    pub chain_hash: Hash,
    /// When it last changed.
    pub state_at: Moment,
    /// The sequence number of the latest event about it.
    pub state_sequence: Sequence,
    /// The chain's hash there.
    pub state_hash: Hash,
}

/// A claim as an answer showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Answered {
    /// How it stood.
    pub standing: Standing,
    /// Its place then, from 1, while it waited.
    pub position: Option<u32>,
}

impl Standing {
    /// The standing that a `ClaimHeld` or `ClaimQueued` event makes; none for another event.
    pub fn made_by(facts: &PoolFacts, event: &Event, seal: &Seal) -> Option<Self> {
        let (number, state, first, fee, registered_by) = match event {
            Event::ClaimHeld {
                claim,
                held_until,
                fee_fen,
                registered_by,
                ..
            } => (
                claim,
                ClaimState::Held { until: *held_until },
                First::Held(*held_until),
                fee_fen,
                registered_by,
            ),
            Event::ClaimQueued {
                claim,
                position,
                fee_fen,
                registered_by,
                ..
            } => (
                claim,
                ClaimState::Waiting,
                First::Queued(*position),
                fee_fen,
                registered_by,
            ),
            _ => return None,
        };
        Some(Self {
            id: ClaimId {
                pool: facts.id,
                number: *number,
            },
            paper: facts.paper,
            level: facts.level,
            requires: facts.requires,
            state,
            attached: None,
            first,
            fee: *fee,
            registered_by: *registered_by,
            created_at: seal.at,
            sequence: seal.sequence,
            chain_hash: seal.hash,
            state_at: seal.at,
            state_sequence: seal.sequence,
            state_hash: seal.hash,
        })
    }

    /// What a later event makes of it.
    pub fn evolve(&mut self, event: &Event, seal: &Seal) {
        if let Some(state) = event.new_state() {
            self.state = state;
            if state.held_until().is_none() {
                self.attached = None;
            }
        }
        match event {
            Event::OrderAttached { order, .. } => {
                self.attached = Some(Attached {
                    order: *order,
                    asked_at: None,
                });
            }
            Event::OrderDetached { .. } => self.attached = None,
            Event::CancellationAsked { asked_at, .. } | Event::RemovalAsked { asked_at, .. } => {
                if let Some(attached) = &mut self.attached {
                    attached.asked_at = Some(*asked_at);
                }
            }
            Event::KeyRemembered { .. }
            | Event::PoolCreated { .. }
            | Event::CapacitySet { .. }
            | Event::PoolOpened { .. }
            | Event::PoolClosed { .. }
            | Event::TermsSet { .. } => return,
            Event::ClaimHeld { .. }
            | Event::ClaimQueued { .. }
            | Event::ClaimPromoted { .. }
            | Event::ClaimCancelled { .. }
            | Event::ClaimWithdrawn { .. }
            | Event::ClaimExpired { .. }
            | Event::ClaimRemoved { .. }
            | Event::ClaimPaid { .. }
            | Event::ClaimRefunded { .. }
            | Event::ClaimLapsed { .. }
            | Event::DeadlineExtended { .. } => {}
        }
        self.state_at = seal.at;
        self.state_sequence = seal.sequence;
        self.state_hash = seal.hash;
    }

    /// When the claim goes by itself: at its deadline, which an open order outlives (R27).
    pub fn expires_at(&self) -> Option<Moment> {
        match self.attached {
            Some(_) => None,
            None => self.state.held_until(),
        }
    }

    /// 结算中: since when the seat is kept for nothing but its order's end (R27), its deadline having passed or its end
    /// been asked.
    pub fn settling_since(&self, now: Moment) -> Option<Moment> {
        let deadline = self.state.held_until().filter(|until| *until <= now);
        [deadline, self.attached?.asked_at].into_iter().flatten().min()
    }

    /// As it stood when it was made: what the same idempotency key is answered with, whatever happened since.
    #[must_use]
    pub fn as_made(&self) -> Self {
        let state = match self.first {
            First::Held(until) => ClaimState::Held { until },
            First::Queued(_) => ClaimState::Waiting,
        };
        Self {
            state,
            attached: None,
            state_at: self.created_at,
            state_sequence: self.sequence,
            state_hash: self.chain_hash,
            ..*self
        }
    }
}
