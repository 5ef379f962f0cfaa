//! Random histories of candidates, pools, orders and a provider that misbehaves: in the end every fen is where it
//! belongs (I11), no seat was sold twice, no paid seat was lost, and replay is live (R13, R14, R17, R25–R29).
//!
//! The provider's twelve misbehaviours: its notifications come 1 late, 2 twice, 3 out of order, 4 for orders that there
//! are not; 5 it takes a wrong amount; 6 it does not know an order that it has, 7 or that was paid; 8 it is down for a
//! while; 9 it says closed and is paid, 10 it takes money after it has closed; 11 it takes it a second time; 12 it says
//! that a refund failed that goes through. To that come crashes in the middle of every step, two tabs, two methods,
//! cancellations, deletions, staff's refunds and extensions, expiry suspended and resumed. Forged notifications never
//! get here: the shell checks signatures (R26).

use std::collections::BTreeSet;

use kaowei_core::ids::{CandidateId, Fen, OrderId};
use kaowei_core::payment::{Heard, Method, Order, RefundState, State, TradeId};
use kaowei_core::registration::OrderVerdict;
use kaowei_core::seats::{By, Command, Expiry, OnFull};
use kaowei_core::sites::Paper;
use kaowei_core::time::Span;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::cashier::{Cashier, Fate};
use crate::properties::config;

const CANDIDATES: i64 = 3;

#[derive(Debug, Clone)]
enum Move {
    /// Somebody pays in the last minute in which that is possible.
    PayLate {
        order: usize,
    },
    Wait {
        minutes: u32,
    },
    Claim {
        who: i64,
        desk: usize,
        queue: bool,
    },
    Cancel {
        who: i64,
        desk: usize,
    },
    Delete {
        who: i64,
    },
    Open {
        who: i64,
        paper: Paper,
        method: Method,
    },
    Follow {
        who: i64,
    },
    Work {
        order: usize,
        fate: Fate,
    },
    Buy {
        who: i64,
        desk: usize,
    },
    Pay {
        order: usize,
    },
    Take {
        order: usize,
        amount: u32,
    },
    TakeAgain {
        order: usize,
    },
    Deliver {
        pick: usize,
        again: bool,
    },
    Stray,
    Lie {
        order: usize,
        heard: Heard,
    },
    Down {
        down: bool,
    },
    ScanToPay {
        scan: bool,
    },
    LieAboutRefund,
    StaffRefund {
        order: usize,
        claim: usize,
    },
    Extend {
        who: i64,
        desk: usize,
    },
    Suspend {
        suspend: bool,
    },
    Crash,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let (who, desk, order) = (0..CANDIDATES, 0_usize..3, 0_usize..4);
    let paper = || prop_oneof![2 => Just(Paper::Written), 1 => Just(Paper::Oral)];
    let method = || prop_oneof![2 => Just(Method::Alipay), 1 => Just(Method::WechatPay)];
    let fate = || prop_oneof![4 => Just(Fate::Done), 1 => Just(Fate::CutOff)];
    let lie = prop_oneof![Just(Heard::Unknown), Just(Heard::Closed), Just(Heard::Open)];
    let step = prop_oneof![
        6 => prop_oneof![4 => 0_u32..4, 1 => 4_u32..40].prop_map(|minutes| Move::Wait { minutes }),
        3 => order.clone().prop_map(|order| Move::PayLate { order }),
        6 => (who.clone(), desk.clone(), any::<bool>())
            .prop_map(|(who, desk, queue)| Move::Claim { who, desk, queue }),
        2 => (who.clone(), desk.clone()).prop_map(|(who, desk)| Move::Cancel { who, desk }),
        1 => who.clone().prop_map(|who| Move::Delete { who }),
        8 => (who.clone(), paper(), method())
            .prop_map(|(who, paper, method)| Move::Open { who, paper, method }),
        4 => who.clone().prop_map(|who| Move::Follow { who }),
        30 => (order.clone(), fate()).prop_map(|(order, fate)| Move::Work { order, fate }),
        5 => (who.clone(), desk.clone()).prop_map(|(who, desk)| Move::Buy { who, desk }),
        8 => order.clone().prop_map(|order| Move::Pay { order }),
        1 => (order.clone(), 1_u32..9_000).prop_map(|(order, amount)| Move::Take { order, amount }),
        3 => order.clone().prop_map(|order| Move::TakeAgain { order }),
        6 => (0_usize..4, any::<bool>()).prop_map(|(pick, again)| Move::Deliver { pick, again }),
        1 => Just(Move::Stray),
        3 => (order.clone(), lie).prop_map(|(order, heard)| Move::Lie { order, heard }),
        1 => any::<bool>().prop_map(|down| Move::Down { down }),
        1 => any::<bool>().prop_map(|scan| Move::ScanToPay { scan }),
        1 => Just(Move::LieAboutRefund),
        4 => (order, 0_usize..2).prop_map(|(order, claim)| Move::StaffRefund { order, claim }),
        1 => (who, desk).prop_map(|(who, desk)| Move::Extend { who, desk }),
        1 => any::<bool>().prop_map(|suspend| Move::Suspend { suspend }),
        1 => Just(Move::Crash),
    ];
    prop::collection::vec(step, 1..160)
}

