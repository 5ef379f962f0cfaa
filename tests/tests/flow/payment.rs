//! From the choice of the score report to "paid", step by step as the flow numbers them (S18–S25), and what candidates,
//! providers and staff are refused on the way (R24–R29, R31).

use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Server};
use serde_json::{Value, json};

on_both_stores! {
    s18_who_waited_is_promoted_and_has_a_day_to_pay
    s19_to_s25_score_report_order_cashier_paid
    s19_s20_r31_choices_are_made_on_written_subjects_until_they_close
    s21_r25_what_can_t_be_ordered_is_refused_in_the_documented_order
    s21_s22_s23_what_is_due_is_shown_by_paper_and_ordered_as_shown
    s24_the_cashier_is_a_page_in_both_languages
    r30_s27_the_page_leads_from_the_held_seat_to_paid
    s25_r26_who_comes_back_unheard_asks_for_the_true_state
    r17_cancelling_with_an_open_order_is_202_until_the_provider_has_closed_it
    r26_forged_notifications_are_400_and_counted
    r26_notifications_that_come_late_often_and_out_of_order_pay_once
    r27_a_provider_that_is_down_loses_neither_seat_nor_money
    r28_r29_refunds_are_shown_until_they_are_done
    orders_are_exported_below_the_scope
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("it has an id").to_owned()
}

/// Waits until an order shows that state.
async fn until(server: &Server<'_>, who: &Client, order: &str, state: &str) -> Value {
    eventually(state, async || {
        server.engine.look_at_the_clock();
        who.get(&format!("/v1/orders/{order}")).await.expect(200)["state"] == state
    })
    .await;
    who.get(&format!("/v1/orders/{order}")).await.expect(200)
}

async fn s18_who_waited_is_promoted_and_has_a_day_to_pay(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let claim = li.hold("991010-2").await;
    wang.queue("991010-2").await;
    wang.choose("2").await;
    wang.order("written").await.refused(409, "nothing_due");
    server.advance(Span::from_secs(3_600));
    li.cancel(&claim).await.expect(200);
    let order = wang.payable("written").await;
    assert_eq!(order["expires_at"], "2026-09-22T15:13:20.000Z");
    wang.pay(&id(&order), &json!({"outcome": "paid"}))
        .await
        .expect(200);
    until(&server, &wang, &id(&order), "paid").await;
    assert_eq!(wang.states().await, ["paid"]);
    server.finish().await;
}

async fn s19_to_s25_score_report_order_cashier_paid(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let (written, oral) = (li.hold("991010-1").await, li.hold("991010-F").await);
    // S19, S20
    li.order("written").await.refused(409, "score_report_missing");
    let choices = json!({"choices": [{"subject": "1", "choice": "paper_and_electronic"}]});
    let chosen = li.put("/v1/enrolment/score-reports", &choices).await.expect(200);
    assert_eq!(
        chosen,
        json!({"score_reports": choices["choices"], "quick_print": true})
    );
    // S21, S22: the oral one can be paid only afterwards.
    li.order("oral").await.refused(409, "written_unpaid");
    // S23
    let order = li.order("written").key("once").await.expect(201);
    assert_eq!(
        (&order["claims"], &order["amount_fen"], &order["state"]),
        (&json!([written]), &json!(3000), &json!("open"))
    );
    assert_eq!(order["expires_at"], "2026-09-22T14:13:20.000Z");
    assert_eq!(li.order("written").key("once").await.expect(201), order);
    assert_eq!(li.order("written").await.expect(200), order);
    let shown = li.get(&format!("/v1/claims/{written}")).await.expect(200);
    assert_eq!(
        (&shown["order"], &shown["settling"], &shown["paid_at"]),
        (&order["id"], &json!(false), &Value::Null)
    );
    // S24, S25: the provider's page, where the candidate tries in vain, and then pays.
    let order = id(&order);
    let failed = li.pay(&order, &json!({"outcome": "failed"})).await.expect(200);
    assert_eq!(
        (&failed["paid"], &failed["payable"]),
        (&json!(false), &json!(true))
    );
    let paid = li
        .pay(&order, &json!({"outcome": "paid", "times": 2}))
        .await
        .expect(200);
    assert_eq!(paid["paid"], true);
    let paid = until(&server, &li, &order, "paid").await;
    assert_eq!(paid["paid_at"], "2026-09-21T14:13:20.000Z");
    let shown = li.get(&format!("/v1/claims/{written}")).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["order"], &shown["paid_at"]),
        (&json!("paid"), &json!(order), &json!("2026-09-21T14:13:20.000Z"))
    );
    li.order("written").await.refused(409, "nothing_due");
    li.cancel(&written).await.refused(409, "already_paid");
    li.delete("/v1/enrolment").await.refused(409, "already_paid");

    let order = id(&li.payable("oral").await);
    li.pay(&order, &json!({"outcome": "paid"})).await.expect(200);
    until(&server, &li, &order, "paid").await;
    let page = li.get("/v1/enrolment").await.expect(200);
    let steps = page["progress"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["state"] == "done"), "{page}");
    assert_eq!(page["orders"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&page["due"], &page["claims"][1]["id"]),
        (&json!([]), &json!(oral))
    );
    server.finish().await;
}

