//! Events that do not follow: each is found before it is made so, and none can unsettle the counters (I1–I3, I10).

use kaowei_core::ids::{CandidateId, ClaimNumber, Fen, OrderId};
use kaowei_core::invariant::Invariant;
use kaowei_core::seats::{By, Event, Pool, RegisteredBy, RemovalCause, WithdrawReason};
use kaowei_core::sites::Paper;
use kaowei_core::time::Moment;
use proptest::prelude::*;

use crate::properties::config;
use crate::town::{DAY, facts, midnight, settings, site, terms};

fn held(claim: u32) -> Event {
    Event::ClaimHeld {
        claim: ClaimNumber(claim),
        candidate: CandidateId(claim.into()),
        held_until: midnight() + DAY,
        fee_fen: Fen(1),
        registered_by: RegisteredBy::Candidate,
        key: None,
    }
}

fn queued(claim: u32, position: u32) -> Event {
    Event::ClaimQueued {
        claim: ClaimNumber(claim),
        candidate: CandidateId(claim.into()),
        position,
        fee_fen: Fen(1),
        registered_by: RegisteredBy::Candidate,
        key: None,
    }
}

fn promoted(claim: u32, held_until: Moment) -> Event {
    Event::ClaimPromoted {
        claim: ClaimNumber(claim),
        candidate: CandidateId(claim.into()),
        held_until,
    }
}

fn cancelled(claim: u32) -> Event {
    Event::ClaimCancelled {
        claim: ClaimNumber(claim),
        candidate: CandidateId(claim.into()),
        by: By::Candidate,
        reason: None,
    }
}

fn attached(claim: u32) -> Event {
    Event::OrderAttached {
        claim: ClaimNumber(claim),
        candidate: CandidateId(claim.into()),
        order: OrderId(1),
    }
}

/// One seat, taken by claim 1; claims 2 and 3 wait.
fn full() -> Pool {
    let mut pool = Pool::new(settings(1));
    for event in [held(1), queued(2, 1), queued(3, 2)] {
        pool.fits(&event).unwrap();
        pool.evolve(&event);
    }
    pool
}

#[test]
fn r14_a_seat_beyond_the_capacity_does_not_fit() {
    let breach = full().fits(&promoted(2, midnight())).unwrap_err();
    assert_eq!(breach.invariant, Invariant::NeverOversold);
    assert_eq!(
        breach.to_string(),
        "invariant I1_never_oversold is broken: claim_promoted of claim 2: no seat is free"
    );
    assert_eq!(
        full().fits(&held(4)).unwrap_err().invariant,
        Invariant::NeverOversold
    );
}

#[test]
fn r20_whoever_is_not_the_head_does_not_fit() {
    let mut pool = full();
    pool.evolve(&cancelled(1));
    assert_eq!(
        pool.fits(&promoted(3, midnight())).unwrap_err().invariant,
        Invariant::FirstInFirstOut
    );
    assert_eq!(
        pool.fits(&held(4)).unwrap_err().invariant,
        Invariant::FirstInFirstOut
    );
    pool.fits(&promoted(2, midnight())).unwrap();
}

#[test]
fn r19_a_place_in_the_queue_does_not_fit_while_a_seat_is_free_nor_one_that_is_not_the_last() {
    let empty = Pool::new(settings(1));
    assert_eq!(
        empty.fits(&queued(1, 1)).unwrap_err().invariant,
        Invariant::NoSeatIdleWhileWaiting
    );
    assert_eq!(
        full().fits(&queued(4, 2)).unwrap_err().invariant,
        Invariant::EventFitsState
    );
    full().fits(&queued(4, 3)).unwrap();
}

#[test]
fn r27_a_seat_with_an_open_order_can_t_go_nor_be_kept_for_two() {
    let mut pool = full();
    pool.evolve(&attached(1));
    let expired = Event::ClaimExpired {
        claim: ClaimNumber(1),
        candidate: CandidateId(1),
    };
    for event in [cancelled(1), expired, attached(1)] {
        assert_eq!(
            pool.fits(&event).unwrap_err().invariant,
            Invariant::OrderedSeatStays
        );
    }
}

