//! A candidate, heard and seen from outside: what he sends next.

use rand::SeedableRng;

use super::*;
use crate::client::{AtCashier, OrderSeen};
use crate::history::{OrderState, Seen};

const HABITS: Habits = Habits {
    look: 0.0,
    double_click: 0.0,
    second_tab: 0.0,
    impatient: 0.0,
    reject_first: 0.0,
    then_queue: 1.0,
    cancel: 0.0,
    claim_again: 0.0,
    withdraw: 0.0,
    pay: 0.0,
    odd_payment: 0.0,
    polls: 3,
    think_seconds: 1.0,
};

fn li(habits: &Habits) -> (Candidate, ChaCha8Rng) {
    let world = world::single_pool(1, 1);
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    (
        Candidate::new(&world.candidates[0], &world, habits, &mut dice),
        dice,
    )
}

fn refused(code: Code) -> Answer {
    Answer {
        status: 409,
        ..Answer::none(code)
    }
}

fn granted(state: ClaimState) -> Answer {
    let mut answer = Answer::none(Code::None);
    answer.status = 201;
    answer.claims.push(Seen {
        pool: PoolIndex(0),
        number: 5,
        state,
        position: None,
        seq: 8,
        chain_hash: None,
    });
    answer
}

#[test]
fn a_request_whose_outcome_was_not_heard_is_repeated_with_the_same_key() {
    let (mut li, mut dice) = li(&HABITS);
    let (first, _) = li.call(Step::Arrive, &HABITS, &mut dice).unwrap();
    for code in [
        Code::TimedOut,
        Code::Overloaded,
        Code::ConnectionLost,
        Code::RateLimited,
    ] {
        let follow = li.hear(Step::Arrive, &first, &Answer::none(code), &HABITS, &mut dice);
        assert_eq!(follow[0].1, Step::AskWritten);
        let (again, manner) = li.call(Step::AskWritten, &HABITS, &mut dice).unwrap();
        assert_eq!(
            (again.key, again.subject, manner),
            (first.key, first.subject, Manner::Once)
        );
    }
}

#[test]
fn who_hears_that_it_is_full_asks_for_the_queue_with_a_new_key() {
    let habits = Habits {
        reject_first: 1.0,
        ..HABITS
    };
    let (mut li, mut dice) = li(&habits);
    let (first, _) = li.call(Step::Arrive, &habits, &mut dice).unwrap();
    assert_eq!(first.subject, Subject::Pool(0, OnFull::Reject));
    li.hear(Step::Arrive, &first, &refused(Code::PoolFull), &habits, &mut dice);
    let (second, _) = li.call(Step::AskWritten, &habits, &mut dice).unwrap();
    assert_eq!(second.subject, Subject::Pool(0, OnFull::Waitlist));
    assert_ne!(second.key, first.key);
}

#[test]
fn a_place_at_the_door_is_shown_when_asking_again() {
    let (mut li, mut dice) = li(&HABITS);
    let (first, _) = li.call(Step::Arrive, &HABITS, &mut dice).unwrap();
    let queued = Answer {
        status: 503,
        ticket: Some(HeaderValue::from_static("t")),
        retry_after_ms: Some(400),
        ..Answer::none(Code::Queued)
    };
    let follow = li.hear(Step::Arrive, &first, &queued, &HABITS, &mut dice);
    assert!((400_000..=501_000).contains(&follow[0].0), "{follow:?}");
    let (again, _) = li.call(Step::AskWritten, &HABITS, &mut dice).unwrap();
    assert_eq!(again.ticket.unwrap(), "t");
}

#[test]
fn who_waits_withdraws_and_who_holds_cancels() {
    for (state, operation) in [
        (ClaimState::Waiting, Operation::Withdraw),
        (ClaimState::Held, Operation::Cancel),
    ] {
        let habits = Habits {
            cancel: 1.0,
            withdraw: 1.0,
            ..HABITS
        };
        let (mut li, mut dice) = li(&habits);
        let (first, _) = li.call(Step::Arrive, &habits, &mut dice).unwrap();
        let follow = li.hear(Step::Arrive, &first, &granted(state), &habits, &mut dice);
        assert_eq!(follow[0].1, Step::GiveUp);
        let (call, _) = li.call(Step::GiveUp, &habits, &mut dice).unwrap();
        assert_eq!((call.operation, call.subject), (operation, Subject::Claim(0, 5)));
    }
}