async fn s19_s20_r31_choices_are_made_on_written_subjects_until_they_close(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    let print = json!({"enabled": false});
    let set = async || li.put("/v1/enrolment/quick-print", &print).await;
    set().await.refused(403, "agreement_required");
    li.agree().await;
    set().await.refused(409, "not_enrolled");
    li.enrol_again().await;
    let choose = async |choices: Value| {
        let body = json!({"choices": choices});
        li.put("/v1/enrolment/score-reports", &body).await
    };
    choose(json!([{"subject": "F", "choice": "electronic"}]))
        .await
        .refused(403, "not_eligible");
    choose(json!([])).await.refused(422, "invalid_request");
    choose(json!([{"subject": "1", "choice": "spoken"}]))
        .await
        .refused(422, "invalid_request");
    let both = json!([{"subject": "2", "choice": "electronic"}, {"subject": "1", "choice": "electronic"}]);
    choose(both).await.expect(200);
    let again = json!([{"subject": "1", "choice": "paper_and_electronic"}]);
    choose(again).await.expect(200);
    let all = set().await.expect(200);
    let reports = json!([
        {"subject": "1", "choice": "paper_and_electronic"},
        {"subject": "2", "choice": "electronic"},
    ]);
    assert_eq!(all, json!({"score_reports": reports, "quick_print": false}));
    let server = server.restart().await;
    let li = server.candidate(0);
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(page["choices"], all);
    li.hold("991010-1").await;
    server.advance(Span::from_secs(80 * 86_400));
    eventually("the enrolment goes with its claim's end", async || {
        li.get("/v1/enrolment").await.status == 409
    })
    .await;
    server.finish().await;
}

async fn s21_r25_what_can_t_be_ordered_is_refused_in_the_documented_order(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    li.order("written").await.refused(403, "agreement_required");
    li.agree().await;
    li.order("written").await.refused(409, "not_enrolled");
    li.enrol_again().await;
    li.order("written").await.refused(409, "nothing_due");
    let by = async |method: &str| {
        let body = json!({"paper": "written", "method": method});
        li.post("/v1/orders", &body).await
    };
    let refused = by("alipay").await.refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/method");
    by("cash").await.refused(422, "invalid_request");
    li.hold("991010-1").await;
    li.choose("1").await;
    server.advance(Span::from_secs(86_400 - 359));
    li.order("written").await.refused(409, "hold_ending");
    let unknown = li.get("/v1/orders/0000000000000001").await;
    unknown.refused(404, "not_found");
    server.finish().await;
}

