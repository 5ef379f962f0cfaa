//! Every state that few candidates and small pools can reach within eight steps, by every command (5.2).
//!
//! [`Town::check`] and `Pool::handle` look at all invariants in each. Two states are one when they differ only in
//! claims that are gone, in the numbers of claims but not their order, and in who is called what: none of that has a
//! say in what happens next.

use std::collections::BTreeSet;

use kaowei_core::ids::{CandidateId, ClaimNumber, OrderId};
use kaowei_core::seats::{
    By, Change, ClaimState, Command, Event, Expiry, OnFull, RemovalCause, WhenShort, WithdrawReason,
};
use kaowei_core::time::Moment;
use kaowei_core::time::Span;

use crate::town::{Answer, HOUR, Town, hours};

const DEPTH: u32 = 8;

#[derive(Debug, Clone, Copy)]
enum Move {
    Claim(usize, CandidateId, OnFull),
    Cancel(usize, ClaimNumber, Option<WithdrawReason>),
    Pay(usize, ClaimNumber),
    Attach(usize, ClaimNumber),
    Detach(usize, ClaimNumber),
    Remove(usize, ClaimNumber),
    Extend(usize, ClaimNumber),
    Capacity(usize, u32, WhenShort),
    Open(usize, bool),
    Wait(Expiry),
}

fn moves(town: &Town, candidates: i64, capacity_max: u32) -> Vec<Move> {
    let mut moves = vec![Move::Wait(Expiry::Running), Move::Wait(Expiry::Suspended)];
    for (at, desk) in town.desks.iter().enumerate() {
        for candidate in (0..candidates).map(CandidateId) {
            moves.push(Move::Claim(at, candidate, OnFull::Reject));
            moves.push(Move::Claim(at, candidate, OnFull::Waitlist));
        }
        for (number, _) in desk.pool.claims() {
            moves.push(Move::Cancel(at, number, None));
            moves.push(Move::Cancel(at, number, Some(WithdrawReason::Other)));
            moves.push(Move::Pay(at, number));
            moves.push(Move::Attach(at, number));
            moves.push(Move::Detach(at, number));
            moves.push(Move::Remove(at, number));
            moves.push(Move::Extend(at, number));
        }
        for capacity in 0..=capacity_max {
            moves.push(Move::Capacity(at, capacity, WhenShort::Refuse));
            moves.push(Move::Capacity(at, capacity, WhenShort::Drain));
        }
        moves.push(Move::Open(at, true));
        moves.push(Move::Open(at, false));
    }
    moves
}

fn make(town: &mut Town, step: Move) -> (Vec<(usize, Event)>, Answer) {
    let by = By::Staff("t-1".into());
    let change = |change: Change| Command::Change {
        change,
        by: by.clone(),
    };
    let (desk, command) = match step {
        Move::Claim(desk, candidate, on_full) => return town.claim(desk, candidate, on_full),
        Move::Wait(expiry) => {
            town.now = town.now + hours(12);
            town.expiry = expiry;
            let events = town.catch_up();
            town.check();
            return (events, Answer::Done);
        }
        Move::Cancel(desk, claim, reason) => {
            let by = By::Candidate;
            (desk, Command::Cancel { claim, by, reason })
        }
        Move::Pay(desk, claim) => (
            desk,
            Command::Pay {
                claim,
                order: OrderId(1),
            },
        ),
        Move::Attach(desk, claim) => {
            let (order, margin) = (OrderId(1), Span::from_secs(360));
            (desk, Command::Attach { claim, order, margin })
        }
        Move::Detach(desk, claim) => {
            let order = OrderId(1);
            (desk, Command::Detach { claim, order })
        }
        Move::Remove(desk, claim) => {
            let cause = RemovalCause::WithEnrolment;
            (desk, Command::Remove { claim, cause })
        }
        Move::Extend(desk, claim) => {
            let extend = Command::Extend {
                claim,
                held_until: town.now + hours(30),
                by,
                reason: "outage".into(),
            };
            (desk, extend)
        }
        Move::Capacity(desk, capacity, when_short) => {
            let capacity = Some(capacity);
            (
                desk,
                change(Change {
                    capacity,
                    when_short,
                    ..Change::default()
                }),
            )
        }
        Move::Open(desk, open) => {
            let open = Some(open);
            (
                desk,
                change(Change {
                    open,
                    ..Change::default()
                }),
            )
        }
    };
    town.command(desk, &command)
}

