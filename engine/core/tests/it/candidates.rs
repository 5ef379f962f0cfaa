//! The rules across pools, from the candidate's side (R2, R4, R8–R13).

use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, Fen, OrderId, RecordId, RecordVersion};
use kaowei_core::registration::{self, Ask, Candidate, Eligibility, Enrolment, Verdict};
use kaowei_core::seats::{By, Event, Freed, OnFull, Refusal, RegisteredBy, RemovalCause};
use kaowei_core::sites::Sitting;
use kaowei_core::time::Moment;

use crate::town::{AGREEMENT, DAY, HOUR, eligibility, enrolled, facts, hours, midnight, seal, site, terms};

const LI: CandidateId = CandidateId(1);

/// What is asked and by whom; each test changes what it is about.
struct Case {
    candidate: Candidate,
    pool: &'static str,
    on_full: OnFull,
    eligibility: Option<Eligibility>,
    agreement: &'static str,
    now: Moment,
}

impl Case {
    fn new(candidate: Candidate, pool: &'static str) -> Self {
        Self {
            candidate,
            pool,
            on_full: OnFull::Reject,
            eligibility: Some(eligibility()),
            agreement: AGREEMENT,
            now: midnight() + HOUR,
        }
    }

    fn verdict(&self) -> Verdict {
        let facts = facts(self.pool);
        self.candidate.may_claim(&Ask {
            pool: &facts,
            terms: &terms(facts.paper),
            on_full: self.on_full,
            agreement: self.agreement,
            eligibility: self.eligibility.as_ref(),
            granted: self.candidate.granted(&sitting()),
            now: self.now,
        })
    }

    fn refusal(&self) -> Option<Refusal> {
        match self.verdict() {
            Verdict::Refused(refusal) => Some(refusal),
            Verdict::Ask | Verdict::Existing(_) => None,
        }
    }
}

fn hold(candidate: &mut Candidate, pool: &str) -> ClaimId {
    let event = Event::ClaimHeld {
        claim: ClaimNumber(1),
        candidate: LI,
        held_until: midnight() + DAY,
        fee_fen: Fen(3_000),
        registered_by: RegisteredBy::Candidate,
        key: None,
    };
    settle(candidate, pool, &event)
}

fn wait(candidate: &mut Candidate, pool: &str) -> ClaimId {
    let event = Event::ClaimQueued {
        claim: ClaimNumber(1),
        candidate: LI,
        position: 1,
        fee_fen: Fen(3_000),
        registered_by: RegisteredBy::Candidate,
        key: None,
    };
    settle(candidate, pool, &event)
}

fn pay(candidate: &mut Candidate, pool: &str) {
    let claim = ClaimNumber(1);
    settle(
        candidate,
        pool,
        &Event::ClaimPaid {
            claim,
            candidate: LI,
            order: OrderId(1),
        },
    );
}

fn expire(candidate: &mut Candidate, pool: &str) {
    let claim = ClaimNumber(1);
    settle(candidate, pool, &Event::ClaimExpired { claim, candidate: LI });
}

fn settle(candidate: &mut Candidate, pool: &str, event: &Event) -> ClaimId {
    let facts = facts(pool);
    candidate.settle(&facts, event, &seal(1, midnight()));
    ClaimId {
        pool: facts.id,
        number: ClaimNumber(1),
    }
}

fn sitting() -> Sitting {
    let text = r#"{"id":"2026-2","name":"考试","agreement":{"version":"2026-1","text":"协议"},
        "windows":[{"province":"*","paper":"qualification","opens_at":"2026-09-09T00:00:00Z","closes_at":"2026-09-10T00:00:00Z"},
                   {"province":"*","paper":"written","opens_at":"2026-09-11T00:00:00Z","closes_at":"2026-09-12T00:00:00Z"}],
        "subjects":[{"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4},
                    {"code":"2","name":"英语六级笔试","paper":"written","language":"en","level":6}]}"#;
    serde_json::from_str(text).unwrap()
}

fn instant(text: &str) -> Moment {
    chrono::DateTime::parse_from_rfc3339(text)
        .unwrap()
        .to_utc()
        .into()
}

fn enrolment(saved_at: Moment) -> Enrolment {
    Enrolment {
        record: RecordId(1),
        record_version: RecordVersion(1),
        campus: "991010".parse().unwrap(),
        site: site(),
        saved_at,
        delete_after: saved_at + DAY,
    }
}