#[expect(clippy::too_many_lines, reason = "one arm a move")]
fn make(cashier: &mut Cashier, step: &Move) {
    // The latest orders are where something happens.
    let orders: Vec<OrderId> = cashier.orders().map(Order::id).collect();
    let picked = |back: usize| {
        orders
            .iter()
            .max()
            .and_then(|last| last.0.checked_sub(back as u64))
    };
    let picked = |back: usize| picked(back).filter(|id| *id > 0).map(OrderId);
    let now = cashier.now();
    match *step {
        Move::Wait { minutes } => cashier.wait(Span::from_secs(minutes * 60)),
        Move::PayLate { order } => {
            if let Some(order) = picked(order) {
                let eve = cashier.order(order).expires_at() - Span::from_secs(60);
                cashier.wait(eve.since(now));
                cashier.provider.pay(order, cashier.now());
            }
        }
        Move::Claim { who, desk, queue } => {
            let on_full = if queue { OnFull::Waitlist } else { OnFull::Reject };
            cashier.claim(desk, CandidateId(who), on_full);
        }
        Move::Cancel { who, desk } => cashier.cancel(desk, CandidateId(who)),
        Move::Delete { who } => {
            cashier.delete_enrolment(CandidateId(who)).ok();
        }
        Move::Open { who, paper, method } => {
            cashier.open(CandidateId(who), paper, method);
        }
        Move::Follow { who } => {
            cashier.follow(CandidateId(who));
        }
        Move::Work { order, fate } => {
            if let Some(order) = picked(order) {
                cashier.work(order, fate);
            }
        }
        Move::Buy { who, desk } => buy(cashier, CandidateId(who), desk),
        Move::Pay { order } => {
            if let Some(order) = picked(order) {
                cashier.provider.pay(order, now);
            }
        }
        Move::Take { order, amount } => {
            if let Some(order) = picked(order) {
                cashier.provider.take(order, Fen(amount), now);
            }
        }
        Move::TakeAgain { order } => {
            if let Some(order) = picked(order)
                && let Some(bill) = cashier.provider.bills.get(&order)
            {
                let amount = bill.amount;
                cashier.provider.take(order, amount, now);
            }
        }
        Move::Deliver { pick, again } => {
            let waiting = &mut cashier.provider.notifications;
            if pick < waiting.len() {
                let (order, heard) = if again {
                    waiting[pick].clone()
                } else {
                    waiting.remove(pick)
                };
                cashier.hear(order, heard);
            }
        }
        Move::Stray => {
            let heard = Heard::Paid {
                trade: TradeId("stray".into()),
                amount: Fen(3_000),
                at: now,
            };
            cashier.hear(OrderId(u64::MAX), heard);
        }
        Move::Lie { order, ref heard } => {
            if let Some(order) = picked(order) {
                cashier.lie(order, heard.clone());
            }
        }
        Move::Down { down } => cashier.provider.down = down,
        Move::ScanToPay { scan } => cashier.provider.scan_to_pay = scan,
        Move::LieAboutRefund => cashier.provider.lies_about_refund = true,
        Move::StaffRefund { order, claim } => {
            if let Some(order) = picked(order)
                && let Some(claim) = cashier
                    .order(order)
                    .claims()
                    .get(claim)
                    .map(|ordered| ordered.claim)
            {
                cashier.staff_refund(order, claim).ok();
            }
        }
        Move::Extend { who, desk } => {
            if let Some(claim) = cashier.town.claim_of(desk, CandidateId(who)) {
                let extend = Command::Extend {
                    claim,
                    held_until: now + Span::from_secs(5_400),
                    by: By::Staff("t-1".into()),
                    reason: "outage".into(),
                };
                cashier.command(desk, &extend);
            }
        }
        Move::Suspend { suspend } => {
            cashier.town.expiry = if suspend {
                Expiry::Suspended
            } else {
                Expiry::Running
            };
        }
        Move::Crash => cashier.crash(),
    }
}

