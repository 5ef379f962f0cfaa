//! The pool against the naive model, after every command of random sequences (R14–R23, R34).

use std::hash::{DefaultHasher, Hash, Hasher};

use kaowei_core::ids::{CandidateId, ClaimNumber, OrderId};
use kaowei_core::seats::{
    By, Change, Command, Event, Expiry, OnFull, Pool, RegisteredBy, RemovalCause, WhenShort, WithdrawReason,
};
use kaowei_core::sites::{Paper, Terms};
use kaowei_core::time::{Moment, Span};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::naive::{Naive, happened};
use crate::town::{DAY, hours, midnight, settings, terms};

/// One step of a sequence: the time that passes, whether expiry is suspended, and what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    after: Span,
    expiry: Expiry,
    asked: Asked,
}

#[derive(Debug, Clone)]
enum Asked {
    Claim {
        candidate: i64,
        queue: bool,
    },
    Cancel {
        claim: u32,
        reason: bool,
    },
    Remove {
        claim: u32,
    },
    Attach {
        claim: u32,
        order: u64,
    },
    Detach {
        claim: u32,
        order: u64,
    },
    Pay {
        claim: u32,
        order: u64,
    },
    Refund {
        claim: u32,
        order: u64,
    },
    Extend {
        claim: u32,
        hours: u32,
        staff: bool,
    },
    Change {
        capacity: Option<u32>,
        open: Option<bool>,
        drain: bool,
    },
    CatchUp,
}

impl Asked {
    fn command(&self, now: Moment) -> Command {
        match *self {
            Self::Claim { candidate, queue } => Command::Claim {
                candidate: CandidateId(candidate),
                on_full: if queue { OnFull::Waitlist } else { OnFull::Reject },
                registered_by: RegisteredBy::Candidate,
                key: None,
            },
            Self::Cancel { claim, reason } => Command::Cancel {
                claim: ClaimNumber(claim),
                by: By::Candidate,
                reason: reason.then_some(WithdrawReason::ChangedPlans),
            },
            Self::Remove { claim } => Command::Remove {
                claim: ClaimNumber(claim),
                cause: RemovalCause::WithEnrolment,
            },
            Self::Attach { claim, order } => Command::Attach {
                claim: ClaimNumber(claim),
                order: OrderId(order),
                margin: Span::from_secs(360),
            },
            Self::Detach { claim, order } => Command::Detach {
                claim: ClaimNumber(claim),
                order: OrderId(order),
            },
            Self::Pay { claim, order } => Command::Pay {
                claim: ClaimNumber(claim),
                order: OrderId(order),
            },
            Self::Refund { claim, order } => Command::Refund {
                claim: ClaimNumber(claim),
                order: OrderId(order),
                by: By::System,
                reason: "fault".into(),
            },
            Self::Extend {
                claim,
                hours: later,
                staff,
            } => Command::Extend {
                claim: ClaimNumber(claim),
                held_until: now + hours(later),
                by: if staff {
                    By::Staff("t-1".into())
                } else {
                    By::System
                },
                reason: "outage".into(),
            },
            Self::Change {
                capacity,
                open,
                drain,
            } => Command::Change {
                change: Change {
                    capacity,
                    open,
                    when_short: if drain {
                        WhenShort::Drain
                    } else {
                        WhenShort::Refuse
                    },
                    ..Change::default()
                },
                by: By::Staff("t-1".into()),
            },
            Self::CatchUp => Command::CatchUp,
        }
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let claim = 0_u32..12;
    prop_oneof![
        8 => (0_i64..8, any::<bool>()).prop_map(|(candidate, queue)| Asked::Claim { candidate, queue }),
        4 => (claim.clone(), prop::bool::weighted(0.8)).prop_map(|(claim, reason)| Asked::Cancel { claim, reason }),
        1 => claim.clone().prop_map(|claim| Asked::Remove { claim }),
        4 => (claim.clone(), 0_u64..2).prop_map(|(claim, order)| Asked::Attach { claim, order }),
        4 => (claim.clone(), 0_u64..2).prop_map(|(claim, order)| Asked::Detach { claim, order }),
        2 => (claim.clone(), 0_u64..2).prop_map(|(claim, order)| Asked::Pay { claim, order }),
        1 => (claim.clone(), 0_u64..2).prop_map(|(claim, order)| Asked::Refund { claim, order }),
        1 => (claim, 0_u32..60, any::<bool>())
            .prop_map(|(claim, hours, staff)| Asked::Extend { claim, hours, staff }),
        2 => (prop::option::of(0_u32..5), prop::option::weighted(0.3, any::<bool>()), any::<bool>())
            .prop_map(|(capacity, open, drain)| Asked::Change { capacity, open, drain }),
        1 => Just(Asked::CatchUp),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = prop_oneof![
        6 => Just(Span::from_secs(60)),
        2 => Just(Span::ZERO),
        1 => Just(hours(7)),
        1 => Just(hours(25)),
    ];
    let expiry = prop_oneof![9 => Just(Expiry::Running), 1 => Just(Expiry::Suspended)];
    let step = (after, expiry, asked()).prop_map(|(after, expiry, asked)| Step { after, expiry, asked });
    prop::collection::vec(step, 1..32)
}

/// Written or oral; now and then a window that ends within a sequence, in any order of its ends that a sitting allows.
pub(crate) fn some_terms() -> impl Strategy<Value = Terms> {
    (any::<bool>(), 8_u32..100, 8_u32..100).prop_map(|(oral, closes, promotes)| {
        let paper = if oral { Paper::Oral } else { Paper::Written };
        let (closes_at, waitlist_closes_at) = (midnight() + hours(closes), midnight() + hours(promotes));
        Terms {
            closes_at,
            waitlist_closes_at,
            payment_closes_at: closes_at.max(waitlist_closes_at + DAY),
            ..terms(paper)
        }
    })
}

pub(crate) fn config(sequences_a_case: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases * sequences_a_case,
        rng_seed: match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_260_910),
            fixed @ RngSeed::Fixed(_) => fixed,
        },
        failure_persistence: None,
        ..default
    }
}

