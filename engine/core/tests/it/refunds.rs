//! Money that comes late, twice, wrong or for what is gone, and money that goes back (R13, R28, R29).

use kaowei_core::ids::{Fen, OrderId};
use kaowei_core::payment::{Heard, Method, RefundCause, RefundState, State, Status, Step, Why};
use kaowei_core::registration::OrderVerdict;
use kaowei_core::seats::{OnFull, Refusal};
use kaowei_core::sites::Paper;
use kaowei_core::time::Span;

use crate::cashier::{CET4, Cashier, Fate, LI, SPEAKING4, WANG, bought, minutes, payable};

const MINUTE: Span = Span::from_secs(60);
const FEE: Fen = Fen(3_000);

#[test]
fn r28_money_that_comes_after_all_pays_what_is_still_held_and_goes_back_for_what_is_gone() {
    let (mut cashier, order) = payable();
    cashier.lie(order, Heard::Closed);
    cashier.work_off(order);
    assert_eq!(cashier.shows(CET4, LI), "held");
    cashier.provider.take(order, FEE, cashier.now());
    cashier.deliver();
    cashier.work_off(order);
    assert_eq!(cashier.shows(CET4, LI), "paid");

    let (mut cashier, order) = payable();
    cashier.lie(order, Heard::Closed);
    cashier.work_off(order);
    cashier.cancel(CET4, LI);
    cashier.provider.take(order, FEE, cashier.now());
    cashier.deliver();
    assert_eq!(cashier.order(order).money().pending, 3_000);
    cashier.work_off(order);
    assert_eq!(cashier.order(order).status(), Status::Refunding);
    assert_eq!(cashier.order(order).refunds()[0].cause, RefundCause::ClaimGone);
    cashier.heal();
    assert_eq!(cashier.order(order).status(), Status::Refunded);
    cashier.audit();
}

#[test]
fn r28_a_second_payment_goes_back_in_full_and_the_seat_stays_paid() {
    let (mut cashier, order) = bought();
    cashier.provider.take(order, FEE, cashier.now());
    cashier.deliver();
    assert_eq!(cashier.order(order).refunds()[0].cause, RefundCause::PaidTwice);
    cashier.heal();
    assert_eq!(cashier.shows(CET4, LI), "paid");
    assert_eq!(
        cashier.order(order).status(),
        Status::Paid,
        "part of its money is back"
    );
    assert_eq!(
        (
            cashier.order(order).money().received,
            cashier.order(order).money().refunded
        ),
        (6_000, 3_000)
    );
    cashier.audit();
}

#[test]
fn r28_a_wrong_amount_goes_back_in_full_and_lets_the_hold_go() {
    let (mut cashier, order) = payable();
    cashier.provider.take(order, Fen(1), cashier.now());
    cashier.deliver();
    assert!(matches!(
        cashier.order(order).state(),
        State::Closed {
            why: Why::WrongAmount,
            ..
        }
    ));
    cashier.work_off(order);
    assert_eq!(cashier.shows(CET4, LI), "held");
    let again = cashier.open(LI, Paper::Written, Method::Alipay);
    assert!(
        matches!(again, OrderVerdict::Open(_)),
        "its money is on its way; the seat can be paid"
    );
    cashier.heal();
    assert_eq!(cashier.order(order).status(), Status::Refunded);
    cashier.audit();
}

#[test]
fn r28_two_methods_for_one_claim_settle_it_once() {
    let (mut cashier, first) = payable();
    cashier.wait(minutes(5));
    cashier.open(LI, Paper::Written, Method::WechatPay);
    cashier.work_off(first);
    let OrderVerdict::Open(_) = cashier.open(LI, Paper::Written, Method::WechatPay) else {
        panic!("the first has ended");
    };
    let second = OrderId(2);
    cashier.work_off(second);
    // The first provider takes the money although it has said that it closed the order.
    cashier.provider.take(first, FEE, cashier.now());
    cashier.deliver();
    cashier.work_off(first);
    assert_eq!(cashier.shows(CET4, LI), "paid");
    assert!(!cashier.order(second).is_open(), "nobody is to pay it any more");
    cashier.provider.pay(second, cashier.now());
    cashier.heal();
    assert_eq!(cashier.order(first).status(), Status::Paid);
    assert_eq!(cashier.order(second).refunds()[0].cause, RefundCause::PaidTwice);
    assert_eq!(cashier.order(second).status(), Status::Refunded);
    cashier.audit();
}