/// What most candidates do, as far as it goes.
fn buy(cashier: &mut Cashier, who: CandidateId, desk: usize) {
    cashier.claim(desk, who, OnFull::Reject);
    let paper = cashier.town.desks[desk].facts.paper;
    if let OrderVerdict::Open(_) = cashier.open(who, paper, Method::Alipay) {
        let order = cashier.orders().map(Order::id).max().unwrap();
        cashier.work(order, Fate::Done);
        cashier.work(order, Fate::Done);
        cashier.provider.pay(order, cashier.now());
        cashier.deliver();
        cashier.work(order, Fate::Done);
    }
}

fn run(capacity: u32, history: &[Move]) -> Cashier {
    let mut cashier = Cashier::new(capacity, CANDIDATES);
    for step in history {
        make(&mut cashier, step);
    }
    cashier
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn i11_r27_r28_after_all_that_a_provider_may_do_every_fen_is_accounted_for(
        capacity in 1_u32..3,
        history in moves(),
    ) {
        let mut cashier = run(capacity, &history);
        cashier.heal();
        cashier.audit();
        cashier.crash();
    }
}

/// So that the property can't hold for want of anything happening.
#[test]
fn r28_the_histories_reach_every_kind_of_end() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut reached = BTreeSet::new();
    for _ in 0..2_000 {
        let history = moves().new_tree(&mut runner).unwrap().current();
        let mut cashier = run(1, &history);
        let failures = cashier.refund_states().into_iter().any(|state| match state {
            RefundState::Due { failures } | RefundState::Sent { failures } => failures > 0,
            RefundState::Asked | RefundState::Done => false,
        });
        reached.extend(failures.then(|| "failed".to_owned()));
        cashier.heal();
        for order in cashier.orders() {
            reached.insert(order.status().as_str().to_owned());
            if let State::Closed { why, .. } = order.state() {
                reached.insert(format!("{why:?}"));
            }
            let causes = order
                .refunds()
                .iter()
                .map(|refund| refund.cause.as_str().to_owned());
            reached.extend(causes);
        }
    }
    let ends = [
        "AtProvider",
        "ClaimLeft",
        "Expired",
        "MethodChanged",
        "NeverSent",
        "Reissued",
        "WrongAmount",
        "claim_gone",
        "closed",
        "failed",
        "paid",
        "paid_twice",
        "refunded",
        "staff",
        "without_written",
        "wrong_amount",
    ];
    assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), ends);
}
