//! An order from its opening to its end: pools, provider, pools again, whatever the provider says and when (R13, R17,
//! R25–R27, R33).

use kaowei_core::cell;
use kaowei_core::ids::{Fen, OrderId};
use kaowei_core::payment::{self, Heard, Method, State, Status, Step, TradeId, Why};
use kaowei_core::registration::{self, OrderVerdict};
use kaowei_core::seats::{By, ClaimState, Command, OnFull};
use kaowei_core::sites::Paper;
use kaowei_core::time::Span;

use crate::cashier::{CET4, CET6, Cashier, Fate, GRACE, LI, SPEAKING4, WANG, bought, minutes, payable};
use crate::town::{hours, midnight};

const MINUTE: Span = Span::from_secs(60);
const FEE: Fen = Fen(3_000);

fn paid(trade: &str, amount: Fen) -> Heard {
    Heard::Paid {
        trade: TradeId(trade.into()),
        amount,
        at: midnight(),
    }
}

#[test]
fn r26_an_order_goes_from_its_pools_to_the_provider_and_back() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    let OrderVerdict::Open(opening) = cashier.open(LI, Paper::Written, Method::Alipay) else {
        panic!("it may be opened");
    };
    assert_eq!(
        opening.expires_at,
        cashier.now() + hours(1),
        "its hold's deadline"
    );
    let order = OrderId(1);
    assert_eq!(cashier.work(order, Fate::Done), Step::Attach);
    assert!(matches!(cashier.order(order).state(), State::Placed { .. }));
    assert_eq!(cashier.work(order, Fate::Done), Step::Create);
    assert!(matches!(cashier.order(order).state(), State::Payable { .. }));
    assert_eq!(cashier.order(order).status(), Status::Open);
    cashier.provider.pay(order, cashier.now());
    cashier.wait(Span::from_secs(15));
    assert_eq!(cashier.work(order, Fate::Done), Step::Query);
    assert_eq!(cashier.shows(CET4, LI), "held", "its pool was not told yet");
    assert_eq!(cashier.work(order, Fate::Done), Step::Pay);
    assert_eq!(cashier.shows(CET4, LI), "paid");
    assert_eq!(cashier.order(order).status(), Status::Paid);
    assert_eq!(cashier.next_step(order), Step::Nothing { until: None });
}

#[test]
fn r26_a_step_cut_off_by_a_crash_is_done_again() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.claim(CET6, LI, OnFull::Reject);
    cashier.open(LI, Paper::Written, Method::Alipay);
    let order = OrderId(1);
    for step in [Step::Attach, Step::Create] {
        assert_eq!(cashier.work(order, Fate::CutOff), step);
        cashier.crash();
        assert_eq!(cashier.work(order, Fate::Done), step);
    }
    cashier.provider.pay(order, cashier.now());
    cashier.deliver();
    assert_eq!(cashier.work(order, Fate::CutOff), Step::Pay);
    assert_eq!(
        (cashier.shows(CET4, LI), cashier.shows(CET6, LI)),
        ("paid".into(), "held".into())
    );
    cashier.crash();
    assert_eq!(cashier.work(order, Fate::Done), Step::Pay);
    assert_eq!(
        (cashier.shows(CET4, LI), cashier.shows(CET6, LI)),
        ("paid".into(), "paid".into())
    );
    cashier.audit();
}

#[test]
fn r26_who_hears_nothing_asks_soon_then_ever_more_rarely_and_at_the_expiry() {
    let (mut cashier, order) = payable();
    let since = cashier.now();
    let expiry = cashier.order(order).expires_at().since(since).as_ms() / 1000;
    let mut asked = Vec::new();
    loop {
        match cashier.work(order, Fate::Done) {
            Step::Query => asked.push(cashier.now().since(since).as_ms() / 1000),
            Step::Nothing { until: Some(until) } => cashier.wait(until.since(cashier.now())),
            _ => break,
        }
    }
    assert_eq!(
        asked,
        [
            15, 30, 45, 75, 135, 255, 495, 975, 1_575, 2_175, 2_775, 3_375, 3_600
        ]
    );
    assert_eq!(expiry, 3_600);
}

