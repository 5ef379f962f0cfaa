//! The review of the eligibility for CET6, from the application to what it grants (R4–R7, S8–S10).

use kaowei_core::ids::{CandidateId, SubjectCode};
use kaowei_core::registration::{
    Application, Applying, Candidate, Cet4Result, Eligibility, Event, KeyAnswer, Match, Review,
    ReviewDecision, ReviewState,
};
use kaowei_core::seats::{By, Refusal};
use kaowei_core::sites::Sitting;
use kaowei_core::time::Moment;
use proptest::prelude::*;

use crate::properties::config;
use crate::town::{HOUR, eligibility, enrolled, facts, hours, midnight, site};

const LI: CandidateId = CandidateId(1);

/// The subjects bear other codes than the official ones, and the windows are open in the first ten hours.
fn sitting() -> Sitting {
    let at = |moment: Moment| moment.to_string();
    let text = format!(
        r#"{{"id":"2026-2","name":"考试","agreement":{{"version":"2026-1","text":"协议"}},
        "windows":[{{"province":"*","paper":"written","opens_at":"{}","closes_at":"{}"}}],
        "subjects":[{{"code":"J6","name":"日语六级笔试","paper":"written","language":"ja","level":6}},
                    {{"code":"E4","name":"英语四级笔试","paper":"written","language":"en","level":4}},
                    {{"code":"E6","name":"英语六级笔试","paper":"written","language":"en","level":6}},
                    {{"code":"S","name":"英语六级口试","paper":"oral","language":"en","level":6,"requires":"E6"}}]}}"#,
        at(midnight()),
        at(midnight() + hours(10)),
    );
    serde_json::from_str(&text).unwrap()
}

fn cet6() -> SubjectCode {
    "E6".parse().unwrap()
}

/// A record that allows CET4 alone.
fn only_four() -> Eligibility {
    Eligibility {
        subjects: ["E4".parse().unwrap()].into_iter().collect(),
        ..eligibility()
    }
}

fn applied(number: u32, matched: bool) -> Event {
    Event::ReviewApplied {
        candidate: LI,
        number,
        site: site(),
        matched,
        by: By::Candidate,
        reason: None,
        key: None,
    }
}

fn decided(candidate: &Candidate, decision: ReviewDecision) -> Event {
    Event::ReviewDecided {
        candidate: LI,
        application: Box::new(candidate.may_decide_review().unwrap().clone()),
        decision,
        by: By::Staff("t-1".into()),
        reason: "saw the certificate".into(),
        key: None,
    }
}

fn apply(candidate: &Candidate, would_open: bool, now: Moment) -> Result<u32, Refusal> {
    candidate.may_apply_for_review(&Applying {
        sitting: &sitting(),
        eligibility: &only_four(),
        would_open,
        now,
    })
}

fn subjects(candidate: &Candidate, eligibility: &Eligibility) -> Vec<String> {
    let sitting = sitting();
    let granted = candidate.granted(&sitting);
    eligibility
        .subjects(&sitting, granted)
        .map(|subject| subject.code.to_string())
        .collect()
}

#[test]
fn r5_a_review_would_open_cet6_only_where_the_record_neither_has_nor_bars_it() {
    let pool = facts("991010-2");
    let without = Eligibility {
        subjects: ["1".parse().unwrap()].into_iter().collect(),
        ..eligibility()
    };
    assert!(without.review_would_open(&pool));
    assert!(!eligibility().review_would_open(&pool), "the record has it");
    let barred = Eligibility {
        barred: ["2".parse().unwrap()].into_iter().collect(),
        ..without.clone()
    };
    assert!(!barred.review_would_open(&pool));
    assert!(!without.review_would_open(&facts("991011-2")), "another campus");
    let elsewhere = Eligibility {
        open_campuses: ["991011".parse().unwrap()].into_iter().collect(),
        ..without
    };
    assert!(elsewhere.review_would_open(&facts("991011-2")));
    assert!(!elsewhere.review_would_open(&pool), "he may not sit it there");
}

#[test]
fn r6_a_result_matches_by_id_number_whatever_the_name_and_by_the_name_for_staff() {
    let result = |same_id_number, year, score| Cet4Result {
        same_id_number,
        name: "买买提·艾力",
        year,
        score,
    };
    let matches = |result: Cet4Result<'_>, name| result.matches(name);
    assert_eq!(matches(result(true, 2024, 425), "别名"), Some(Match::IdNumber));
    assert_eq!(
        matches(result(false, 2024, 425), "买买提艾力"),
        Some(Match::NameAlone)
    );
    assert_eq!(matches(result(false, 2024, 425), "别名"), None);
    for too_low in [true, false] {
        assert_eq!(matches(result(too_low, 2024, 424), "买买提艾力"), None);
    }
    assert_eq!(matches(result(true, 2005, 425), "别名"), Some(Match::IdNumber));
    assert_eq!(
        matches(result(true, 2004, 500), "买买提艾力"),
        None,
        "of results before 2005 staff decide"
    );
}