#[test]
fn he_stops_asking_for_his_state_after_his_share() {
    let (mut li, mut dice) = li(&HABITS);
    let (first, _) = li.call(Step::Arrive, &HABITS, &mut dice).unwrap();
    let mut follow = li.hear(
        Step::Arrive,
        &first,
        &granted(ClaimState::Held),
        &HABITS,
        &mut dice,
    );
    let mut polls = 0;
    while let Some(&(_, Step::Poll)) = follow.last() {
        let (call, _) = li.call(Step::Poll, &HABITS, &mut dice).unwrap();
        polls += 1;
        follow = li.hear(Step::Poll, &call, &Answer::none(Code::None), &HABITS, &mut dice);
    }
    assert_eq!(polls, 3);
}

fn ordered(state: OrderState, payable: bool) -> Answer {
    let id = 0xa1;
    Answer {
        status: 200,
        order: Some(OrderSeen { id, state, payable }),
        ..Answer::none(Code::None)
    }
}

fn done() -> Answer {
    Answer {
        status: 200,
        ..Answer::none(Code::None)
    }
}

/// Someone with a seat who is about to choose his score report.
fn seated(habits: &Habits) -> (Candidate, ChaCha8Rng) {
    let (mut li, mut dice) = li(habits);
    let (claim, _) = li.call(Step::Arrive, habits, &mut dice).unwrap();
    let held = granted(ClaimState::Held);
    let follow = li.hear(Step::Arrive, &claim, &held, habits, &mut dice);
    assert_eq!(follow[0].1, Step::Choose);
    (li, dice)
}

#[test]
fn who_holds_a_seat_chooses_orders_pays_and_comes_back() {
    let habits = Habits { pay: 1.0, ..HABITS };
    let (mut li, mut dice) = seated(&habits);
    let written = Paper::Written;
    for (step, subject, answer, next) in [
        (Step::Choose, Subject::Exam(0), done(), Step::Order(written)),
        (
            Step::Order(written),
            Subject::Paper(written),
            ordered(OrderState::Open, true),
            Step::Pay(written),
        ),
        (
            Step::Pay(written),
            Subject::Cashier(0xa1, AtCashier::Pays),
            done(),
            Step::ComeBack(written),
        ),
        (
            Step::ComeBack(written),
            Subject::Order(0xa1),
            ordered(OrderState::Refunding, false),
            Step::ComeBack(written),
        ),
    ] {
        let (call, _) = li.call(step, &habits, &mut dice).unwrap();
        assert_eq!(call.subject, subject);
        let follow = li.hear(step, &call, &answer, &habits, &mut dice);
        assert_eq!(follow[0].1, next);
    }
    let step = Step::ComeBack(written);
    let (call, _) = li.call(step, &habits, &mut dice).unwrap();
    let paid = ordered(OrderState::Paid, false);
    assert!(li.hear(step, &call, &paid, &habits, &mut dice).is_empty());
    assert!(
        li.call(Step::Pay(written), &habits, &mut dice).is_none(),
        "it is paid"
    );
}

#[test]
fn an_order_that_was_not_heard_of_is_asked_for_with_the_same_key_and_a_new_one_with_another() {
    let habits = Habits { pay: 1.0, ..HABITS };
    let (mut li, mut dice) = seated(&habits);
    let step = Step::Order(Paper::Written);
    let (first, _) = li.call(step, &habits, &mut dice).unwrap();
    let lost = Answer::none(Code::ConnectionLost);
    assert_eq!(li.hear(step, &first, &lost, &habits, &mut dice)[0].1, step);
    let (again, _) = li.call(step, &habits, &mut dice).unwrap();
    assert_eq!(again.key, first.key);
    li.hear(
        step,
        &again,
        &ordered(OrderState::Open, false),
        &habits,
        &mut dice,
    );
    // He paid a wrong amount, which is back: the seat is still his.
    let back = Step::ComeBack(Paper::Written);
    let (call, _) = li.call(back, &habits, &mut dice).unwrap();
    let refunded = ordered(OrderState::Refunded, false);
    assert_eq!(li.hear(back, &call, &refunded, &habits, &mut dice)[0].1, step);
    let (another, _) = li.call(step, &habits, &mut dice).unwrap();
    assert_ne!(another.key, first.key);
}