#[test]
fn r26_a_provider_that_is_down_is_asked_again_and_nothing_changes() {
    let (mut cashier, order) = payable();
    cashier.provider.down = true;
    cashier.wait(hours(2));
    assert_eq!(cashier.shows(CET4, LI), "held, settling");
    assert_eq!(cashier.work(order, Fate::Done), Step::Query);
    assert!(
        matches!(cashier.next_step(order), Step::Nothing { until: Some(until) } if until <= cashier.now() + MINUTE)
    );
    assert_eq!(cashier.shows(CET4, LI), "held, settling");
    cashier.heal();
    assert_eq!(cashier.shows(CET4, LI), "expired");
}

#[test]
fn r26_a_notification_twice_late_and_out_of_order_is_one_payment() {
    let (mut cashier, order) = payable();
    for heard in [
        paid("t", FEE),
        paid("t", FEE),
        Heard::Open,
        Heard::Closed,
        Heard::Unknown,
        paid("t", FEE),
    ] {
        cashier.hear(order, heard);
    }
    cashier.work_off(order);
    assert_eq!(cashier.order(order).money().received, 3_000);
    assert_eq!(cashier.order(order).status(), Status::Paid);
}

#[test]
fn r27_an_unknown_order_counts_as_closed_only_after_its_expiry_and_a_grace() {
    let (mut cashier, order) = payable();
    cashier.hear(order, Heard::Unknown);
    cashier.wait(hours(1) + GRACE - Span::from_ms(1));
    cashier.hear(order, Heard::Unknown);
    assert!(cashier.order(order).is_open());
    cashier.wait(Span::from_ms(1));
    cashier.hear(order, Heard::Unknown);
    assert!(matches!(
        cashier.order(order).state(),
        State::Closed {
            why: Why::Expired,
            ..
        }
    ));
    cashier.work_off(order);
    assert_eq!(cashier.shows(CET4, LI), "expired");
}

#[test]
fn r27_a_provider_that_keeps_an_order_open_past_its_expiry_is_made_to_close_it() {
    let (mut cashier, order) = payable();
    cashier.wait(hours(1));
    cashier.hear(order, Heard::Open);
    assert!(matches!(
        cashier.order(order).state(),
        State::Closing {
            why: Why::Expired,
            ..
        }
    ));
    assert_eq!(cashier.next_step(order), Step::Close);
}

#[test]
fn r17_r25_an_order_is_closed_not_before_it_is_5_minutes_old() {
    let (mut cashier, order) = payable();
    let made = cashier.now();
    cashier.claim(CET4, WANG, OnFull::Waitlist);
    cashier.cancel(CET4, LI);
    assert_eq!(cashier.shows(CET4, LI), "held, settling");
    assert!(cashier.follow(LI));
    assert_eq!(
        cashier.next_step(order),
        Step::Nothing {
            until: Some(made + minutes(5))
        }
    );
    cashier.wait(minutes(5));
    assert_eq!(cashier.work(order, Fate::Done), Step::Close);
    assert_eq!(cashier.work(order, Fate::Done), Step::Detach);
    assert_eq!(cashier.shows(CET4, LI), "cancelled");
    assert_eq!(cashier.shows(CET4, WANG), "held");
}

#[test]
fn r17_an_order_that_the_provider_never_heard_of_is_closed_at_once() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.open(LI, Paper::Written, Method::Alipay);
    assert_eq!(cashier.work(OrderId(1), Fate::CutOff), Step::Attach);
    cashier.cancel(CET4, LI);
    cashier.follow(LI);
    assert_eq!(cashier.work(OrderId(1), Fate::Done), Step::Detach);
    assert_eq!(cashier.shows(CET4, LI), "cancelled");
}

#[test]
fn r17_a_payment_that_comes_while_the_order_is_being_closed_wins() {
    let (mut cashier, order) = payable();
    cashier.cancel(CET4, LI);
    cashier.follow(LI);
    cashier.wait(minutes(5));
    cashier.provider.pay(order, cashier.now());
    assert_eq!(cashier.work(order, Fate::Done), Step::Close);
    cashier.work_off(order);
    assert_eq!(cashier.shows(CET4, LI), "paid");
}

#[test]
fn r13_a_candidate_does_not_wait_for_the_provider_of_an_oral_claim_that_is_to_go() {
    let (mut cashier, written) = bought();
    cashier.claim(SPEAKING4, LI, OnFull::Reject);
    let oral = cashier.payable(LI, Paper::Oral);
    let claim = cashier.order(written).claims()[0].claim;
    cashier.staff_refund(written, claim).unwrap();
    cashier.work_off(written);
    assert_eq!(cashier.candidate(LI).orphans().count(), 0, "it is marked");
    assert!(!cashier.order(oral).is_open(), "and its order is being closed");
}