type Obstruct = fn(&mut Case);

/// Each obstacle to a claim for the oral pool `991010-F`, in the documented order of what is answered.
const OBSTACLES: [(&str, Obstruct); 6] = [
    ("agreement", |case| case.agreement = "2026-2"),
    ("enrolment", |case| {
        let deleted = registration::Event::EnrolmentDeleted {
            candidate: LI,
            by: By::Candidate,
        };
        case.candidate.evolve(&deleted, midnight());
    }),
    ("window", |case| case.now = midnight() + hours(240)),
    ("eligibility", |case| case.eligibility = None),
    ("written claim", |case| expire(&mut case.candidate, "991010-1")),
    ("level", |case| {
        wait(&mut case.candidate, "991011-F");
    }),
];

fn names(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AgreementRequired => "agreement",
        Refusal::NotEnrolled => "enrolment",
        Refusal::OutsideWindow => "window",
        Refusal::NotEligible => "eligibility",
        Refusal::WrittenRequired => "written claim",
        Refusal::LevelTaken(_) | Refusal::AlreadyWaiting(_) => "level",
        other => panic!("{other:?} is not the candidate's side's"),
    }
}

#[test]
fn r2_to_r13_of_every_two_obstacles_the_first_in_the_documented_order_is_named() {
    let case = || {
        let mut candidate = enrolled(LI);
        hold(&mut candidate, "991010-1");
        Case::new(candidate, "991010-F")
    };
    assert_eq!(case().verdict(), Verdict::Ask);
    for (index, (first, obstruct)) in OBSTACLES.iter().enumerate() {
        for (second, obstruct_too) in &OBSTACLES[index..] {
            let mut case = case();
            obstruct_too(&mut case);
            obstruct(&mut case);
            assert_eq!(case.refusal().map(names), Some(*first), "{first} and {second}");
        }
    }
}

#[test]
fn r19_asking_for_a_seat_while_waiting_is_refused_in_its_place_among_the_others() {
    let case = || {
        let mut candidate = enrolled(LI);
        hold(&mut candidate, "991010-1");
        wait(&mut candidate, "991010-F");
        Case::new(candidate, "991010-F")
    };
    assert!(matches!(case().refusal(), Some(Refusal::AlreadyWaiting(_))));
    for (name, obstruct) in &OBSTACLES[..5] {
        let mut case = case();
        obstruct(&mut case);
        assert_eq!(case.refusal().map(names), Some(*name));
    }
}

#[test]
fn r15_a_repeat_is_answered_with_the_claim_whatever_has_changed_since() {
    for (_, obstruct) in &OBSTACLES[..5] {
        let mut candidate = enrolled(LI);
        hold(&mut candidate, "991010-1");
        let id = wait(&mut candidate, "991010-F");
        let mut case = Case::new(candidate, "991010-F");
        case.on_full = OnFull::Waitlist;
        obstruct(&mut case);
        assert!(matches!(case.verdict(), Verdict::Existing(standing) if standing.id == id));
    }
}

#[test]
fn r2_a_new_version_of_the_agreement_is_asked_of_everybody_again() {
    let mut case = Case::new(enrolled(LI), "991010-1");
    assert_eq!(case.verdict(), Verdict::Ask);
    case.agreement = "2026-2";
    assert_eq!(case.refusal(), Some(Refusal::AgreementRequired));
    let accepted = registration::Event::AgreementAccepted {
        candidate: LI,
        version: "2026-2".into(),
    };
    case.candidate.evolve(&accepted, midnight());
    assert_eq!(case.verdict(), Verdict::Ask);
    assert_eq!(case.candidate.agreed().unwrap().at, midnight());
}

#[test]
fn r4_eligible_subjects_are_those_of_the_record_that_the_sitting_has_and_no_bar_takes() {
    let mut own = eligibility();
    let codes = |own: &Eligibility| -> Vec<String> {
        own.subjects(&sitting(), None)
            .map(|subject| subject.code.to_string())
            .collect()
    };
    assert_eq!(codes(&own), ["1", "2"]);
    own.barred.push("2".parse().unwrap());
    assert_eq!(codes(&own), ["1"]);
    own.subjects.clear();
    assert!(codes(&own).is_empty());
}

