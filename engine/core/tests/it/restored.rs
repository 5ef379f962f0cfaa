//! Restored is live (3.1): a candidate read back from the tables is, at every point of its history, the one that lived
//! on, whatever it has forgotten and whichever keys it knew on the way.

use std::collections::BTreeMap;

use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, Fen, RecordId, RecordVersion, SubjectCode};
use kaowei_core::registration::{
    self, AnsweredEnrolment, Candidate, Choices, KeyAnswer, Keys, Review, ReviewDecision, ScoreReport,
    ScoreReportChoice,
};
use kaowei_core::seats::{Answered, By, ClaimState, Event, Freed, RegisteredBy, RemovalCause, Standing};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Span;
use proptest::prelude::*;

use crate::properties::config;
use crate::town::{DAY, facts, midnight, seal, site};

const LI: CandidateId = CandidateId(1);
const SUBJECTS: [&str; 3] = ["1", "2", "3"];
const POOLS: [&str; 4] = ["991010-1", "991010-2", "991010-F", "991010-S"];

/// What the tables keep of a candidate: rows that are added and changed, and never forgotten.
#[derive(Debug, Default)]
struct Rows {
    agreed: Option<registration::Agreed>,
    enrolment: Option<registration::Enrolment>,
    claims: Vec<Standing>,
    review: Option<Review>,
    keys: BTreeMap<u8, (u64, KeyNote, KeyAnswer)>,
    score_reports: BTreeMap<SubjectCode, ScoreReport>,
    quick_print: Option<bool>,
}

impl Rows {
    fn remember(&mut self, position: u64, note: KeyNote, answer: KeyAnswer) {
        self.keys.insert(note.slot, (position, note, answer));
    }

    fn restore(&self) -> Candidate {
        let mut keys: Vec<_> = self.keys.values().cloned().collect();
        keys.sort_by_key(|(position, ..)| *position);
        let keys = keys.into_iter().map(|(_, note, answer)| (note, answer)).collect();
        let mut choices = Choices::default();
        let reports = self.score_reports.iter();
        choices
            .score_reports
            .extend(reports.map(|(subject, choice)| ScoreReportChoice {
                subject: *subject,
                choice: *choice,
            }));
        choices.quick_print = self.quick_print.unwrap_or(choices.quick_print);
        Candidate::restore(
            self.agreed.clone(),
            self.enrolment,
            self.claims.clone(),
            Keys::restore(keys),
            Vec::new(),
            choices,
        )
        .with_review(self.review.clone())
    }
}

/// One candidate as it lives, and the rows that its events make.
#[derive(Debug, Default)]
struct Life {
    live: Candidate,
    rows: Rows,
    position: u64,
}

#[derive(Debug, Clone)]
enum Act {
    Claim {
        pool: usize,
        key: Option<u8>,
    },
    End {
        nth: usize,
    },
    GrantTooLate {
        pool: usize,
        key: Option<u8>,
    },
    Repeat {
        nth: usize,
        key: u8,
    },
    Enrol {
        key: Option<u8>,
    },
    EnrolAgain {
        key: u8,
    },
    DeleteEnrolment,
    Apply {
        matched: bool,
        key: Option<u8>,
    },
    Decide {
        decision: ReviewDecision,
        key: Option<u8>,
    },
    DeleteReview,
    Choose {
        subject: usize,
        paper: bool,
    },
    QuickPrint {
        enabled: bool,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = prop::option::weighted(0.4, any::<u8>());
    let decision = prop::sample::select(vec![
        ReviewDecision::Approved,
        ReviewDecision::Rejected,
        ReviewDecision::Rejected,
    ]);
    let act = prop_oneof![
        10 => (0..POOLS.len(), key.clone()).prop_map(|(pool, key)| Act::Claim { pool, key }),
        1 => (0..POOLS.len(), key.clone()).prop_map(|(pool, key)| Act::GrantTooLate { pool, key }),
        9 => any::<usize>().prop_map(|nth| Act::End { nth }),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(nth, key)| Act::Repeat { nth, key }),
        1 => key.clone().prop_map(|key| Act::Enrol { key }),
        1 => any::<u8>().prop_map(|key| Act::EnrolAgain { key }),
        1 => Just(Act::DeleteEnrolment),
        1 => (prop::bool::weighted(0.1), key.clone()).prop_map(|(matched, key)| Act::Apply { matched, key }),
        1 => (decision, key).prop_map(|(decision, key)| Act::Decide { decision, key }),
        1 => Just(Act::DeleteReview),
        2 => (0..SUBJECTS.len(), any::<bool>()).prop_map(|(subject, paper)| Act::Choose { subject, paper }),
        1 => any::<bool>().prop_map(|enabled| Act::QuickPrint { enabled }),
    ];
    prop::collection::vec(act, 1..240)
}