#[test]
fn r28_a_refund_that_failed_is_asked_again_under_the_same_id_and_goes_back_once() {
    let (mut cashier, order) = bought();
    cashier.provider.take(order, FEE, cashier.now());
    cashier.provider.lies_about_refund = true;
    cashier.deliver();
    let refund = cashier.order(order).refunds()[0].id;
    assert_eq!(refund.to_string(), "0000000000000001r1");
    assert_eq!(cashier.work(order, Fate::Done), Step::Refund(refund));
    assert_eq!(cashier.refund_states(), [RefundState::Due { failures: 1 }]);
    assert_eq!(
        cashier.next_step(order),
        Step::Nothing {
            until: Some(cashier.now() + MINUTE)
        }
    );
    cashier.heal();
    assert_eq!(cashier.refund_states(), [RefundState::Done]);
    cashier.audit();
}

#[test]
fn r28_a_refund_that_stays_unanswered_does_not_hold_up_another() {
    let (mut cashier, order) = bought();
    cashier.provider.take(order, FEE, cashier.now());
    cashier.provider.take(order, FEE, cashier.now());
    cashier.deliver();
    cashier.provider.down = true;
    let mut tried = Vec::new();
    for _ in 0..4 {
        cashier.wait(MINUTE);
        tried.push(cashier.work(order, Fate::Done));
    }
    let [one, other] = [0, 1].map(|n| Step::Refund(cashier.order(order).refunds()[n].id));
    assert_eq!(tried, [one, other, one, other]);
}

#[test]
fn r29_staff_refund_takes_the_seat_back_first_and_only_once() {
    let (mut cashier, order) = bought();
    let claim = cashier.order(order).claims()[0].claim;
    cashier.claim(CET4, WANG, OnFull::Waitlist);
    assert_eq!(cashier.staff_refund(order, claim), Ok(()));
    assert_eq!(cashier.staff_refund(order, claim), Err(Refusal::AlreadyGone));
    assert_eq!(
        cashier.order(order).money().settled,
        3_000,
        "the seat is still his"
    );
    let refund = cashier.order(order).refunds()[0].id;
    assert_eq!(cashier.work(order, Fate::CutOff), Step::TakeBack(refund));
    assert_eq!(
        (cashier.shows(CET4, LI), cashier.shows(CET4, WANG)),
        ("refunded".into(), "held".into())
    );
    cashier.crash();
    assert_eq!(cashier.work(order, Fate::Done), Step::TakeBack(refund));
    assert_eq!(cashier.work(order, Fate::Done), Step::Refund(refund));
    cashier.heal();
    assert_eq!(cashier.order(order).status(), Status::Refunded);
    cashier.audit();
}

#[test]
fn r29_an_oral_seat_is_refunded_before_its_written_one() {
    let (mut cashier, written) = bought();
    let oral = cashier.buy(SPEAKING4, Paper::Oral);
    let of = |cashier: &Cashier, order| cashier.order(order).claims()[0].claim;
    let (written_claim, oral_claim) = (of(&cashier, written), of(&cashier, oral));
    assert_eq!(
        cashier.staff_refund(written, written_claim),
        Err(Refusal::OralPaid(oral_claim))
    );
    assert_eq!(
        cashier.staff_refund(written, oral_claim),
        Err(Refusal::UnknownClaim)
    );
    assert_eq!(cashier.staff_refund(oral, oral_claim), Ok(()));
    cashier.work_off(oral);
    assert_eq!(cashier.staff_refund(written, written_claim), Ok(()));
    cashier.heal();
    assert_eq!(
        (cashier.shows(CET4, LI), cashier.shows(SPEAKING4, LI)),
        ("refunded".into(), "refunded".into())
    );
    cashier.audit();
}

#[test]
fn r29_what_is_not_paid_is_not_refunded() {
    let (mut cashier, order) = payable();
    let claim = cashier.order(order).claims()[0].claim;
    assert_eq!(cashier.staff_refund(order, claim), Err(Refusal::NothingDue));
    assert_eq!(
        cashier.candidate(LI).may_refund(OrderId(9), claim),
        Err(Refusal::UnknownClaim)
    );
}

#[test]
fn r13_an_oral_seat_paid_while_its_written_one_went_is_refunded_by_itself() {
    let (mut cashier, written) = bought();
    cashier.claim(SPEAKING4, LI, OnFull::Reject);
    let oral = cashier.payable(LI, Paper::Oral);
    let claim = cashier.order(written).claims()[0].claim;
    cashier.staff_refund(written, claim).unwrap();
    cashier.work_off(written);
    assert_eq!(cashier.shows(SPEAKING4, LI), "held, settling");
    cashier.provider.pay(oral, cashier.now());
    cashier.heal();
    assert_eq!(cashier.shows(SPEAKING4, LI), "refunded");
    assert_eq!(
        cashier.order(oral).refunds()[0].cause,
        RefundCause::WithoutWritten
    );
    cashier.audit();
}