#[test]
fn r25_a_pool_that_can_t_keep_the_hold_ends_the_order_and_lets_the_others_go() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.claim(CET6, LI, OnFull::Reject);
    cashier.open(LI, Paper::Written, Method::Alipay);
    cashier.cancel(CET6, LI);
    let order = OrderId(1);
    assert_eq!(cashier.work(order, Fate::Done), Step::Attach);
    assert!(matches!(
        cashier.order(order).state(),
        State::Closed {
            why: Why::NeverSent,
            ..
        }
    ));
    cashier.work_off(order);
    assert_eq!(cashier.town.desks[CET4].pool.attachments().count(), 0);
    assert!(matches!(
        cashier.open(LI, Paper::Written, Method::Alipay),
        OrderVerdict::Open(_)
    ));
}

#[test]
fn r27_settling_counts_from_the_deadline_or_from_what_was_asked_before_it() {
    let (mut cashier, _) = payable();
    let claim = |cashier: &Cashier| *cashier.candidate(LI).claims().last().unwrap();
    let deadline = claim(&cashier).state.held_until().unwrap();
    assert_eq!(claim(&cashier).settling_since(deadline - MINUTE), None);
    assert_eq!(claim(&cashier).settling_since(deadline + MINUTE), Some(deadline));
    assert_eq!(claim(&cashier).expires_at(), None);
    cashier.wait(MINUTE);
    cashier.cancel(CET4, LI);
    assert_eq!(
        claim(&cashier).settling_since(deadline + MINUTE),
        Some(cashier.now())
    );
    assert_eq!(claim(&cashier).as_made().attached, None);
}

#[test]
fn r27_a_promoted_claim_has_a_fresh_deadline_and_no_order() {
    let (mut cashier, order) = payable();
    cashier.claim(CET4, WANG, OnFull::Waitlist);
    cashier.wait(hours(1));
    cashier.work_off(order);
    let promoted = cashier.candidate(WANG).claims()[0];
    assert_eq!(
        (promoted.state, promoted.attached),
        (
            ClaimState::Held {
                until: cashier.now() + hours(1)
            },
            None
        )
    );
    assert_eq!(cashier.shows(CET4, LI), "expired");
}

#[test]
fn a_cell_s_events_read_back_whichever_part_they_are_of() {
    let closing = payment::Event::OrderClosing {
        order: OrderId(7),
        candidate: LI,
        why: Why::ClaimLeft,
    };
    let quick_print = registration::Event::QuickPrintSet {
        candidate: LI,
        enabled: false,
    };
    for event in [cell::Event::from(closing), cell::Event::from(quick_print)] {
        assert_eq!(event.candidate(), Some(LI));
        assert_eq!(
            cell::Event::read(event.kind(), &event.payload().unwrap()).unwrap(),
            event
        );
    }
    assert!(cell::Event::read("order_moved", "{}").is_err());
}

#[test]
fn r33_an_order_ends_and_another_takes_its_place_once_all_its_holds_last_longer() {
    let (mut cashier, order) = payable();
    let claim = cashier.town.claim_of(CET4, LI).unwrap();
    let held_until = cashier.now() + minutes(90);
    let extend = Command::Extend {
        claim,
        held_until,
        by: By::Staff("t-1".into()),
        reason: "outage".into(),
    };
    cashier.command(CET4, &extend);
    let li = cashier.candidate(LI);
    assert_eq!(li.orders_to_close().collect::<Vec<_>>(), [(order, Why::Reissued)]);
    assert_eq!(li.to_reissue(order), None, "not before it has ended");
    cashier.follow(LI);
    cashier.wait(minutes(5));
    cashier.work_off(order);
    let anew = Some((Paper::Written, Method::Alipay));
    assert_eq!(cashier.candidate(LI).to_reissue(order), anew);
    let next = cashier.payable(LI, Paper::Written);
    assert_eq!(cashier.order(next).expires_at(), held_until);
    let li = cashier.candidate(LI);
    assert_eq!((li.to_reissue(order), li.orders_to_close().count()), (None, 0));
}
