//! A candidate's idempotency keys (R15): the last 32, each with the answer that it got.

use kaowei_core::audit::Seal;
use kaowei_core::ids::{CandidateId, ClaimId, ClaimNumber, Fen, RecordId, RecordVersion};
use kaowei_core::registration::{self, AnsweredEnrolment, Candidate, KEYS_MAX, KeyAnswer, Keys};
use kaowei_core::seats::{Answered, ClaimState, Event, Freed, RegisteredBy, RemovalCause, Standing};
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Span;

use crate::town::{DAY, enrolled, facts, midnight, seal, site};

const LI: CandidateId = CandidateId(1);

fn made(number: u32, key: Option<KeyNote>) -> Event {
    Event::ClaimHeld {
        claim: ClaimNumber(number),
        candidate: LI,
        held_until: midnight() + DAY,
        fee_fen: Fen(3_000),
        registered_by: RegisteredBy::Candidate,
        key,
    }
}

fn expired(number: u32) -> Event {
    Event::ClaimExpired {
        claim: ClaimNumber(number),
        candidate: LI,
    }
}

fn settle(candidate: &mut Candidate, event: &Event, sequence: u64) -> Seal {
    let at = midnight() + Span::from_secs(u32::try_from(sequence).unwrap());
    let seal = seal(sequence, at);
    candidate.settle(&facts("991010-1"), event, &seal);
    seal
}

fn id(number: u32) -> ClaimId {
    ClaimId {
        pool: facts("991010-1").id,
        number: ClaimNumber(number),
    }
}

/// What a key is answered with now.
fn answer(candidate: &Candidate, key: u128) -> Option<Standing> {
    match &candidate.keys().find(key)?.1 {
        KeyAnswer::Made(id) => candidate.claim(*id).map(Standing::as_made),
        KeyAnswer::Existing(answered) => Some(answered.standing),
        KeyAnswer::WrittenRequired
        | KeyAnswer::Enrolled(_)
        | KeyAnswer::AlreadyEnrolled(_)
        | KeyAnswer::Reviewed(_)
        | KeyAnswer::Ordered(_)
        | KeyAnswer::OrderFound(_) => None,
    }
}

#[test]
fn r15_a_key_is_answered_the_same_after_its_claim_is_gone() {
    let mut li = enrolled(LI);
    let note = li.note_key(7, 70);
    settle(&mut li, &made(1, Some(note)), 1);
    let first = answer(&li, 7).unwrap();
    assert_eq!(
        first.state,
        ClaimState::Held {
            until: midnight() + DAY
        }
    );
    settle(&mut li, &expired(1), 2);
    assert_eq!(li.claim(id(1)).unwrap().state.as_str(), "expired");
    assert_eq!(answer(&li, 7), Some(first));
    assert_eq!(
        li.keys().find(7).unwrap().0.body,
        70,
        "another body is seen to be another"
    );
}

#[test]
fn r15_a_key_answered_with_an_existing_claim_keeps_it_as_it_stood_then() {
    let mut li = enrolled(LI);
    settle(&mut li, &made(1, None), 1);
    let extended = Event::DeadlineExtended {
        claim: ClaimNumber(1),
        candidate: LI,
        held_until: midnight() + DAY + DAY,
        by: kaowei_core::seats::By::System,
        reason: "outage".into(),
    };
    settle(&mut li, &extended, 2);
    let then = *li.claim(id(1)).unwrap();
    let remembered = Event::KeyRemembered {
        claim: ClaimNumber(1),
        candidate: LI,
        key: li.note_key(8, 80),
        answered: Box::new(Answered {
            standing: then,
            position: None,
        }),
    };
    settle(&mut li, &remembered, 3);
    settle(&mut li, &expired(1), 4);
    assert_eq!(answer(&li, 8), Some(then));
    assert_eq!(
        li.claim(id(1)).unwrap().state_sequence.0,
        4,
        "a remembered key does not change the claim"
    );
}

