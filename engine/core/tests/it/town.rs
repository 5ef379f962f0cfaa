//! Pools and candidates coupled as the engine couples them: what is due first, then the candidate's verdict, then the
//! pool, then the candidates hear the events, then the cascade (R13). After every step all invariants are checked.

use std::collections::BTreeMap;

use kaowei_core::audit::{Hash, Seal};
use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, Fen, RecordId, RecordVersion, Sequence};
use kaowei_core::registration::{self, Ask, Candidate, Eligibility, Verdict};
use kaowei_core::seats::{
    Attached, ClaimState, Command, Event, Expiry, OnFull, Pool, PoolFacts, Refusal, RegisteredBy,
    RemovalCause, Settings, Standing,
};
use kaowei_core::sites::{Level, Paper, Site, Terms};
use kaowei_core::time::{Moment, Span};

pub(crate) const AGREEMENT: &str = "2026-1";
pub(crate) const HOUR: Span = Span::from_secs(3_600);
pub(crate) const DAY: Span = Span::from_secs(86_400);

/// Midnight of the day on which scripts begin.
pub(crate) fn midnight() -> Moment {
    Moment::from_unix_ms(1_788_998_400_000)
}

pub(crate) fn hours(hours: u32) -> Span {
    Span::from_secs(hours * 3_600)
}

pub(crate) fn site() -> Site {
    Site {
        province: "99".parse().unwrap(),
        school: "99101".parse().unwrap(),
    }
}

/// The facts of the pool of that subject at the town's campus: `1` and `2` are written, `F` and `S` oral.
pub(crate) fn facts(pool: &str) -> PoolFacts {
    let id: kaowei_core::ids::PoolId = pool.parse().unwrap();
    let (paper, level, requires) = match id.subject.as_str() {
        "1" | "3" => (Paper::Written, 4, None),
        "2" | "4" => (Paper::Written, 6, None),
        "F" => (Paper::Oral, 4, Some("1")),
        "S" => (Paper::Oral, 6, Some("2")),
        other => panic!("no subject {other}"),
    };
    PoolFacts {
        id,
        site: site(),
        paper,
        level: Level(level),
        requires: requires.map(|subject| subject.parse().unwrap()),
    }
}

/// Open from midnight for ten days, promoting and taking payment as long as the rules let it.
pub(crate) fn terms(paper: Paper) -> Terms {
    let closes_at = midnight() + hours(240);
    Terms {
        paper,
        opens_at: midnight(),
        closes_at,
        waitlist_closes_at: closes_at,
        payment_closes_at: closes_at + DAY,
        hold: DAY,
    }
}

pub(crate) fn settings(capacity: u32) -> Settings {
    Settings {
        capacity,
        open: true,
        draining: false,
        fee: Fen(3_000),
        exam_date: None,
    }
}

/// Every subject, at the own campus.
pub(crate) fn eligibility() -> Eligibility {
    Eligibility {
        site: site(),
        campus: "991010".parse().unwrap(),
        subjects: ["1", "2", "3", "4", "F", "S"]
            .map(|code| code.parse().unwrap())
            .into_iter()
            .collect(),
        barred: [].into_iter().collect(),
        open_campuses: [].into_iter().collect(),
    }
}

pub(crate) fn seal(sequence: u64, at: Moment) -> Seal {
    Seal {
        sequence: Sequence(sequence),
        hash: Hash::default(),
        at,
    }
}

/// A candidate who accepted the agreement and enrolled at midnight.
pub(crate) fn enrolled(id: CandidateId) -> Candidate {
    let mut candidate = Candidate::default();
    let accepted = registration::Event::AgreementAccepted {
        candidate: id,
        version: AGREEMENT.into(),
    };
    candidate.evolve(&accepted, midnight());
    let enrolled = registration::Event::Enrolled {
        candidate: id,
        record: RecordId(id.0),
        record_version: RecordVersion(1),
        campus: "991010".parse().unwrap(),
        site: site(),
        delete_after: midnight() + DAY,
        key: None,
    };
    candidate.evolve(&enrolled, midnight());
    candidate
}

/// One pool with what it decides by.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) facts: PoolFacts,
    pub(crate) terms: Terms,
    pub(crate) pool: Pool,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Again(Standing),
    Refused(Refusal),
}

/// The pools by their place, written before oral, and all candidates.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    pub(crate) desks: Vec<Desk>,
    pub(crate) candidates: BTreeMap<CandidateId, Candidate>,
    pub(crate) now: Moment,
    pub(crate) expiry: Expiry,
    sequence: u64,
}

impl Town {
    pub(crate) fn new(pools: &[(&str, u32)]) -> Self {
        let desk = |(id, capacity): &(&str, u32)| {
            let facts = facts(id);
            Desk {
                facts,
                terms: terms(facts.paper),
                pool: Pool::new(settings(*capacity)),
            }
        };
        Self {
            desks: pools.iter().map(desk).collect(),
            candidates: BTreeMap::new(),
            now: midnight(),
            expiry: Expiry::Running,
            sequence: 0,
        }
    }

    /// The active claim of a candidate in a pool, else the latest that is gone.
    pub(crate) fn claim_of(&self, desk: usize, candidate: CandidateId) -> Option<ClaimNumber> {
        let pool = &self.desks[desk].pool;
        let own = || pool.claims().filter(|(_, claim)| claim.candidate == candidate);
        own()
            .find(|(_, claim)| claim.state.is_active())
            .or_else(|| own().last())
            .map(|(number, _)| number)
    }