#[test]
fn what_happens_to_a_claim_in_the_wrong_state_or_to_another_s_does_not_fit() {
    let mut pool = full();
    let paid = Event::ClaimPaid {
        claim: ClaimNumber(1),
        candidate: CandidateId(1),
        order: OrderId(1),
    };
    pool.evolve(&paid);
    let another_s = Event::ClaimWithdrawn {
        claim: ClaimNumber(2),
        candidate: CandidateId(3),
        by: By::Candidate,
        reason: WithdrawReason::Other,
    };
    let misfits = [
        paid,
        cancelled(1),
        cancelled(2),
        cancelled(9),
        cancelled(0),
        held(3),
        held(5),
        another_s,
    ];
    for event in misfits {
        assert!(pool.fits(&event).is_err(), "{event:?}");
    }
    for event in [
        Event::PoolOpened { by: By::System },
        Event::CapacitySet {
            capacity: 0,
            draining: false,
            by: By::System,
        },
        Event::CapacitySet {
            capacity: 1,
            draining: true,
            by: By::System,
        },
    ] {
        assert_eq!(
            pool.fits(&event).unwrap_err().invariant,
            Invariant::EventFitsState,
            "{event:?}"
        );
    }
}

#[expect(clippy::too_many_lines, reason = "one arm a kind of event")]
fn any_event() -> impl Strategy<Value = Event> {
    let ids = (0_u32..6, 0_i64..4, 0_i64..5);
    (0_u8..18, ids, any::<bool>()).prop_map(|(kind, (number, candidate, day), flag)| {
        let (claim, candidate) = (ClaimNumber(number), CandidateId(candidate));
        let held_until = Moment::from_unix_ms(day * DAY.as_ms());
        let by = By::System;
        match kind {
            0 => held(number),
            1 => queued(number, 1),
            2 => promoted(number, held_until),
            3 => cancelled(number),
            4 => Event::ClaimExpired { claim, candidate },
            5 => Event::ClaimPaid {
                claim,
                candidate,
                order: OrderId(1),
            },
            12 => attached(number),
            13 => Event::OrderDetached {
                claim,
                candidate,
                order: OrderId(1),
            },
            14 => Event::CancellationAsked {
                claim,
                candidate,
                asked_at: held_until,
                by,
                reason: None,
            },
            15 => Event::RemovalAsked {
                claim,
                candidate,
                asked_at: held_until,
                cause: RemovalCause::WithWritten,
            },
            16 => Event::ClaimRefunded {
                claim,
                candidate,
                order: OrderId(1),
                by,
                reason: "x".into(),
            },
            6 => Event::ClaimLapsed { claim, candidate },
            7 => Event::DeadlineExtended {
                claim,
                candidate,
                held_until,
                by,
                reason: "x".into(),
            },
            8 => Event::CapacitySet {
                capacity: number,
                draining: flag,
                by,
            },
            9 => Event::PoolOpened { by },
            10 => Event::PoolClosed { by },
            11 => Event::ClaimWithdrawn {
                claim,
                candidate,
                by,
                reason: WithdrawReason::Other,
            },
            _ => {
                let facts = facts("991010-1");
                Event::PoolCreated {
                    site: site(),
                    paper: facts.paper,
                    level: facts.level,
                    requires: None,
                    capacity: number,
                    open: flag,
                    fee_fen: Fen(1),
                    exam_date: None,
                    by,
                }
            }
        }
    })
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn i7_whatever_events_come_the_counters_agree_and_fitting_ones_keep_every_invariant(
        events in prop::collection::vec(any_event(), 1..60),
    ) {
        let (mut honest, mut careless) = (Pool::new(settings(2)), Pool::new(settings(2)));
        for event in &events {
            careless.evolve(event);
            let breach = careless.check_all(&terms(Paper::Written), Moment::MAX).err();
            prop_assert!(breach.is_none_or(|breach| breach.invariant != Invariant::CountersAgree));
            if honest.fits(event).is_ok() {
                honest.evolve(event);
                honest.check().unwrap();
            }
        }
    }
}