#[test]
fn r7_what_is_pending_or_approved_stands_and_what_was_rejected_may_be_corrected_or_deleted() {
    let mut li = enrolled(LI);
    let now = midnight() + HOUR;
    assert_eq!(apply(&li, true, now), Ok(1));
    assert_eq!(li.may_delete_review(), Err(Refusal::UnknownReview));
    assert_eq!(li.may_decide_review(), Err(Refusal::UnknownReview));

    li.evolve(&applied(1, false), now);
    let pending = Refusal::ReviewExists(ReviewState::Pending);
    assert_eq!(apply(&li, true, now), Err(pending));
    assert_eq!(li.may_delete_review(), Err(pending));
    assert_eq!(li.granted(&sitting()), None);

    li.evolve(&decided(&li, ReviewDecision::Rejected), now);
    let rejected = Refusal::ReviewExists(ReviewState::Rejected);
    assert_eq!(li.may_decide_review(), Err(rejected));
    assert_eq!(li.may_delete_review(), Ok(()));
    assert_eq!(apply(&li, true, now), Ok(2), "it may be corrected");
    assert_eq!(li.granted(&sitting()), None);

    let mut deleted = li.clone();
    let by = By::Candidate;
    deleted.evolve(&Event::ReviewDeleted { candidate: LI, by }, now);
    assert_eq!(apply(&deleted, true, now), Ok(1));

    li.evolve(&applied(2, false), now);
    li.evolve(&decided(&li, ReviewDecision::Approved), now);
    let approved = Refusal::ReviewExists(ReviewState::Approved);
    assert_eq!(apply(&li, true, now), Err(approved));
    assert_eq!(li.may_delete_review(), Err(approved));
    assert_eq!(li.may_decide_review(), Err(approved));
    let review = li.review().unwrap();
    assert_eq!(review.application().number, 2);
    assert_eq!(review.decided().unwrap().by, By::Staff("t-1".into()));
    assert_eq!(&*review.decided().unwrap().reason, "saw the certificate");
}

#[test]
fn r5_to_r7_of_every_two_obstacles_to_an_application_the_first_in_the_documented_order_is_named() {
    type Obstruct = fn(&mut Candidate, &mut bool, &mut Moment);
    const OBSTACLES: [(Obstruct, Refusal); 4] = [
        (
            |candidate, _, _| {
                let (candidate_id, version) = (LI, "2025-9".into());
                let old = Event::AgreementAccepted {
                    candidate: candidate_id,
                    version,
                };
                candidate.evolve(&old, midnight());
            },
            Refusal::AgreementRequired,
        ),
        (|_, _, now| *now = midnight() + hours(10), Refusal::OutsideWindow),
        (|_, would_open, _| *would_open = false, Refusal::NotEligible),
        (
            |candidate, _, _| candidate.evolve(&applied(1, false), midnight()),
            Refusal::ReviewExists(ReviewState::Pending),
        ),
    ];
    for (index, (obstruct, first)) in OBSTACLES.iter().enumerate() {
        for (obstruct_too, _) in &OBSTACLES[index..] {
            let (mut candidate, mut would_open, mut now) = (enrolled(LI), true, midnight());
            obstruct(&mut candidate, &mut would_open, &mut now);
            obstruct_too(&mut candidate, &mut would_open, &mut now);
            assert_eq!(apply(&candidate, would_open, now), Err(*first));
        }
    }
    let nobody = Candidate::default();
    assert_eq!(
        nobody.may_be_applied_for(true),
        Ok(1),
        "staff need neither agreement nor window"
    );
    assert_eq!(nobody.may_be_applied_for(false), Err(Refusal::NotEligible));
}

#[test]
fn r4_an_approved_review_grants_english_level_six_of_the_sitting_unless_it_is_barred() {
    let mut li = enrolled(LI);
    assert_eq!(subjects(&li, &only_four()), ["E4"]);
    li.evolve(&applied(1, true), midnight());
    assert_eq!(li.review().unwrap().state(), ReviewState::Approved);
    assert_eq!(li.granted(&sitting()), Some(cet6()));
    assert_eq!(
        subjects(&li, &only_four()),
        ["E4", "E6"],
        "neither Japanese nor oral"
    );
    let barred = Eligibility {
        barred: [cet6()].into_iter().collect(),
        ..only_four()
    };
    assert_eq!(subjects(&li, &barred), ["E4"]);
    let mut without = sitting();
    without.subjects.retain(|subject| subject.code != cet6());
    assert_eq!(li.granted(&without), None);

    let nothing = Eligibility {
        subjects: [].into_iter().collect(),
        ..eligibility()
    };
    let enrol = |candidate: &Candidate| {
        let saved = *enrolled(LI).enrolment().unwrap();
        candidate.enrol(saved, &sitting(), &nothing)
    };
    assert_eq!(enrol(&enrolled(LI)), Err(Refusal::NotEligible));
    assert_eq!(enrol(&li), Ok(()), "S7: now there is something to sit");
}