/// Runs a sequence on a pool and returns what happened.
pub(crate) fn live(capacity: u32, terms: &Terms, steps: &[Step]) -> (Pool, Vec<(Moment, Event)>) {
    let mut pool = Pool::new(settings(capacity));
    let (mut now, mut journal) = (midnight(), Vec::new());
    for Step { after, expiry, asked } in steps {
        now = now + *after;
        let decision = pool.handle(&asked.command(now), terms, now, *expiry).unwrap();
        journal.extend(decision.events.into_iter().map(|event| (now, event)));
    }
    (pool, journal)
}

fn hash(pool: &Pool) -> u64 {
    let mut hasher = DefaultHasher::new();
    pool.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn r14_to_r23_and_r34_the_pool_does_what_a_list_and_a_loop_do(
        capacity in 0_u32..4,
        terms in some_terms(),
        steps in steps(),
    ) {
        let mut pool = Pool::new(settings(capacity));
        let mut naive = Naive::new(capacity, true);
        let mut replayed = pool.clone();
        let mut now = midnight();
        for Step { after, expiry, asked } in steps {
            now = now + after;
            let command = asked.command(now);
            let decision = pool.handle(&command, &terms, now, expiry).unwrap();
            let (expected, outcome) = naive.handle(&command, &terms, now, expiry);
            prop_assert_eq!(decision.outcome, outcome, "{:?}", &command);
            let happened: Vec<_> = decision.events.iter().map(happened).collect();
            prop_assert_eq!(happened, expected, "{:?}", &command);
            let difference = naive.difference(&pool);
            prop_assert!(difference.is_none(), "{}, after {command:?}", difference.unwrap());
            if expiry == Expiry::Running {
                pool.check_all(&terms, now).unwrap();
                prop_assert!(pool.next_due(&terms).is_none_or(|due| due > now), "nothing is left due");
            }
            for event in &decision.events {
                replayed.fits(event).unwrap();
                replayed.evolve(event);
            }
            prop_assert_eq!(hash(&replayed), hash(&pool));
        }
        prop_assert_eq!(&replayed, &pool);
        let claims: Vec<_> = pool.claims().map(|(_, claim)| *claim).collect();
        let attached: Vec<_> = pool.attachments().map(|(number, attachment)| (number, attachment.clone())).collect();
        prop_assert_eq!(&Pool::restore(pool.settings().clone(), claims, attached), &pool);
    }

    #[test]
    fn r34_the_preview_is_what_the_change_then_does(
        capacity in 0_u32..3,
        steps in steps(),
        wanted in 0_u32..8,
    ) {
        let terms = terms(Paper::Written);
        let (mut pool, journal) = live(capacity, &terms, &steps);
        let now = journal.last().map_or(midnight(), |(at, _)| *at);
        let expected: Vec<ClaimNumber> = pool.preview(wanted).collect();
        let change = Asked::Change { capacity: Some(wanted), open: None, drain: true };
        let decision = pool.handle(&change.command(now), &terms, now, Expiry::Suspended).unwrap();
        let promoted = decision.events.iter().filter_map(|event| match event {
            Event::ClaimPromoted { claim, .. } => Some(*claim),
            _ => None,
        });
        prop_assert_eq!(promoted.collect::<Vec<_>>(), expected);
    }
}
