//! What a candidate may order, and what has to be chosen before (R10, R15, R24, R25, R31).

use kaowei_core::ids::{Fen, OrderId};
use kaowei_core::payment::{self, Method, State, Why};
use kaowei_core::registration::{self, Candidate, OrderVerdict, ScoreReport, ScoreReportChoice};
use kaowei_core::seats::{OnFull, Refusal};
use kaowei_core::sites::{Paper, Sitting};
use kaowei_core::time::Span;

use crate::cashier::{CET4, CET6, Cashier, GRACE, LI, SPEAKING4, minutes, payable};
use crate::town::{enrolled, hours, midnight};

fn sitting(choices_close_at: &str) -> Sitting {
    let text = format!(
        r#"{{"id":"2026-2","name":"考试","choices_close_at":"{choices_close_at}",
            "agreement":{{"version":"2026-1","text":"协议"}},"windows":[],
            "subjects":[{{"code":"1","name":"笔试","paper":"written","language":"en","level":4}},
                        {{"code":"F","name":"口试","paper":"oral","language":"en","level":4,"requires":"1"}}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn r25_the_same_method_finds_the_open_order_and_another_ends_it_first() {
    let (mut cashier, order) = payable();
    let ask = |cashier: &mut Cashier, method| cashier.open(LI, Paper::Written, method);
    assert_eq!(ask(&mut cashier, Method::Alipay), OrderVerdict::Existing(order));
    assert_eq!(
        ask(&mut cashier, Method::WechatPay),
        OrderVerdict::EndFirst(order)
    );
    assert!(matches!(
        cashier.order(order).state(),
        State::Closing {
            why: Why::MethodChanged,
            ..
        }
    ));
    assert_eq!(
        ask(&mut cashier, Method::Alipay),
        OrderVerdict::EndFirst(order),
        "it can't be kept from closing"
    );
    cashier.wait(minutes(5));
    cashier.work_off(order);
    assert!(matches!(
        ask(&mut cashier, Method::WechatPay),
        OrderVerdict::Open(_)
    ));
}

#[test]
fn r25_no_order_is_closed_for_one_that_would_then_be_refused() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.wait(minutes(49) + Span::from_ms(1));
    let order = cashier.payable(LI, Paper::Written);
    let verdict = cashier.open(LI, Paper::Written, Method::WechatPay);
    assert_eq!(
        verdict,
        OrderVerdict::Refused(Refusal::HoldEnding),
        "5 minutes until it closes, 6 must be left then"
    );
    assert!(cashier.order(order).is_open());
}

#[test]
fn r25_written_and_oral_are_paid_apart_and_one_order_pays_both_levels() {
    let mut cashier = Cashier::new(1, 1);
    for desk in [CET4, SPEAKING4, CET6] {
        cashier.claim(desk, LI, OnFull::Reject);
    }
    let order = cashier.payable(LI, Paper::Written);
    assert_eq!(cashier.order(order).amount(), Fen(6_000));
    assert_eq!(
        cashier.open(LI, Paper::Oral, Method::Alipay),
        OrderVerdict::Refused(Refusal::WrittenUnpaid)
    );
    cashier.provider.pay(order, cashier.now());
    cashier.deliver();
    cashier.work_off(order);
    assert!(matches!(
        cashier.open(LI, Paper::Oral, Method::Alipay),
        OrderVerdict::Open(_)
    ));
}

#[test]
fn r25_a_hold_that_is_about_to_end_does_not_keep_the_other_level_from_being_paid() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.wait(minutes(50));
    cashier.claim(CET6, LI, OnFull::Reject);
    cashier.wait(minutes(5));
    let OrderVerdict::Open(opening) = cashier.open(LI, Paper::Written, Method::Alipay) else {
        panic!("CET6 can be paid");
    };
    let subjects: Vec<_> = opening
        .claims
        .iter()
        .map(|ordered| ordered.claim.pool.to_string())
        .collect();
    assert_eq!(subjects, ["991010-2"]);
}

#[test]
fn r24_r25_refusals_come_in_the_contract_s_order() {
    let mut cashier = Cashier::new(1, 1);
    let ask = |cashier: &Cashier, candidate: &Candidate, paper| {
        candidate.may_order(&cashier.ask(paper, Method::Alipay))
    };
    let refused = |refusal| OrderVerdict::Refused(refusal);
    let stranger = Candidate::default();
    assert_eq!(
        ask(&cashier, &stranger, Paper::Written),
        refused(Refusal::AgreementRequired)
    );
    let li = cashier.candidate(LI).clone();
    assert_eq!(ask(&cashier, &li, Paper::Written), refused(Refusal::NothingDue));
    let mut late = cashier.clone();
    late.wait(hours(1_000));
    assert_eq!(ask(&late, &li, Paper::Written), refused(Refusal::PaymentClosed));

    cashier.claim(CET4, LI, OnFull::Reject);
    cashier.claim(SPEAKING4, LI, OnFull::Reject);
    let held = cashier.candidate(LI).clone();
    assert_eq!(ask(&cashier, &held, Paper::Oral), refused(Refusal::WrittenUnpaid));
    let claims = held.claims().to_vec();
    let unchosen = Candidate::restore(
        held.agreed().cloned(),
        held.enrolment().copied(),
        claims,
        held.keys().clone(),
        Vec::new(),
        registration::Choices::default(),
    );
    cashier.wait(minutes(55));
    assert_eq!(
        ask(&cashier, &unchosen, Paper::Written),
        refused(Refusal::ScoreReportMissing)
    );
    assert_eq!(ask(&cashier, &held, Paper::Written), refused(Refusal::HoldEnding));
}

#[test]
fn r10_an_enrolment_is_not_deleted_while_an_order_is_unresolved() {
    let (mut cashier, order) = payable();
    assert_eq!(cashier.delete_enrolment(LI), Err(Refusal::OrderUnresolved(order)));
    cashier.provider.take(order, Fen(1), cashier.now());
    cashier.deliver();
    cashier.work_off(order);
    assert_eq!(
        cashier.delete_enrolment(LI),
        Err(Refusal::OrderUnresolved(order)),
        "money is on its way"
    );
    cashier.wait(minutes(1));
    cashier.work_off(order);
    assert_eq!(cashier.delete_enrolment(LI), Ok(()));
    assert_eq!(cashier.shows(CET4, LI), "removed");
}

#[test]
fn r24_r31_choices_are_made_on_written_subjects_until_they_close() {
    let open = sitting("2027-01-01T00:00:00Z");
    let now = midnight();
    let choice = |subject: &str, choice| ScoreReportChoice {
        subject: subject.parse().unwrap(),
        choice,
    };
    let mut li = enrolled(LI);
    assert!(li.choices().quick_print);
    for form in [ScoreReport::Electronic, ScoreReport::PaperAndElectronic] {
        let chosen = li
            .choose_score_reports(LI, &[choice("1", form)], &open, now)
            .unwrap();
        li.evolve(&chosen, now);
        assert_eq!(li.choices().score_report("1".parse().unwrap()), Some(form));
    }
    let off = li.set_quick_print(LI, false, &open, now).unwrap();
    li.evolve(&off, now);
    assert!(!li.choices().quick_print);
    let oral = [choice("F", ScoreReport::Electronic)];
    assert_eq!(
        li.choose_score_reports(LI, &oral, &open, now),
        Err(Refusal::NotEligible)
    );
    let closed = sitting("2026-01-01T00:00:00Z");
    assert_eq!(
        li.set_quick_print(LI, true, &closed, now),
        Err(Refusal::OutsideWindow)
    );
    let other = [choice("1", ScoreReport::Electronic)];
    assert_eq!(
        li.choose_score_reports(LI, &other, &closed, now),
        Err(Refusal::OutsideWindow)
    );
    let late = enrolled(LI);
    assert!(
        late.choose_score_reports(LI, &other, &closed, now).is_ok(),
        "who was promoted late has not chosen yet, and can't pay before"
    );
    let stranger = Candidate::default();
    assert_eq!(
        stranger.set_quick_print(LI, true, &open, now),
        Err(Refusal::AgreementRequired)
    );
}

#[test]
fn r15_the_key_of_an_order_finds_it_again() {
    let mut cashier = Cashier::new(1, 1);
    cashier.claim(CET4, LI, OnFull::Reject);
    let mut li = cashier.candidate(LI).clone();
    let OrderVerdict::Open(opening) = li.may_order(&cashier.ask(Paper::Written, Method::Alipay)) else {
        panic!("it may be opened");
    };
    let limits = payment::Limits {
        close_after: payment::CLOSE_AFTER,
        grace: GRACE,
    };
    let note = li.note_key(7, 70);
    li.evolve_order(&opening.event(OrderId(5), LI, limits, Some(note)), cashier.now());
    let (_, answer) = li.keys().find(7).unwrap();
    assert_eq!(*answer, registration::KeyAnswer::Ordered(OrderId(5)));
}
