//! Orders in the engine (R24–R29): whatever the provider does, every fen is settled, back or on its way, and no seat goes
//! that can still be paid.

use kaowei_core::ids::{ClaimId, OrderId, RefundId};
use kaowei_core::payment::{Method, Order, RefundHeard, RefundState, State, Status, Why};
use kaowei_core::registration::{ScoreReport, ScoreReportChoice};
use kaowei_core::seats::{OnFull, Refusal};
use kaowei_core::sites::Paper;
use kaowei_core::time::Span;
use kaowei_engine::{
    Account, Behaviour, Denied, Engine, Notification, OrderAnswer, OrderRequest, Outcome, Provider,
    RefundBill, RefundManner, Says, Unheard,
};
use kaowei_tests::engine::{Place, ask, enrolled, eventually, staff, states};
use kaowei_tests::on_both_stores;

on_both_stores! {
    r26_a_claim_is_paid_by_the_provider_s_word_alone
    r26_an_order_that_hears_nothing_is_queried
    r25_asking_again_returns_the_order_and_its_key_finds_it
    r24_r25_an_order_is_refused_in_the_documented_order
    r17_a_cancellation_waits_until_the_order_is_closed
    r17_who_pays_after_cancelling_has_paid
    r16_r25_r27_the_limits_of_a_day_six_and_five_minutes_hold_to_the_second
    r27_a_hold_past_its_deadline_stays_until_the_provider_has_answered
    r27_a_provider_that_is_slow_keeps_nobody_waiting_but_its_order
    r28_money_that_comes_twice_or_wrong_goes_back
    r28_money_for_a_seat_that_is_gone_goes_back
    r29_staff_refund_oral_before_written
    r28_a_refund_that_is_asked_for_again_is_the_same_refund
    r33_an_order_whose_holds_got_more_time_is_opened_anew
    r10_an_enrolment_with_an_open_order_stays
    r26_a_notification_that_is_forged_is_refused
    an_order_goes_on_after_a_restart
}

const PAYS: Outcome = Outcome {
    paid: true,
    times: None,
    delay_ms: None,
    amount: None,
    silent: false,
    anyway: false,
};

fn request(paper: Paper) -> OrderRequest {
    OrderRequest {
        paper,
        method: Method::Sandbox,
        key: None,
    }
}

async fn choose(engine: &Engine, account: Account) {
    let choice = ScoreReportChoice {
        subject: "1".parse().expect("a subject's code"),
        choice: ScoreReport::Electronic,
    };
    let chosen = engine.choose_score_reports(account, vec![choice]).await;
    chosen.expect("the choice is kept");
}

/// Student `n` holds a written seat and has chosen.
async fn holding(engine: &Engine, n: u32) -> (Account, ClaimId) {
    let account = enrolled(engine, n).await;
    let claim = engine.claim(account, ask("991010-1", OnFull::Waitlist)).await;
    let claim = claim.expect("the claim is made").claim.standing.id;
    choose(engine, account).await;
    (account, claim)
}

async fn open(engine: &Engine, account: Account, paper: Paper) -> OrderId {
    match engine.open_order(account, request(paper)).await {
        Ok(OrderAnswer::Created(order)) => {
            assert!(matches!(order.state(), State::Payable { .. }), "{order:?}");
            order.id()
        }
        other => panic!("no order is opened: {other:?}"),
    }
}

async fn pay(engine: &Engine, order: OrderId, outcome: Outcome) {
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    sandbox.pay(order, outcome).await.expect("the cashier takes it");
}

async fn behave(engine: &Engine, behaviour: Behaviour) {
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    sandbox.behave(behaviour).await.expect("it is told");
}

fn order(engine: &Engine, account: Account, id: OrderId) -> Order {
    engine.order(account, id).expect("the order is there")
}

/// Waits until an order shows that status, looking at the clock meanwhile.
async fn until(engine: &Engine, account: Account, id: OrderId, status: Status) {
    eventually(status.as_str(), async || {
        engine.look_at_the_clock();
        let order = order(engine, account, id);
        order.status() == status && (status == Status::Refunding || !order.is_unresolved())
    })
    .await;
}