    pub(crate) fn claim(
        &mut self,
        desk: usize,
        candidate: CandidateId,
        on_full: OnFull,
    ) -> (Vec<(usize, Event)>, Answer) {
        let mut events = self.catch_up();
        let asked = &self.desks[desk];
        let ask = Ask {
            pool: &asked.facts,
            terms: &asked.terms,
            on_full,
            agreement: AGREEMENT,
            eligibility: Some(&eligibility()),
            granted: None,
            now: self.now,
        };
        let entry = self
            .candidates
            .entry(candidate)
            .or_insert_with(|| enrolled(candidate));
        let answer = match entry.may_claim(&ask) {
            Verdict::Refused(refusal) => Answer::Refused(refusal),
            Verdict::Existing(standing) => Answer::Again(standing),
            Verdict::Ask => {
                let command = Command::Claim {
                    candidate,
                    on_full,
                    registered_by: RegisteredBy::Candidate,
                    key: None,
                };
                return self.then(events, desk, &command);
            }
        };
        events.extend(self.cascade());
        (events, answer)
    }

    pub(crate) fn command(&mut self, desk: usize, command: &Command) -> (Vec<(usize, Event)>, Answer) {
        let events = self.catch_up();
        self.then(events, desk, command)
    }

    /// What is due everywhere.
    pub(crate) fn catch_up(&mut self) -> Vec<(usize, Event)> {
        let mut events = Vec::new();
        for desk in 0..self.desks.len() {
            events.extend(self.handle(desk, &Command::CatchUp).0);
        }
        events.extend(self.cascade());
        events
    }

    fn then(
        &mut self,
        mut events: Vec<(usize, Event)>,
        desk: usize,
        command: &Command,
    ) -> (Vec<(usize, Event)>, Answer) {
        let (happened, outcome) = self.handle(desk, command);
        events.extend(happened);
        events.extend(self.cascade());
        self.check();
        let answer = match outcome {
            Ok(()) => Answer::Done,
            Err(refusal) => Answer::Refused(refusal),
        };
        (events, answer)
    }

    fn handle(&mut self, desk: usize, command: &Command) -> (Vec<(usize, Event)>, Result<(), Refusal>) {
        let (now, expiry) = (self.now, self.expiry);
        let Desk { facts, terms, pool } = &mut self.desks[desk];
        let decision = pool.handle(command, terms, now, expiry).unwrap();
        let mut events = Vec::new();
        for event in decision.events {
            self.sequence += 1;
            if let Some((_, candidate)) = event.claim()
                && let Some(entry) = self.candidates.get_mut(&candidate)
            {
                entry.settle(facts, &event, &seal(self.sequence, now));
            }
            events.push((desk, event));
        }
        (events, decision.outcome)
    }

    /// The oral claims whose written one went away, until there is none (R13).
    fn cascade(&mut self) -> Vec<(usize, Event)> {
        let mut events = Vec::new();
        let next = |town: &Self| town.candidates.values().flat_map(Candidate::orphans).next();
        while let Some(ClaimId { pool, number }) = next(self) {
            let desk = self.desks.iter().position(|desk| desk.facts.id == pool).unwrap();
            let remove = Command::Remove {
                claim: number,
                cause: RemovalCause::WithWritten,
            };
            events.extend(self.handle(desk, &remove).0);
        }
        events
    }

    /// Every invariant, and that candidates know what pools know.
    pub(crate) fn check(&self) {
        for (id, candidate) in &self.candidates {
            let active: Vec<&Standing> = candidate
                .claims()
                .iter()
                .filter(|claim| claim.state.is_active())
                .collect();
            for (index, claim) in active.iter().enumerate() {
                let same_level =
                    |other: &&&Standing| (other.paper, other.level) == (claim.paper, claim.level);
                assert!(
                    !active[..index].iter().any(|other| same_level(&other)),
                    "I4: {active:?}"
                );
                let written = |other: &&Standing| {
                    claim.requires == Some(other.id.pool.subject)
                        && matches!(other.state, ClaimState::Held { .. } | ClaimState::Paid { .. })
                };
                let marked = claim.attached.is_some_and(|attached| attached.asked_at.is_some());
                let is_paid = matches!(claim.state, ClaimState::Paid { .. });
                let free_standing = claim.requires.is_none() || is_paid || marked;
                assert!(free_standing || active.iter().any(written), "I5: {active:?}");
            }
            for desk in &self.desks {
                let in_pool: Vec<_> = desk
                    .pool
                    .claims()
                    .filter(|(_, claim)| claim.candidate == *id && claim.state.is_active())
                    .map(|(number, claim)| {
                        let attached = desk.pool.attachment(number).map(|attachment| Attached {
                            order: attachment.order,
                            asked_at: attachment.asked.as_ref().map(|asked| asked.at),
                        });
                        (number, claim.state, attached)
                    })
                    .collect();
                let known: Vec<_> = active
                    .iter()
                    .filter(|claim| claim.id.pool == desk.facts.id)
                    .map(|claim| (claim.id.number, claim.state, claim.attached))
                    .collect();
                assert_eq!(known, in_pool, "what the candidate knows of {}", desk.facts.id);
            }
        }
        for desk in &self.desks {
            // An end of promotions that was moved while expiry is suspended leaves seats idle until it is resumed.
            if self.expiry == Expiry::Running {
                desk.pool.check_all(&desk.terms, self.now).unwrap();
            }
        }
    }
}