impl Life {
    fn note(&self, key: u8) -> KeyNote {
        self.live.note_key(key.into(), 0)
    }

    fn happened_in_pool(&mut self, pool: &str, event: &Event) {
        self.position += 1;
        let (facts, position) = (facts(pool), self.position);
        let seal = seal(
            position,
            midnight() + Span::from_secs(u32::try_from(position).unwrap()),
        );
        self.live.settle(&facts, event, &seal);
        let (number, _) = event.claim().unwrap();
        let id = ClaimId {
            pool: facts.id,
            number,
        };
        if let Some(made) = Standing::made_by(&facts, event, &seal) {
            self.rows.claims.push(made);
        } else {
            let row = self.rows.claims.iter_mut().find(|row| row.id == id).unwrap();
            row.evolve(event, &seal);
        }
        match event {
            Event::ClaimHeld { key: Some(note), .. } => {
                self.rows.remember(position, *note, KeyAnswer::Made(id));
            }
            Event::ClaimRemoved {
                cause: RemovalCause::GrantedTooLate { key: Some(note) },
                ..
            } => self.rows.remember(position, *note, KeyAnswer::WrittenRequired),
            Event::KeyRemembered { key, answered, .. } => {
                self.rows
                    .remember(position, *key, KeyAnswer::Existing(answered.clone()));
            }
            _ => {}
        }
    }

    fn happened_in_cell(&mut self, event: &registration::Event) {
        self.position += 1;
        self.live.evolve(event, midnight());
        self.rows.agreed = self.live.agreed().cloned();
        self.rows.enrolment = self.live.enrolment().copied();
        match event {
            registration::Event::Enrolled { key: Some(note), .. } => {
                let saved = event.enrolment(midnight()).unwrap();
                self.rows
                    .remember(self.position, *note, KeyAnswer::Enrolled(Box::new(saved)));
            }
            registration::Event::EnrolmentKeyRemembered { key, answered, .. } => {
                self.rows
                    .remember(self.position, *key, KeyAnswer::AlreadyEnrolled(answered.clone()));
            }
            registration::Event::ReviewApplied { key, .. }
            | registration::Event::ReviewDecided { key, .. } => {
                let review = Review::after(event, midnight()).unwrap();
                self.rows.review = Some(review.clone());
                if let Some(note) = key {
                    self.rows
                        .remember(self.position, *note, KeyAnswer::Reviewed(Box::new(review)));
                }
            }
            registration::Event::ReviewDeleted { .. } => self.rows.review = None,
            registration::Event::ScoreReportsChosen { choices, .. } => {
                let chosen = choices.iter().map(|chosen| (chosen.subject, chosen.choice));
                self.rows.score_reports.extend(chosen);
            }
            registration::Event::QuickPrintSet { enabled, .. } => self.rows.quick_print = Some(*enabled),
            registration::Event::EnrolmentDeleted { .. } => {
                self.rows.score_reports.clear();
                self.rows.quick_print = None;
            }
            _ => {}
        }
    }

    fn claim(&mut self, pool: &str, key: Option<KeyNote>) -> ClaimNumber {
        let rows = self.rows.claims.iter();
        let made_there = rows.filter(|row| row.id.pool == facts(pool).id).count();
        let claim = ClaimNumber(u32::try_from(made_there).unwrap() + 1);
        let held = Event::ClaimHeld {
            claim,
            candidate: LI,
            held_until: midnight() + DAY,
            fee_fen: Fen(3_000),
            registered_by: RegisteredBy::Candidate,
            key,
        };
        self.happened_in_pool(pool, &held);
        claim
    }