#[derive(Debug, Clone)]
enum Act {
    Apply {
        matched: bool,
        on_behalf: bool,
        key: Option<u8>,
    },
    Decide {
        decision: ReviewDecision,
        key: Option<u8>,
    },
    Delete,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = prop::option::weighted(0.4, any::<u8>());
    let decision = prop::sample::select(vec![ReviewDecision::Approved, ReviewDecision::Rejected]);
    let act = prop_oneof![
        3 => (prop::bool::weighted(0.1), any::<bool>(), key.clone())
            .prop_map(|(matched, on_behalf, key)| Act::Apply { matched, on_behalf, key }),
        2 => (decision, key).prop_map(|(decision, key)| Act::Decide { decision, key }),
        1 => Just(Act::Delete),
    ];
    prop::collection::vec(act, 1..60)
}

/// What staff may still decide, the candidate correct, or nobody change: a model of three words and a count.
#[derive(Debug, Default)]
struct Model {
    state: Option<ReviewState>,
    applications: u32,
}

fn event(candidate: &Candidate, act: &Act) -> Option<Event> {
    let note = |key: &Option<u8>| key.map(|key| candidate.note_key(key.into(), 0));
    let staff = || By::Staff("t-1".into());
    match act {
        Act::Apply {
            matched,
            on_behalf,
            key,
        } => {
            let number = candidate.may_be_applied_for(true).ok()?;
            Some(Event::ReviewApplied {
                candidate: LI,
                number,
                site: site(),
                matched: *matched,
                by: if *on_behalf { staff() } else { By::Candidate },
                reason: on_behalf.then(|| "a certificate of 2003".into()),
                key: note(key),
            })
        }
        Act::Decide { decision, key } => {
            let application: &Application = candidate.may_decide_review().ok()?;
            Some(Event::ReviewDecided {
                candidate: LI,
                application: Box::new(application.clone()),
                decision: *decision,
                by: staff(),
                reason: "saw it".into(),
                key: note(key),
            })
        }
        Act::Delete => {
            candidate.may_delete_review().ok()?;
            let by = By::Candidate;
            Some(Event::ReviewDeleted { candidate: LI, by })
        }
    }
}

impl Model {
    /// Whether it may be done; if so, it is.
    fn act(&mut self, act: &Act) -> bool {
        use ReviewState::{Approved, Pending, Rejected};
        match (act, self.state) {
            (Act::Apply { matched, .. }, None | Some(Rejected)) => {
                self.state = Some(if *matched { Approved } else { Pending });
                self.applications += 1;
            }
            (Act::Decide { decision, .. }, Some(Pending)) => {
                self.state = Some(match decision {
                    ReviewDecision::Approved => Approved,
                    ReviewDecision::Rejected => Rejected,
                });
            }
            (Act::Delete, Some(Rejected)) => *self = Self::default(),
            (Act::Apply { .. } | Act::Decide { .. } | Act::Delete, _) => return false,
        }
        true
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn r7_a_review_follows_its_rules_and_a_replay_of_the_journal_is_the_one_that_lived(acts in acts()) {
        let (mut live, mut model) = (Candidate::default(), Model::default());
        let mut journal = Vec::new();
        for (at, act) in (0_i64..).zip(&acts) {
            let at = Moment::from_unix_ms(at);
            let event = event(&live, act);
            prop_assert_eq!(event.is_some(), model.act(act), "{:?}", act);
            if let Some(event) = event {
                live.evolve(&event, at);
                journal.push((event.kind(), event.payload().unwrap(), at));
                if let Some((_, KeyAnswer::Reviewed(answer))) = live.keys().iter().last()
                    && !matches!(act, Act::Delete)
                    && !matches!(act, Act::Apply { key: None, .. } | Act::Decide { key: None, .. })
                {
                    prop_assert_eq!(Some(&**answer), live.review());
                }
            }
            prop_assert_eq!(live.review().map(Review::state), model.state);
            let number = live.review().map_or(0, |review| review.application().number);
            prop_assert_eq!(number, model.applications);
        }
        let mut replayed = Candidate::default();
        for (kind, payload, at) in journal {
            replayed.evolve(&Event::read(kind, &payload).unwrap(), at);
        }
        prop_assert_eq!(replayed, live);
    }
}