#[test]
fn r4_eligibility_is_live_after_the_enrolment_is_saved() {
    let mut case = Case::new(enrolled(LI), "991010-2");
    case.eligibility
        .as_mut()
        .unwrap()
        .barred
        .push("2".parse().unwrap());
    assert_eq!(case.refusal(), Some(Refusal::NotEligible));
    case.eligibility.as_mut().unwrap().barred.clear();
    assert_eq!(case.verdict(), Verdict::Ask);
}

#[test]
fn r8_enrolling_needs_agreement_an_open_window_and_something_to_sit_in_that_order() {
    let (open, between) = (instant("2026-09-09T12:00:00Z"), instant("2026-09-10T12:00:00Z"));
    let agreed = enrolled(LI);
    let nobody = Candidate::default();
    let nothing = Eligibility {
        subjects: [].into_iter().collect(),
        ..eligibility()
    };
    let enrol = |candidate: &Candidate, at, eligibility: &Eligibility| {
        candidate.enrol(enrolment(at), &sitting(), eligibility)
    };
    assert_eq!(enrol(&agreed, open, &eligibility()), Ok(()));
    assert_eq!(
        enrol(&agreed, instant("2026-09-11T00:00:00Z"), &eligibility()),
        Ok(()),
        "any window will do"
    );
    assert_eq!(enrol(&nobody, between, &nothing), Err(Refusal::AgreementRequired));
    assert_eq!(enrol(&agreed, between, &nothing), Err(Refusal::OutsideWindow));
    assert_eq!(
        enrol(&agreed, instant("2026-09-10T00:00:00Z"), &nothing),
        Err(Refusal::OutsideWindow)
    );
    assert_eq!(enrol(&agreed, open, &nothing), Err(Refusal::NotEligible));
}

#[test]
fn r9_an_enrolment_is_over_from_delete_after_on_unless_a_claim_is_active() {
    let mut li = enrolled(LI);
    let end = midnight() + DAY;
    assert!(!li.enrolment_is_over(end - kaowei_core::time::Span::from_ms(1)));
    assert!(li.enrolment_is_over(end));
    hold(&mut li, "991010-1");
    assert!(!li.enrolment_is_over(end + DAY));
    expire(&mut li, "991010-1");
    assert!(
        li.enrolment_is_over(end + DAY),
        "once all are gone, after its own time"
    );

    for active in [hold, wait] {
        let mut li = enrolled(LI);
        active(&mut li, "991010-1");
        assert!(!li.enrolment_is_over(end));
    }
    assert!(!Candidate::default().enrolment_is_over(end), "nothing to delete");
}

#[test]
fn r9_an_extended_enrolment_is_kept_for_longer() {
    let mut li = enrolled(LI);
    let extended = registration::Event::EnrolmentExtended {
        candidate: LI,
        delete_after: midnight() + DAY + DAY,
        by: By::Staff("t-1".into()),
        reason: "outage".into(),
    };
    li.evolve(&extended, midnight());
    assert!(!li.enrolment_is_over(midnight() + DAY));
    assert!(li.enrolment_is_over(midnight() + DAY + DAY));
}

#[test]
fn r10_deleting_the_enrolment_releases_everything_unpaid_written_before_oral() {
    let mut li = enrolled(LI);
    assert_eq!(
        Candidate::default().may_delete_enrolment(),
        Err(Refusal::NotEnrolled)
    );
    assert_eq!(li.may_delete_enrolment(), Ok(vec![]));
    let written = hold(&mut li, "991010-1");
    let oral = hold(&mut li, "991010-F");
    let six = wait(&mut li, "991010-2");
    assert_eq!(li.may_delete_enrolment(), Ok(vec![written, six, oral]));
    pay(&mut li, "991010-1");
    assert_eq!(li.may_delete_enrolment(), Err(Refusal::AlreadyPaid));
}

#[test]
fn r11_written_is_open_where_the_school_opened_it_and_oral_anywhere_in_the_province() {
    let mut own = eligibility();
    assert!(own.allows(&facts("991010-1"), None));
    assert!(
        !own.allows(&facts("991011-1"), None),
        "not at another campus by default"
    );
    assert!(own.allows(&facts("991011-F"), None));
    own.open_campuses.push("991011".parse().unwrap());
    assert!(own.allows(&facts("991011-1"), None));
    assert!(!own.allows(&facts("991010-1"), None), "only where it was opened");
    own.barred.push("F".parse().unwrap());
    assert!(!own.allows(&facts("991011-F"), None));
    let mut elsewhere = facts("991011-S");
    elsewhere.site.province = "32".parse().unwrap();
    assert!(!own.allows(&elsewhere, None));
}