    /// The active claim of that number, counted round and round.
    fn active(&self, nth: usize) -> Option<Standing> {
        let active: Vec<&Standing> = self
            .live
            .claims()
            .iter()
            .filter(|claim| claim.state.is_active())
            .collect();
        (!active.is_empty()).then(|| *active[nth % active.len()])
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Claim { pool, key } => {
                self.claim(POOLS[pool], key.map(|key| self.note(key)));
            }
            Act::GrantTooLate { pool, key } => {
                let key = key.map(|key| self.note(key));
                let removed = Event::ClaimRemoved {
                    claim: self.claim(POOLS[pool], key),
                    candidate: LI,
                    cause: RemovalCause::GrantedTooLate { key },
                    freed: Freed::Seat,
                };
                self.happened_in_pool(POOLS[pool], &removed);
            }
            Act::End { nth } => {
                let Some(Standing { id, .. }) = self.active(nth) else {
                    return;
                };
                let expired = Event::ClaimExpired {
                    claim: id.number,
                    candidate: LI,
                };
                self.happened_in_pool(&id.pool.to_string(), &expired);
            }
            Act::Repeat { nth, key } => self.repeat(nth, key),
            Act::Enrol { key } => {
                let enrolled = registration::Event::Enrolled {
                    candidate: LI,
                    record: RecordId(1),
                    record_version: RecordVersion(1),
                    campus: "991010".parse().unwrap(),
                    site: site(),
                    delete_after: midnight() + DAY,
                    key: key.map(|key| self.note(key)),
                };
                self.happened_in_cell(&enrolled);
            }
            Act::EnrolAgain { key } => self.enrol_again(key),
            Act::Choose { subject, paper } => self.choose(subject, paper),
            Act::QuickPrint { enabled } => {
                let set = registration::Event::QuickPrintSet {
                    candidate: LI,
                    enabled,
                };
                self.happened_in_cell(&set);
            }
            Act::DeleteEnrolment => {
                let deleted = registration::Event::EnrolmentDeleted {
                    candidate: LI,
                    by: By::Candidate,
                };
                self.happened_in_cell(&deleted);
            }
            Act::Apply { .. } | Act::Decide { .. } | Act::DeleteReview => self.act_on_review(act),
        }
    }

    fn act_on_review(&mut self, act: &Act) {
        match *act {
            Act::Apply { matched, key } => {
                let Ok(number) = self.live.may_be_applied_for(true) else {
                    return;
                };
                let applied = registration::Event::ReviewApplied {
                    candidate: LI,
                    number,
                    site: site(),
                    matched,
                    by: By::Candidate,
                    reason: None,
                    key: key.map(|key| self.note(key)),
                };
                self.happened_in_cell(&applied);
            }
            Act::Decide { decision, key } => {
                let Ok(application) = self.live.may_decide_review() else {
                    return;
                };
                let decided = registration::Event::ReviewDecided {
                    candidate: LI,
                    application: Box::new(application.clone()),
                    decision,
                    by: By::Staff("t-1".into()),
                    reason: "looked at the papers".into(),
                    key: key.map(|key| self.note(key)),
                };
                self.happened_in_cell(&decided);
            }
            Act::DeleteReview if self.live.may_delete_review().is_ok() => {
                let deleted = registration::Event::ReviewDeleted {
                    candidate: LI,
                    by: By::Candidate,
                };
                self.happened_in_cell(&deleted);
            }
            _ => {}
        }
    }

    fn repeat(&mut self, nth: usize, key: u8) {
        let Some(standing) = self.active(nth) else { return };
        let remembered = Event::KeyRemembered {
            claim: standing.id.number,
            candidate: LI,
            key: self.note(key),
            answered: Box::new(Answered {
                standing,
                position: None,
            }),
        };
        self.happened_in_pool(&standing.id.pool.to_string(), &remembered);
    }

    fn enrol_again(&mut self, key: u8) {
        let Some(&enrolment) = self.live.enrolment() else {
            return;
        };
        let remembered = registration::Event::EnrolmentKeyRemembered {
            candidate: LI,
            key: self.note(key),
            answered: Box::new(AnsweredEnrolment {
                enrolment,
                claims: Vec::new(),
            }),
        };
        self.happened_in_cell(&remembered);
    }

    fn choose(&mut self, subject: usize, paper: bool) {
        let choice = if paper {
            ScoreReport::PaperAndElectronic
        } else {
            ScoreReport::Electronic
        };
        let subject = SUBJECTS[subject].parse().unwrap();
        let chosen = registration::Event::ScoreReportsChosen {
            candidate: LI,
            choices: [ScoreReportChoice { subject, choice }].into_iter().collect(),
        };
        self.happened_in_cell(&chosen);
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn r15_a_candidate_restored_at_any_point_is_the_one_that_lived_on(acts in acts()) {
        let mut life = Life::default();
        for act in &acts {
            life.act(act);
            prop_assert_eq!(&life.rows.restore(), &life.live, "after {:?}", act);
        }
        let gone = |claims: &[Standing]| -> Vec<ClaimId> {
            let gone = claims.iter().filter(|claim| matches!(claim.state, ClaimState::Gone(_)));
            gone.map(|claim| claim.id).collect()
        };
        let (all, listed) = (gone(&life.rows.claims), gone(life.live.claims()));
        prop_assert_eq!(&all[all.len().saturating_sub(32)..], &listed[..], "the latest made 32 of those gone");
        prop_assert!(all.len() == listed.len() || life.live.may_have_forgotten_claims());

    }
}