/// A state but for what has no say in what happens next.
type Essence = (
    Moment,
    bool,
    Vec<(
        u32,
        bool,
        bool,
        Vec<(usize, &'static str, Option<Moment>, Option<bool>)>,
    )>,
);

fn essence(town: &Town) -> Essence {
    let mut called: Vec<CandidateId> = Vec::new();
    let desks = town.desks.iter().map(|desk| {
        let settings = desk.pool.settings();
        let active = desk.pool.claims().filter(|(_, claim)| claim.state.is_active());
        let claims = active.map(|(number, claim)| {
            let known = called.iter().position(|candidate| *candidate == claim.candidate);
            let who = known.unwrap_or_else(|| {
                called.push(claim.candidate);
                called.len() - 1
            });
            let marked = desk.pool.attachment(number).map(|order| order.asked.is_some());
            (who, claim.state.as_str(), claim.state.held_until(), marked)
        });
        let claims = claims.collect();
        (settings.capacity, settings.open, settings.draining, claims)
    });
    let desks = desks.collect();
    (town.now, town.expiry == Expiry::Running, desks)
}

/// What must hold of a step, whatever the pools say of themselves: a seat only while one is free, and to the head.
fn judge(before: &Town, after: &Town, events: &[(usize, Event)], step: Move) {
    let mut pools: Vec<_> = before.desks.iter().map(|desk| desk.pool.clone()).collect();
    for (desk, event) in events {
        let pool = &mut pools[*desk];
        let free = pool.held() + pool.paid() < pool.settings().capacity;
        let head = pool
            .claims()
            .find(|(_, claim)| claim.state == ClaimState::Waiting)
            .map(|(number, _)| number);
        match event {
            Event::ClaimHeld { .. } => assert!(free && head.is_none(), "{step:?}: {event:?}"),
            Event::ClaimPromoted { claim, .. } => {
                assert!(free && head == Some(*claim), "{step:?}: {event:?}");
            }
            _ => {}
        }
        pool.evolve(event);
    }
    for (pool, desk) in pools.iter().zip(&after.desks) {
        assert_eq!(*pool, desk.pool, "{step:?}: replay differs from live");
    }
}

fn search(start: &Town, candidates: i64, capacity_max: u32) -> usize {
    let mut seen = BTreeSet::from([essence(start)]);
    let mut level = vec![start.clone()];
    for _ in 0..DEPTH {
        let mut next_level = Vec::new();
        for town in &level {
            for step in moves(town, candidates, capacity_max) {
                let mut after = town.clone();
                let (events, _) = make(&mut after, step);
                judge(town, &after, &events, step);
                if seen.insert(essence(&after)) {
                    next_level.push(after);
                }
            }
        }
        level = next_level;
    }
    seen.len()
}

#[test]
fn r14_r20_r21_r34_hold_in_every_state_of_three_candidates_and_two_seats() {
    let mut town = Town::new(&[("991010-1", 1)]);
    let terms = &mut town.desks[0].terms;
    terms.closes_at = town.now + hours(36);
    terms.waitlist_closes_at = town.now + hours(48);
    terms.payment_closes_at = town.now + hours(72);
    town.now = town.now + HOUR;
    let states = search(&town, 3, 2);
    assert!(
        states > 1_000,
        "{states} states are too few to have gone everywhere"
    );
}

#[test]
fn r12_r13_hold_in_every_state_of_two_candidates_a_written_and_an_oral_seat() {
    let mut town = Town::new(&[("991010-1", 1), ("991010-F", 1)]);
    town.now = town.now + HOUR;
    let states = search(&town, 2, 1);
    assert!(
        states > 1_000,
        "{states} states are too few to have gone everywhere"
    );
}