/// The books of an order and of the sandbox agree, and so do tables and journal.
async fn audit(engine: &Engine, accounts: &[Account]) {
    let (mut received, mut refunded) = (0, 0);
    for account in accounts {
        for order in engine.orders(*account).expect("the engine answers") {
            order.check().expect("the books agree");
            let money = order.money();
            assert_eq!(money.pending, 0, "{order:?}");
            received += money.received;
            refunded += money.refunded;
        }
    }
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    let (taken, given_back) = sandbox.money().await.expect("it has books");
    assert_eq!((received, refunded), (taken, given_back));
    engine.verify_tables().await.expect("tables and journal agree");
}

fn advance(place: &Place, engine: &Engine, seconds: u32) {
    place.clock.advance(Span::from_secs(seconds));
    engine.look_at_the_clock();
}

async fn r26_a_claim_is_paid_by_the_provider_s_word_alone(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, claim) = holding(&engine, 0).await;
    let id = open(&engine, account, Paper::Written).await;
    assert_eq!(states(&engine, account), ["held"]);
    pay(&engine, id, PAYS).await;
    until(&engine, account, id, Status::Paid).await;
    let view = engine
        .claim_by_id(account, claim)
        .await
        .expect("the claim is there");
    assert_eq!(view.standing.state.paid_by(), Some(id));
    assert_eq!(
        engine.open_order(account, request(Paper::Written)).await,
        Err(Denied::Refused(Refusal::NothingDue))
    );
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r26_an_order_that_hears_nothing_is_queried(place: Place) {
    let engine = place.open_with(2, 2).await;
    let (li, _) = holding(&engine, 0).await;
    let id = open(&engine, li, Paper::Written).await;
    let silent = Outcome { silent: true, ..PAYS };
    pay(&engine, id, silent).await;
    advance(&place, &engine, 15);
    until(&engine, li, id, Status::Paid).await;

    // Who comes back from the cashier need not wait for that.
    let (wang, _) = holding(&engine, 1).await;
    let id = open(&engine, wang, Paper::Written).await;
    pay(&engine, id, silent).await;
    let refreshed = engine
        .refresh_order(wang, id)
        .await
        .expect("the provider answers");
    assert_eq!(refreshed.status(), Status::Paid);
    assert_eq!(states(&engine, wang), ["paid"]);
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r25_asking_again_returns_the_order_and_its_key_finds_it(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, _) = holding(&engine, 0).await;
    let keyed = |key| OrderRequest {
        key: Some(kaowei_engine::KeyHashes { key, body: 7 }),
        ..request(Paper::Written)
    };
    let Ok(OrderAnswer::Created(first)) = engine.open_order(account, keyed(1)).await else {
        panic!("no order is opened");
    };
    let again = engine.open_order(account, keyed(1)).await;
    assert_eq!(again, Ok(OrderAnswer::Created(first.clone())));
    let other_key = engine.open_order(account, keyed(2)).await;
    assert_eq!(other_key, Ok(OrderAnswer::Existing(first.clone())));
    let no_key = engine.open_order(account, request(Paper::Written)).await;
    assert_eq!(no_key, Ok(OrderAnswer::Existing(first.clone())));
    let other_body = OrderRequest {
        key: Some(kaowei_engine::KeyHashes { key: 1, body: 8 }),
        ..request(Paper::Written)
    };
    assert_eq!(
        engine.open_order(account, other_body).await,
        Err(Denied::IdempotencyMismatch)
    );
    assert_eq!(engine.orders(account).expect("the engine answers").len(), 1);
    pay(&engine, first.id(), PAYS).await;
    until(&engine, account, first.id(), Status::Paid).await;
    for (key, made) in [(1, true), (2, false)] {
        let found = match engine.open_order(account, keyed(key)).await {
            Ok(OrderAnswer::Created(order)) if made => order,
            Ok(OrderAnswer::Existing(order)) if !made => order,
            other => panic!("{other:?}"),
        };
        assert_eq!(found.id(), first.id());
    }
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r24_r25_an_order_is_refused_in_the_documented_order(place: Place) {
    let engine = place.open_with(1, 1).await;
    let account = enrolled(&engine, 0).await;
    let refused = async |paper, refusal| {
        let answer = engine.open_order(account, request(paper)).await;
        assert_eq!(answer, Err(Denied::Refused(refusal)));
    };
    refused(Paper::Written, Refusal::NothingDue).await;
    for pool in ["991010-1", "991010-F"] {
        let claim = engine.claim(account, ask(pool, OnFull::Reject)).await;
        claim.expect("the claim is made");
    }
    refused(Paper::Oral, Refusal::WrittenUnpaid).await;
    refused(Paper::Written, Refusal::ScoreReportMissing).await;
    choose(&engine, account).await;
    advance(&place, &engine, 86_400 - 359);
    refused(Paper::Written, Refusal::HoldEnding).await;
    let by_alipay = OrderRequest {
        method: Method::Alipay,
        ..request(Paper::Written)
    };
    let answer = engine.open_order(account, by_alipay).await;
    assert!(matches!(answer, Err(Denied::Invalid(_))), "{answer:?}");
    engine.close().await;
}

async fn r17_a_cancellation_waits_until_the_order_is_closed(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, claim) = holding(&engine, 0).await;
    let (wang, _) = holding(&engine, 1).await;
    assert_eq!(states(&engine, wang), ["waiting"]);
    let id = open(&engine, li, Paper::Written).await;
    let cancelled = engine.cancel(li, claim, None).await.expect("it is taken");
    assert!(cancelled.settling_since.is_some(), "{cancelled:?}");
    assert_eq!(states(&engine, li), ["held"]);
    let settling = engine.settling(&staff()).expect("the engine answers");
    assert_eq!(settling.len(), 1);
    assert_eq!((settling[0].claim.standing.id, settling[0].order), (claim, id));

    // A provider closes no order that is younger than 5 minutes.
    advance(&place, &engine, 301);
    until(&engine, li, id, Status::Closed).await;
    assert_eq!(states(&engine, li), ["cancelled"]);
    assert_eq!(states(&engine, wang), ["held"]);
    assert!(engine.settling(&staff()).expect("the engine answers").is_empty());
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    assert!(sandbox.pay(id, PAYS).await.is_err(), "nobody can pay it any more");
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r17_who_pays_after_cancelling_has_paid(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, claim) = holding(&engine, 0).await;
    let id = open(&engine, account, Paper::Written).await;
    engine.cancel(account, claim, None).await.expect("it is taken");
    pay(&engine, id, PAYS).await;
    until(&engine, account, id, Status::Paid).await;
    assert_eq!(states(&engine, account), ["paid"]);
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r16_r25_r27_the_limits_of_a_day_six_and_five_minutes_hold_to_the_second(place: Place) {
    let engine = place.open_with(2, 2).await;
    let (li, claim) = holding(&engine, 0).await;
    let (wang, _) = holding(&engine, 1).await;
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    advance(&place, &engine, 86_400 - 360);
    let id = open(&engine, li, Paper::Written).await;
    assert_eq!(
        order(&engine, li, id).expires_at(),
        engine.now() + Span::from_secs(360)
    );
    engine.cancel(li, claim, None).await.expect("it is taken");
    advance(&place, &engine, 1);
    assert_eq!(
        engine.open_order(wang, request(Paper::Written)).await,
        Err(Denied::Refused(Refusal::HoldEnding))
    );
    advance(&place, &engine, 298);
    let refreshed = engine.refresh_order(li, id).await.expect("the provider answers");
    assert_eq!(refreshed.status(), Status::Open);
    let bill = sandbox.bill(id).await.expect("there is a bill");
    assert!(bill.payable, "it is 4 minutes and 59 seconds old");
    advance(&place, &engine, 1);
    until(&engine, li, id, Status::Closed).await;
    assert_eq!(states(&engine, li), ["cancelled"]);
    advance(&place, &engine, 59);
    engine.verify_tables().await.expect("tables and journal agree");
    assert_eq!(states(&engine, wang), ["held"], "a second is left");
    advance(&place, &engine, 1);
    eventually("the hold expires", async || {
        engine.look_at_the_clock();
        states(&engine, wang) == ["expired"]
    })
    .await;
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r27_a_hold_past_its_deadline_stays_until_the_provider_has_answered(place: Place) {
    let engine = place.open_with(2, 2).await;
    let (li, _) = holding(&engine, 0).await;
    let (wang, _) = holding(&engine, 1).await;
    let (of_li, of_wang) = (
        open(&engine, li, Paper::Written).await,
        open(&engine, wang, Paper::Written).await,
    );
    pay(&engine, of_li, Outcome { silent: true, ..PAYS }).await;
    behave(
        &engine,
        Behaviour {
            down: true,
            ..Behaviour::default()
        },
    )
    .await;
    advance(&place, &engine, 86_401);
    eventually("both are settling", async || {
        engine.look_at_the_clock();
        engine.settling(&staff()).expect("the engine answers").len() == 2
    })
    .await;
    assert_eq!(
        engine.refresh_order(li, of_li).await,
        Err(Denied::Failed(kaowei_engine::Failure::ProviderUnavailable))
    );
    assert_eq!(states(&engine, li), ["held"]);
    assert_eq!(states(&engine, wang), ["held"]);

    behave(&engine, Behaviour::default()).await;
    advance(&place, &engine, 61);
    until(&engine, li, of_li, Status::Paid).await;
    until(&engine, wang, of_wang, Status::Closed).await;
    assert_eq!(states(&engine, li), ["paid"]);
    assert_eq!(states(&engine, wang), ["expired"]);
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r27_a_provider_that_is_slow_keeps_nobody_waiting_but_its_order(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, claim) = holding(&engine, 0).await;
    // Longer than the candidate is kept waiting, shorter than the provider may take.
    let slow = Behaviour {
        slow_ms: 6_000,
        ..Behaviour::default()
    };
    behave(&engine, slow).await;
    let id = match engine.open_order(li, request(Paper::Written)).await {
        Ok(OrderAnswer::Created(order)) => order.id(),
        other => panic!("no order is opened: {other:?}"),
    };
    let (wang, _) = holding(&engine, 1).await;
    let cancelled = engine.cancel(li, claim, None).await.expect("it is taken");
    assert!(cancelled.settling_since.is_some(), "{cancelled:?}");
    assert!(
        matches!(order(&engine, li, id).state(), State::Placed { .. }),
        "all this took less time than the provider takes to make the order"
    );
    assert_eq!(
        (states(&engine, li), states(&engine, wang)),
        (vec!["held"], vec!["waiting"])
    );

    behave(&engine, Behaviour::default()).await;
    // The order is at the provider once the slow answer is there.
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    eventually("it is made", async || sandbox.bill(id).await.is_ok()).await;
    advance(&place, &engine, 301);
    until(&engine, li, id, Status::Closed).await;
    assert_eq!(
        (states(&engine, li), states(&engine, wang)),
        (vec!["cancelled"], vec!["held"])
    );
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r28_money_that_comes_twice_or_wrong_goes_back(place: Place) {
    let engine = place.open_with(2, 2).await;
    let (li, _) = holding(&engine, 0).await;
    let id = open(&engine, li, Paper::Written).await;
    let twice = Outcome {
        times: Some(3),
        ..PAYS
    };
    pay(&engine, id, twice).await;
    until(&engine, li, id, Status::Paid).await;
    let anyway = Outcome { anyway: true, ..PAYS };
    pay(&engine, id, anyway).await;
    eventually("the second payment is back", async || {
        engine.look_at_the_clock();
        order(&engine, li, id).money().refunded == 1
    })
    .await;
    assert_eq!(states(&engine, li), ["paid"]);

    let (wang, _) = holding(&engine, 1).await;
    let id = open(&engine, wang, Paper::Written).await;
    let wrong = Outcome {
        amount: Some(kaowei_core::ids::Fen(7)),
        ..PAYS
    };
    pay(&engine, id, wrong).await;
    until(&engine, wang, id, Status::Refunded).await;
    assert_eq!(states(&engine, wang), ["held"], "the seat is as it was");
    open(&engine, wang, Paper::Written).await;
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r28_money_for_a_seat_that_is_gone_goes_back(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, claim) = holding(&engine, 0).await;
    let id = open(&engine, account, Paper::Written).await;
    // The provider says that it has closed the order, and takes money for it all the same.
    behave(
        &engine,
        Behaviour {
            says: Some(Says::Closed),
            refunds: RefundManner::Pending,
            ..Behaviour::default()
        },
    )
    .await;
    engine.cancel(account, claim, None).await.expect("it is taken");
    advance(&place, &engine, 301);
    until(&engine, account, id, Status::Closed).await;
    assert_eq!(states(&engine, account), ["cancelled"]);
    pay(&engine, id, PAYS).await;
    eventually("the provider has taken the refund", async || {
        let order = order(&engine, account, id);
        let mut refunds = order.refunds().iter();
        refunds.any(|refund| matches!(refund.state, RefundState::Sent { .. }))
    })
    .await;
    assert_eq!(order(&engine, account, id).status(), Status::Refunding);
    behave(&engine, Behaviour::default()).await;
    advance(&place, &engine, 3_600);
    until(&engine, account, id, Status::Refunded).await;
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r28_a_refund_that_is_asked_for_again_is_the_same_refund(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (li, _) = holding(&engine, 0).await;
    let id = open(&engine, li, Paper::Written).await;
    pay(&engine, id, PAYS).await;
    until(&engine, li, id, Status::Paid).await;
    let paid = order(&engine, li, id);
    let State::Paid { trade, .. } = paid.state() else {
        panic!("{paid:?}")
    };
    let bill = RefundBill {
        refund: RefundId { order: id, number: 1 },
        trade: trade.clone(),
        amount: paid.amount(),
        received: paid.amount(),
        reason: "staff".into(),
    };
    let pending = Behaviour {
        refunds: RefundManner::Pending,
        ..Behaviour::default()
    };
    behave(&engine, pending).await;
    let sandbox = engine.sandbox().expect("the sandbox is set up");
    assert_eq!(sandbox.refund(&bill).await, Ok(RefundHeard::Pending));
    // The answer got lost, and meanwhile it went through.
    behave(&engine, Behaviour::default()).await;
    assert_eq!(sandbox.refund(&bill).await, Ok(RefundHeard::Done));
    assert_eq!(sandbox.refund(&bill).await, Ok(RefundHeard::Done));
    let twice = RefundBill {
        refund: RefundId { order: id, number: 2 },
        ..bill
    };
    assert_eq!(
        sandbox.refund(&twice).await,
        Ok(RefundHeard::Failed),
        "never more than came"
    );
    engine.close().await;
}

async fn r29_staff_refund_oral_before_written(place: Place) {
    let engine = place.open_with(2, 1).await;
    let (li, _) = holding(&engine, 0).await;
    let (wang, _) = holding(&engine, 1).await;
    let oral = engine.claim(li, ask("991010-F", OnFull::Reject)).await;
    oral.expect("the claim is made");
    let mut orders = Vec::new();
    for paper in [Paper::Written, Paper::Oral] {
        let id = open(&engine, li, paper).await;
        pay(&engine, id, PAYS).await;
        until(&engine, li, id, Status::Paid).await;
        orders.push(id);
    }
    let refund = async |id, reason: &'static str| engine.refund_order(&staff(), id, None, reason).await;
    assert!(matches!(
        refund(orders[0], "fault").await,
        Err(Denied::Refused(Refusal::OralPaid(_)))
    ));
    assert!(matches!(refund(orders[1], "").await, Err(Denied::Invalid(_))));
    for id in [orders[1], orders[0]] {
        refund(id, "fault").await.expect("it is taken");
        until(&engine, li, id, Status::Refunded).await;
        assert_eq!(
            refund(id, "fault").await,
            Err(Denied::Refused(Refusal::NothingDue)),
            "once"
        );
    }
    assert_eq!(states(&engine, li), ["refunded", "refunded"]);
    assert_eq!(
        states(&engine, wang),
        ["held"],
        "the seat went to the head of the queue"
    );
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

async fn r33_an_order_whose_holds_got_more_time_is_opened_anew(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, _) = holding(&engine, 0).await;
    let first = open(&engine, account, Paper::Written).await;
    engine.close().await;
    // Down when the hold fell due: it gets its time back (1.4).
    place.clock.advance(Span::from_secs(2 * 86_400));
    let engine = place.open().await;
    eventually("another order is open", async || {
        engine.look_at_the_clock();
        engine.orders(account).expect("the engine answers").len() == 2
    })
    .await;
    let orders = engine.orders(account).expect("the engine answers");
    assert_eq!(orders[0].id(), first);
    assert!(
        matches!(
            orders[0].state(),
            State::Closed {
                why: Why::Reissued | Why::Expired,
                ..
            }
        ),
        "{:?}",
        orders[0]
    );
    assert!(orders[1].expires_at() > engine.now());
    let id = orders[1].id();
    eventually("it can be paid", async || {
        matches!(order(&engine, account, id).state(), State::Payable { .. })
    })
    .await;
    pay(&engine, id, PAYS).await;
    until(&engine, account, id, Status::Paid).await;
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r10_an_enrolment_with_an_open_order_stays(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, claim) = holding(&engine, 0).await;
    let id = open(&engine, account, Paper::Written).await;
    assert_eq!(
        engine.delete_enrolment(account).await,
        Err(Denied::Refused(Refusal::OrderUnresolved(id)))
    );
    engine.cancel(account, claim, None).await.expect("it is taken");
    advance(&place, &engine, 301);
    until(&engine, account, id, Status::Closed).await;
    engine
        .delete_enrolment(account)
        .await
        .expect("nothing stands in the way");
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn r26_a_notification_that_is_forged_is_refused(place: Place) {
    let engine = place.open_with(1, 1).await;
    let (account, _) = holding(&engine, 0).await;
    let id = open(&engine, account, Paper::Written).await;
    let body = format!(
        "{{\"merchant\":\"kaowei\",\"order\":\"{id}\",\"trade\":\"t\",\"amount_fen\":1,\"paid_at\":1790000000000}}"
    );
    let forged = "00".repeat(32);
    let headers = [
        ("sandbox-timestamp", "1790000000000"),
        ("sandbox-signature", forged.as_str()),
    ];
    let notification = Notification {
        headers: &headers,
        body: body.as_bytes(),
    };
    let heard = engine.notified(Method::Sandbox, &notification).await;
    assert!(matches!(heard, Err(Unheard::NotVerified(_))), "{heard:?}");
    let unknown = engine.notified(Method::Alipay, &notification).await;
    assert_eq!(unknown, Err(Unheard::NoProvider));
    assert_eq!(states(&engine, account), ["held"]);
    audit(&engine, &[account]).await;
    engine.close().await;
}

async fn an_order_goes_on_after_a_restart(place: Place) {
    let engine = place.open_with(2, 2).await;
    let (li, _) = holding(&engine, 0).await;
    let (wang, claim) = holding(&engine, 1).await;
    let of_li = open(&engine, li, Paper::Written).await;
    let of_wang = open(&engine, wang, Paper::Written).await;
    pay(&engine, of_li, Outcome { silent: true, ..PAYS }).await;
    engine.cancel(wang, claim, None).await.expect("it is taken");
    audit_open(&engine).await;
    engine.close().await;

    place.clock.advance(Span::from_secs(301));
    let engine = place.open().await;
    until(&engine, li, of_li, Status::Paid).await;
    until(&engine, wang, of_wang, Status::Closed).await;
    assert_eq!(states(&engine, li), ["paid"]);
    assert_eq!(states(&engine, wang), ["cancelled"]);
    audit(&engine, &[li, wang]).await;
    engine.close().await;
}

/// What an order attaches to claims is in the tables too, while it is open.
async fn audit_open(engine: &Engine) {
    engine.verify_tables().await.expect("tables and journal agree");
}