async fn s21_s22_s23_what_is_due_is_shown_by_paper_and_ordered_as_shown(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let mut claims = Vec::new();
    for pool in ["991010-1", "991010-2", "991010-F"] {
        claims.push(li.hold(pool).await);
    }
    li.choose("1").await;
    let page = li.get("/v1/enrolment").await.expect(200);
    let (written, oral) = (&page["due"][0], &page["due"][1]);
    let fees: Vec<u64> = page["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|claim| claim["fee_fen"].as_u64().unwrap())
        .collect();
    assert_eq!(
        written,
        &json!({"paper": "written", "amount_fen": fees[0] + fees[1], "claims": claims[..2],
                "pay_before": "2026-09-22T14:13:20.000Z"})
    );
    assert_eq!(
        (&oral["paper"], &oral["amount_fen"], &oral["claims"]),
        (&json!("oral"), &json!(fees[2]), &json!(claims[2..]))
    );
    // One order takes both levels, so it needs the choice for both.
    li.order("written").await.refused(409, "score_report_missing");
    li.choose("2").await;
    let order = li.payable("written").await;
    assert_eq!(
        (&order["claims"], &order["amount_fen"], &order["expires_at"]),
        (&written["claims"], &written["amount_fen"], &written["pay_before"])
    );
    li.pay(&id(&order), &json!({"outcome": "paid"})).await.expect(200);
    until(&server, &li, &id(&order), "paid").await;
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(page["due"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(li.states().await, ["paid", "paid", "held"]);
    server.finish().await;
}

async fn s24_the_cashier_is_a_page_in_both_languages(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    li.hold("991010-1").await;
    li.choose("1").await;
    let order = li.payable("written").await;
    let url = order["pay_url"].as_str().unwrap().to_owned();
    let nobody = server.nobody();
    let chinese = nobody.get(&url).await;
    assert_eq!(chinese.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(chinese.text().contains("确认支付") && chinese.text().contains("¥30.00"));
    let english = nobody.get(&url).with("accept-language", "en").await.text();
    assert!(english.contains("no money moves"), "{english}");
    let form = "application/x-www-form-urlencoded";
    let failed = nobody
        .call("POST", &url)
        .body(form, "outcome=failed")
        .await
        .text();
    assert!(failed.contains("确认支付"), "{failed}");
    for _ in 0..2 {
        let paid = nobody.call("POST", &url).body(form, "outcome=paid").await.text();
        assert!(paid.contains("已支付") && !paid.contains("<button"), "{paid}");
    }
    nobody
        .post(&url, &json!({"outcome": "paid"}))
        .await
        .refused(409, "already_paid");
    nobody
        .post("/sandbox/pay/0000000000000001", &json!({"outcome": "paid"}))
        .await
        .refused(404, "not_found");
    until(&server, &li, &id(&order), "paid").await;
    server.finish().await;
}

async fn s25_r26_who_comes_back_unheard_asks_for_the_true_state(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.hold("991010-1").await;
    li.choose("1").await;
    let order = id(&li.payable("written").await);
    let refresh = async |who: &Client| who.call("POST", &format!("/v1/orders/{order}/refresh")).await;
    assert_eq!(refresh(&li).await.expect(200)["state"], "open");
    li.pay(&order, &json!({"outcome": "paid", "notify": false}))
        .await
        .expect(200);
    assert_eq!(li.states().await, ["held"], "nobody has told the server");
    refresh(&wang).await.refused(404, "not_found");
    assert_eq!(refresh(&li).await.expect(200)["state"], "paid");
    assert_eq!(li.states().await, ["paid"]);
    assert_eq!(refresh(&li).await.expect(200)["state"], "paid");
    server.finish().await;
}

async fn r17_cancelling_with_an_open_order_is_202_until_the_provider_has_closed_it(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let claim = li.hold("991010-2").await;
    li.choose("2").await;
    wang.queue("991010-2").await;
    let order = id(&li.payable("written").await);
    for _ in 0..2 {
        let taken = li.cancel(&claim).await.expect(202);
        assert_eq!(
            (&taken["state"], &taken["settling"]),
            (&json!("held"), &json!(true))
        );
    }
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(
        page["due"],
        json!([]),
        "R30: who has cancelled is not told to pay"
    );
    assert_eq!(page["todo"][0]["action"], "wait");
    let staff = server.staff("school:99101");
    let settling = staff.get("/v1/staff/settling").await.expect(200);
    assert_eq!(
        (
            &settling["settling"][0]["claim"]["id"],
            &settling["settling"][0]["order"]
        ),
        (&json!(claim), &json!(order))
    );
    let elsewhere = server.staff("school:99102").get("/v1/staff/settling").await;
    assert_eq!(elsewhere.expect(200)["settling"], json!([]));
    li.delete("/v1/enrolment").await.refused(409, "already_paid");

    server.advance(Span::from_secs(301));
    let closed = until(&server, &li, &order, "closed").await;
    assert_eq!(closed["closed_because"], "claim_left");
    eventually("the seat passes on", async || wang.states().await == ["held"]).await;
    assert_eq!(li.states().await, ["cancelled"]);
    li.pay(&order, &json!({"outcome": "paid"}))
        .await
        .refused(409, "already_gone");
    server.finish().await;
}

async fn r26_forged_notifications_are_400_and_counted(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    li.hold("991010-1").await;
    li.choose("1").await;
    let order = id(&li.payable("written").await);
    let nobody = server.nobody();
    let body = json!({"merchant": "kaowei", "order": order, "trade": "t", "amount_fen": 3000, "paid_at": 0});
    let told = nobody.post("/v1/payments/sandbox/notify", &body);
    told.await.refused(400, "invalid_request");
    let signed = nobody
        .post("/v1/payments/sandbox/notify", &body)
        .with("sandbox-timestamp", "1790000000000")
        .with("sandbox-signature", &"ab".repeat(32));
    signed.await.refused(400, "invalid_request");
    for unknown in ["alipay", "bank"] {
        let path = format!("/v1/payments/{unknown}/notify");
        nobody.post(&path, &body).await.refused(404, "not_found");
    }
    assert_eq!(li.states().await, ["held"]);
    let metrics = server.metrics().await;
    let forged = metrics
        .lines()
        .find_map(|line| line.strip_prefix("kaowei_notifications_total{outcome=\"forged\"} "))
        .expect("they are counted");
    assert!(forged.parse::<u64>().unwrap() >= 2, "{forged}");
    server.finish().await;
}

async fn r26_notifications_that_come_late_often_and_out_of_order_pay_once(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let behaviour = json!({"delay_ms": 600_000, "repeats": 2, "newest_first": true, "says": "open"});
    let told = national.put("/v1/staff/sandbox", &behaviour).await.expect(200);
    assert_eq!(told["behaviour"]["repeats"], 2);
    let li = server.enrolled(0).await;
    li.hold("991010-1").await;
    li.choose("1").await;
    let order = id(&li.payable("written").await);
    // Two tabs, both paid: a provider that takes money twice.
    for _ in 0..2 {
        let paid = json!({"outcome": "paid", "anyway": true});
        li.pay(&order, &paid).await.expect(200);
    }
    server.advance(Span::from_secs(599));
    let refreshed = li.call("POST", &format!("/v1/orders/{order}/refresh")).await;
    assert_eq!(refreshed.expect(200)["state"], "open", "it lies");
    server.advance(Span::from_secs(1));
    eventually("paid, and the second payment is back", async || {
        server.engine.look_at_the_clock();
        let shown = li.get(&format!("/v1/orders/{order}")).await.expect(200);
        shown["state"] == "paid" && shown["refunds"][0]["state"] == "done"
    })
    .await;
    let shown = li.get(&format!("/v1/orders/{order}")).await.expect(200);
    assert_eq!(shown["refunds"].as_array().unwrap().len(), 1);
    assert_eq!(shown["refunds"][0]["cause"], "paid_twice");
    let books = national.get("/v1/staff/sandbox").await.expect(200);
    assert_eq!(
        (&books["received_fen"], &books["refunded_fen"]),
        (&json!(6000), &json!(3000))
    );
    server.finish().await;
}

async fn r27_a_provider_that_is_down_loses_neither_seat_nor_money(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let behave = async |behaviour: Value| {
        national.put("/v1/staff/sandbox", &behaviour).await.expect(200);
    };
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    for who in [&li, &wang] {
        who.hold("991010-1").await;
        who.choose("1").await;
    }
    behave(json!({"down": true})).await;
    // The order is there, and can be paid when the provider has heard of it.
    let order = id(&li.order("written").await.expect(201));
    behave(json!({})).await;
    server.advance(Span::from_secs(2));
    eventually("it can be paid", async || {
        server.engine.look_at_the_clock();
        let shown = li.get(&format!("/v1/orders/{order}")).await.expect(200);
        shown["pay_url"].is_string()
    })
    .await;
    li.pay(&order, &json!({"outcome": "paid", "notify": false}))
        .await
        .expect(200);
    let of_wang = id(&wang.payable("written").await);
    behave(json!({"down": true})).await;
    li.call("POST", &format!("/v1/orders/{order}/refresh"))
        .await
        .refused(503, "store_unavailable");
    server.advance(Span::from_secs(86_401));
    eventually("both are settling", async || {
        let settling = national.get("/v1/staff/settling").await.expect(200);
        settling["settling"].as_array().unwrap().len() == 2
    })
    .await;
    assert_eq!(
        (li.states().await, wang.states().await),
        (vec!["held".to_owned()], vec!["held".to_owned()])
    );

    behave(json!({})).await;
    server.advance(Span::from_secs(61));
    until(&server, &li, &order, "paid").await;
    until(&server, &wang, &of_wang, "closed").await;
    eventually("the other has expired", async || {
        wang.states().await == ["expired"]
    })
    .await;
    assert_eq!(li.states().await, ["paid"]);
    server.finish().await;
}

async fn r28_r29_refunds_are_shown_until_they_are_done(place: Place) {
    let server = Server::start_town(&place).await;
    let (national, school) = (server.staff("national"), server.staff("school:99101"));
    let li = server.enrolled(0).await;
    let order = li.buy("991010-1", "1").await;
    let path = format!("/v1/staff/orders/{order}/refund");
    school
        .post(&path, &json!({"reason": ""}))
        .await
        .refused(422, "invalid_request");
    let stranger = json!({"reason": "x", "claim": "991010-2-1"});
    school.post(&path, &stranger).await.refused(404, "not_found");
    national
        .put("/v1/staff/sandbox", &json!({"refunds": "failed"}))
        .await
        .expect(200);
    let taken = school
        .post(&path, &json!({"reason": "系统故障"}))
        .await
        .expect(200);
    assert_eq!(
        (
            &taken["state"],
            &taken["refunds"][0]["cause"],
            &taken["refunds"][0]["reason"]
        ),
        (&json!("refunding"), &json!("staff"), &json!("系统故障"))
    );
    eventually("staff and candidate see that it fails", async || {
        server.engine.look_at_the_clock();
        let shown = li.get(&format!("/v1/orders/{order}")).await.expect(200);
        shown["refunds"][0]["failures"].as_u64().unwrap() > 0
    })
    .await;
    assert_eq!(li.states().await, ["refunded"]);
    let listed = school.get("/v1/staff/refunds").await.expect(200);
    assert_eq!(
        (
            &listed["refunds"][0]["order"],
            &listed["refunds"][0]["refund"]["cause"]
        ),
        (&json!(order), &json!("staff"))
    );
    let elsewhere = server.staff("school:99102").get("/v1/staff/refunds").await;
    assert_eq!(elsewhere.expect(200)["refunds"], json!([]));
    li.delete("/v1/enrolment").await.refused(409, "already_paid");
    national.put("/v1/staff/sandbox", &json!({})).await.expect(200);
    server.advance(Span::from_secs(3_601));
    let done = until(&server, &li, &order, "refunded").await;
    assert_eq!(done["refunds"][0]["state"], "done");
    let listed = national.get("/v1/staff/refunds").await.expect(200);
    assert_eq!(listed["refunds"], json!([]));
    let books = national.get("/v1/staff/sandbox").await.expect(200);
    assert_eq!(
        (&books["received_fen"], &books["refunded_fen"]),
        (&json!(3000), &json!(3000))
    );
    school
        .post(&path, &json!({"reason": "once more"}))
        .await
        .refused(409, "nothing_due");
    server.finish().await;
}

async fn orders_are_exported_below_the_scope(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let order = li.buy("991010-1", "1").await;
    for (scope, sees) in [
        ("national", true),
        ("province:99", true),
        ("school:99101", true),
        ("school:99102", false),
        ("province:98", false),
    ] {
        let text = server
            .staff(scope)
            .get("/v1/staff/exports/orders.csv")
            .await
            .text();
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("order,candidate,claims,paper,method,amount_fen,state")
        );
        let found = lines.next().unwrap_or("");
        assert_eq!(found.starts_with(&order), sees, "{scope}: {text}");
        assert_eq!(
            found.contains(",991010-1-1,written,sandbox,3000,paid,3000,3000,0,0,"),
            sees,
            "{text}"
        );
    }
    server.finish().await;
}

/// The step, action and claims of the first thing to do, and its call's method and path.
fn first_todo(page: &Value) -> (Value, Value, Value, Value, Value) {
    let todo = &page["todo"][0];
    let part = |name: &str| todo[name].clone();
    let call = |name: &str| todo["call"][name].clone();
    (
        part("step"),
        part("action"),
        part("claims"),
        call("method"),
        call("path"),
    )
}

async fn r30_s27_the_page_leads_from_the_held_seat_to_paid(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let claim = li.hold("991010-1").await;
    let page = async || li.get("/v1/enrolment").await.expect(200);
    let expected = |action: &str, method: &str, path: &str| {
        let step = json!("written_payment");
        (step, json!(action), json!([claim]), json!(method), json!(path))
    };
    let choose = page().await;
    assert_eq!(
        first_todo(&choose),
        expected("choose_score_report", "PUT", "/v1/enrolment/score-reports")
    );
    assert_eq!(choose["next"], choose["todo"][0]["call"]);
    let mut body = choose["next"]["body"].clone();
    assert_eq!(body, json!({"choices": [{"subject": "1"}]}));
    body["choices"][0]["choice"] = json!("electronic");
    li.put("/v1/enrolment/score-reports", &body).await.expect(200);

    let order = page().await;
    assert_eq!(first_todo(&order), expected("pay", "POST", "/v1/orders"));
    let mut body = order["next"]["body"].clone();
    body["method"] = json!("sandbox");
    let opened = id(&li.post("/v1/orders", &body).await.expect(201));

    let cashier = page().await;
    let path = format!("/sandbox/pay/{opened}");
    assert_eq!(first_todo(&cashier), expected("pay", "GET", &path));
    // The provider closes no order as young as this: until it has, nothing else can be done.
    li.cancel(&claim).await.expect(202);
    let path = format!("/v1/orders/{opened}/refresh");
    let wait = expected("wait", "POST", &path);
    eventually("it is being closed", async || first_todo(&page().await) == wait).await;
    assert_eq!(page().await["todo"][0]["by"], Value::Null);
    li.pay(&opened, &json!({"outcome": "paid"})).await.expect(200);
    until(&server, &li, &opened, "paid").await;
    assert_eq!(page().await["progress"][4]["state"], "done");
    server.finish().await;
}