#[test]
fn r12_a_level_has_one_active_written_claim_whatever_the_language_and_one_oral() {
    for active in [hold, wait] {
        let mut li = enrolled(LI);
        let taken = active(&mut li, "991010-1");
        assert_eq!(
            Case::new(li.clone(), "991010-3").refusal(),
            Some(Refusal::LevelTaken(taken))
        );
        assert_eq!(
            Case::new(li.clone(), "991010-2").verdict(),
            Verdict::Ask,
            "another level is free"
        );
    }
    let mut li = enrolled(LI);
    let written = hold(&mut li, "991010-1");
    pay(&mut li, "991010-1");
    assert_eq!(
        Case::new(li.clone(), "991010-3").refusal(),
        Some(Refusal::LevelTaken(written))
    );
    assert_eq!(
        Case::new(li.clone(), "991010-F").verdict(),
        Verdict::Ask,
        "oral is counted by itself"
    );
    let oral = wait(&mut li, "991010-F");
    assert_eq!(
        Case::new(li.clone(), "991011-F").refusal(),
        Some(Refusal::LevelTaken(oral))
    );
}

#[test]
fn r12_a_level_is_free_again_when_its_claim_is_gone() {
    let mut li = enrolled(LI);
    hold(&mut li, "991010-1");
    expire(&mut li, "991010-1");
    assert_eq!(Case::new(li.clone(), "991010-3").verdict(), Verdict::Ask);
    assert_eq!(Case::new(li, "991010-1").verdict(), Verdict::Ask);
}

#[test]
fn r13_an_oral_claim_needs_the_written_one_of_its_own_level() {
    let mut li = enrolled(LI);
    hold(&mut li, "991010-1");
    assert_eq!(
        Case::new(li.clone(), "991010-S").refusal(),
        Some(Refusal::WrittenRequired)
    );
    wait(&mut li, "991010-2");
    assert_eq!(
        Case::new(li.clone(), "991010-S").refusal(),
        Some(Refusal::WrittenRequired)
    );
    assert_eq!(Case::new(li, "991010-F").verdict(), Verdict::Ask);

    let mut japanese = enrolled(LI);
    hold(&mut japanese, "991010-3");
    assert_eq!(
        Case::new(japanese, "991010-F").refusal(),
        Some(Refusal::WrittenRequired),
        "in English"
    );
}

#[test]
fn r13_the_oral_claim_without_its_written_one_is_the_orphan_unless_it_is_paid() {
    for active in [hold, wait] {
        let mut li = enrolled(LI);
        hold(&mut li, "991010-1");
        let oral = active(&mut li, "991011-F");
        assert_eq!(li.orphans().next(), None);
        expire(&mut li, "991010-1");
        assert!(li.orphans().eq([oral]));
        let removed = Event::ClaimRemoved {
            claim: ClaimNumber(1),
            candidate: LI,
            cause: RemovalCause::WithWritten,
            freed: Freed::Seat,
        };
        settle(&mut li, "991011-F", &removed);
        assert_eq!(li.orphans().next(), None);
    }
    let mut li = enrolled(LI);
    hold(&mut li, "991010-1");
    hold(&mut li, "991010-F");
    pay(&mut li, "991010-F");
    expire(&mut li, "991010-1");
    assert_eq!(li.orphans().next(), None);
}

#[test]
fn r13_each_level_s_orphan_is_named() {
    let mut li = enrolled(LI);
    for pool in ["991010-1", "991010-2", "991010-F", "991010-S"] {
        hold(&mut li, pool);
    }
    expire(&mut li, "991010-1");
    expire(&mut li, "991010-2");
    let subjects = |li: &Candidate| -> Vec<String> {
        li.orphans()
            .map(|orphan| orphan.pool.subject.to_string())
            .collect()
    };
    assert_eq!(subjects(&li), ["F", "S"]);
    expire(&mut li, "991010-F");
    assert_eq!(subjects(&li), ["S"]);
}

#[test]
fn r8_the_enrolment_keeps_the_version_of_the_record_that_was_confirmed() {
    let li = enrolled(LI);
    let saved = li.enrolment().unwrap();
    assert_eq!(
        (saved.record_version, saved.saved_at),
        (RecordVersion(1), midnight())
    );
    assert_eq!(saved.delete_after, midnight() + DAY);
}