#[test]
fn r15_a_key_answered_with_an_existing_enrolment_keeps_it_as_it_stood_then() {
    let mut li = enrolled(LI);
    settle(&mut li, &made(1, None), 1);
    let then = AnsweredEnrolment {
        enrolment: *li.enrolment().unwrap(),
        claims: vec![Answered {
            standing: *li.claim(id(1)).unwrap(),
            position: None,
        }],
    };
    let remembered = registration::Event::EnrolmentKeyRemembered {
        candidate: LI,
        key: li.note_key(9, 90),
        answered: Box::new(then.clone()),
    };
    let stored = remembered.payload().unwrap();
    let read = registration::Event::read("enrolment_key_remembered", &stored).unwrap();
    assert_eq!(read, remembered);
    li.evolve(&read, midnight());
    settle(&mut li, &expired(1), 2);
    let extended = registration::Event::EnrolmentExtended {
        candidate: LI,
        delete_after: midnight() + DAY + DAY,
        by: kaowei_core::seats::By::System,
        reason: "outage".into(),
    };
    li.evolve(&extended, midnight());
    let (note, answer) = li.keys().find(9).unwrap();
    assert_eq!(note.body, 90, "another body is seen to be another");
    assert_eq!(*answer, KeyAnswer::AlreadyEnrolled(Box::new(then)));
}

#[test]
fn r13_the_key_of_a_claim_that_was_granted_too_late_is_answered_with_the_refusal() {
    let mut li = enrolled(LI);
    let note = li.note_key(7, 70);
    let at = |sequence| seal(sequence, midnight());
    let oral = facts("991010-F");
    li.settle(&oral, &made(1, Some(note)), &at(1));
    let removed = Event::ClaimRemoved {
        claim: ClaimNumber(1),
        candidate: LI,
        cause: RemovalCause::GrantedTooLate { key: Some(note) },
        freed: Freed::Seat,
    };
    let read = Event::read(removed.kind(), &removed.payload().unwrap()).unwrap();
    assert_eq!(read, removed);
    li.settle(&oral, &read, &at(2));
    assert_eq!(li.orphans().next(), None);
    assert_eq!(*li.keys().find(7).unwrap(), (note, KeyAnswer::WrittenRequired));
    assert_eq!(li.keys().iter().count(), 1, "in the place that it had");
}

#[test]
fn r15_a_key_outlives_the_listing_of_its_claim() {
    let mut li = enrolled(LI);
    let note = li.note_key(7, 70);
    settle(&mut li, &made(1, Some(note)), 1);
    settle(&mut li, &expired(1), 2);
    for number in 2..=60 {
        settle(&mut li, &made(number, None), u64::from(number) * 2);
        settle(&mut li, &expired(number), u64::from(number) * 2 + 1);
    }
    assert_eq!(li.keys().find(7).unwrap().1, KeyAnswer::Made(id(1)));
    assert!(li.claim(id(1)).is_none(), "it is in the tables");
    assert!(li.may_have_forgotten_claims());

    assert_eq!(li.claims().first().unwrap().id, id(29));
    assert_eq!(li.claims().last().unwrap().id, id(60));
}

#[test]
fn r15_32_keys_are_remembered_across_operations_and_a_33rd_takes_the_oldest_s_place() {
    let mut li = enrolled(LI);
    let enrolled = registration::Event::Enrolled {
        candidate: LI,
        record: RecordId(1),
        record_version: RecordVersion(1),
        campus: "991010".parse().unwrap(),
        site: site(),
        delete_after: midnight() + DAY,
        key: Some(li.note_key(1_000, 0)),
    };
    li.evolve(&enrolled, midnight());
    let saved = *li.enrolment().unwrap();
    assert_eq!(saved.saved_at, midnight());
    assert_eq!(
        li.keys().find(1_000).unwrap().1,
        KeyAnswer::Enrolled(Box::new(saved))
    );
    for number in 1..=u32::from(KEYS_MAX) {
        let note = li.note_key(number.into(), 0);
        settle(&mut li, &made(number, Some(note)), u64::from(number) * 2);
        settle(&mut li, &expired(number), u64::from(number) * 2 + 1);
    }
    assert!(li.keys().find(1_000).is_none(), "the oldest made room");
    assert_eq!(li.keys().iter().count(), usize::from(KEYS_MAX));
    assert!((1..=32).all(|key| answer(&li, key).is_some()));
    let restored = Keys::restore(li.keys().iter().cloned().collect());
    assert_eq!(
        restored.note(5, 5),
        li.note_key(5, 5),
        "the next place is known after a restart"
    );
}
