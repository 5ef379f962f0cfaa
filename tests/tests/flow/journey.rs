//! One candidate's whole way: agreement, qualification, enrolment, claims, waitlist, promotion, cancellation,
//! expiry, the end of the enrolment (R2, R8–R10, R13, R16, R17, R21, R30).

use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Server, Student, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    the_flow_from_the_agreement_to_the_end_of_the_enrolment
    r30_s26_s27_the_page_says_what_is_to_do_by_when_and_the_next_call
    r10_deleting_the_enrolment_releases_all_that_it_holds_and_the_way_starts_again
}

const DAY: Span = Span::from_secs(86_400);
const START: &str = "2026-09-21T14:13:20.000Z";
const A_DAY_LATER: &str = "2026-09-22T14:13:20.000Z";

async fn the_flow_from_the_agreement_to_the_end_of_the_enrolment(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    arrives(&li).await;
    claims(&server, &li).await;
    let (wang, zhao) = (server.enrolled(1).await, server.enrolled(2).await);
    is_followed_by_those_who_wait(&server, [&li, &wang, &zhao]).await;
    time_takes_it_back(&server, [&li, &wang, &zhao]).await;
    server.finish().await;
}

/// Agreement, qualification, enrolment.
async fn arrives(li: &Client) {
    let sitting = li.get("/v1/sitting").await.expect(200);
    let version = &sitting["agreement"]["version"];
    let account = li.get("/v1/account").await.expect(200);
    assert_eq!(
        (&account["id_number"], &account["phone"]),
        (&json!("**"), &json!("138****0000"))
    );
    li.get("/v1/qualification")
        .await
        .refused(403, "agreement_required");
    li.get("/v1/enrolment").await.refused(403, "agreement_required");
    li.delete("/v1/enrolment")
        .await
        .refused(403, "agreement_required");
    let accepted = li
        .put("/v1/agreement", &json!({"version": version}))
        .await
        .expect(200);
    assert_eq!(accepted, json!({"version": "2026-1", "accepted_at": START}));
    let found = li.get("/v1/qualification").await.expect(200);
    assert_eq!(found["record"]["name"], "考生0");
    assert_eq!(found["eligible_subjects"].as_array().unwrap().len(), 5);
    assert_eq!(found["review"]["available"], false);
    li.get("/v1/enrolment").await.refused(409, "not_enrolled");
    let unconfirmed = json!({"phone_confirmed": false});
    let refused = li
        .post("/v1/enrolment", &unconfirmed)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/phone_confirmed");
    let saved = json!({"phone_confirmed": true, "record_version": found["record_version"]});
    let page = li.post("/v1/enrolment", &saved).await.expect(201);
    assert_eq!(
        (&page["saved_at"], &page["delete_after"]),
        (&json!(START), &json!(A_DAY_LATER))
    );
    assert_eq!(
        progress(&page),
        ["done", "done", "done", "todo", "locked", "locked", "locked"]
    );
    assert_eq!(
        li.post("/v1/enrolment", &saved).await.expect(200),
        page,
        "there is one already"
    );
}

/// The states of the steps of the progress bar (R30).
fn progress(page: &Value) -> Vec<&str> {
    let steps = page["progress"].as_array().unwrap();
    steps.iter().map(|step| step["state"].as_str().unwrap()).collect()
}

/// What is still to do (R30): step, action, by when.
fn todo(page: &Value) -> Vec<(&str, &str, &str)> {
    let todo = page["todo"].as_array().unwrap().iter();
    todo.map(|todo| {
        (
            todo["step"].as_str().unwrap(),
            todo["action"].as_str().unwrap(),
            todo["by"].as_str().unwrap_or(""),
        )
    })
    .collect()
}

async fn r30_s26_s27_the_page_says_what_is_to_do_by_when_and_the_next_call(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let page = async |who: &Client| who.get("/v1/enrolment").await.expect(200);
    let first = page(&li).await;
    assert_eq!(
        todo(&first),
        [("written_claim", "claim", A_DAY_LATER)],
        "R9: then it is deleted"
    );
    let call = &first["next"];
    assert_eq!(
        (&call["method"], &call["path"]),
        (&json!("POST"), &json!("/v1/claims"))
    );
    // A program that knows nothing but the page goes on: it looks where it is told to choose, and makes the call.
    let choice = li.get(call["choose_from"].as_str().unwrap()).await.expect(200);
    let pools = choice["pools"].as_array().unwrap();
    assert!(pools.iter().all(|pool| pool["subject"]["paper"] == "written"));
    let mut body = call["body"].clone();
    body["pool"] = pools[1]["id"].clone();
    body["on_full"] = json!("reject");
    let seat = li.post(call["path"].as_str().unwrap(), &body).await.expect(201);

    let second = page(&li).await;
    assert_eq!(
        todo(&second),
        [
            ("written_payment", "choose_score_report", A_DAY_LATER),
            ("oral_claim", "claim", "2026-12-01T00:00:00.000Z"),
        ]
    );
    assert_eq!(second["todo"][0]["claims"], json!([seat["id"]]));
    assert_eq!(
        (&second["todo"][0]["required"], &second["todo"][1]["required"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(second["next"]["path"], "/v1/enrolment/score-reports");
    assert_eq!(
        second["todo"][1]["call"]["choose_from"],
        "/v1/pools?offered_to=me&paper=oral"
    );

    let wang = server.enrolled(1).await;
    let waiting = wang.queue(seat["pool"].as_str().unwrap()).await;
    let third = page(&wang).await;
    assert_eq!(
        todo(&third),
        [("written_claim", "wait", "2026-12-02T00:00:00.000Z")]
    );
    assert_eq!(
        (&third["todo"][0]["claims"], &third["next"]),
        (&json!([waiting]), &Value::Null)
    );

    // School 99102 opens its written papers four days later.
    let zhao = server.student(&Student::of_99102(0));
    zhao.enrol().await;
    let early = page(&zhao).await;
    assert_eq!(early["todo"][0]["opens_at"], "2026-09-25T00:00:00.000Z");
    assert_eq!(early["next"], Value::Null);

    // A new agreement comes before everything.
    let mut sitting = town_sitting();
    sitting["agreement"]["version"] = json!("2026-2");
    let put = server.staff("national").put("/v1/staff/sitting", &sitting);
    put.await.expect(200);
    let last = page(&li).await;
    assert_eq!(last["todo"][0]["action"], "accept");
    let call = &last["next"];
    assert_eq!(call["path"], "/v1/agreement");
    li.put("/v1/agreement", &call["body"]).await.expect(200);
    assert_eq!(todo(&page(&li).await), todo(&second));
    server.finish().await;
}

/// Claims written and oral subjects.
async fn claims(server: &Server<'_>, li: &Client) {
    let made = li.claim("991010-2", "reject").key("one").await.expect(201);
    assert_eq!(made["pool"], "991010-2");
    assert_eq!(
        (&made["state"], &made["held_until"]),
        (&json!("held"), &json!(A_DAY_LATER))
    );
    assert_eq!(
        (&made["fee_fen"], &made["position"]),
        (&json!(3000), &Value::Null)
    );
    assert_eq!(
        (&made["registered_by"], &made["arrangement"]),
        (&json!("candidate"), &json!("unarranged"))
    );
    assert_eq!(
        (&made["settling"], &made["created_at"]),
        (&json!(false), &json!(START))
    );
    assert_eq!(
        (&made["seq"], &made["chain_hash"]),
        (&made["state_seq"], &made["state_hash"])
    );
    assert!(made["next_poll_ms"].as_u64().unwrap() > 0);
    li.hold("991010-S").await;

    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(
        progress(&page),
        ["done", "done", "done", "done", "todo", "done", "locked"]
    );
    assert_eq!(page["claims"].as_array().unwrap().len(), 2);
    assert_eq!(page["due"][0]["paper"], "written");
    assert_eq!(
        (&page["due"][0]["amount_fen"], &page["due"][1]["amount_fen"]),
        (&json!(3000), &json!(5000))
    );
    assert_eq!(page["due"][0]["pay_before"], A_DAY_LATER);
    let numbers = server
        .staff("national")
        .get("/v1/staff/pools/991010-2")
        .await
        .expect(200);
    assert_eq!(
        (&numbers["held"], &numbers["waiting"]),
        (&json!(1), &json!(0)),
        "staff read it at once"
    );
}

/// Two more ask for the same seat; cancelling it passes it on in order.
async fn is_followed_by_those_who_wait(server: &Server<'_>, [li, wang, zhao]: [&Client; 3]) {
    wang.claim("991010-2", "reject").await.refused(409, "pool_full");
    let second = wang.queue("991010-2").await;
    let third = zhao.queue("991010-2").await;
    let position = async |who: &Client, claim: &str| {
        let shown = who.get(&format!("/v1/claims/{claim}")).await.expect(200);
        shown["position"].clone()
    };
    assert_eq!(
        (position(wang, &second).await, position(zhao, &third).await),
        (json!(1), json!(2))
    );
    let list = server.nobody().get("/v1/pools?campus=991010").await.expect(200);
    let pool = &list["pools"][1];
    assert_eq!(
        (&pool["id"], &pool["availability"]),
        (&json!("991010-2"), &json!("none"))
    );
    assert_eq!(pool["waitlist"], json!({"open": true, "length": 2}));

    server.advance(Span::from_secs(600));
    let mine = li.get("/v1/claims").await.expect(200);
    let written = mine["claims"][0]["id"].as_str().unwrap();
    let cancelled = li.cancel(written).await.expect(200);
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(
        li.states().await,
        ["cancelled", "removed"],
        "R13: the oral claim goes with the written one"
    );
    li.cancel(written).await.refused(409, "already_gone");
    let promoted = wang.get(&format!("/v1/claims/{second}")).await.expect(200);
    assert_eq!(promoted["state"], "held", "R17: in the same step");
    assert_eq!(
        promoted["held_until"], "2026-09-22T14:23:20.000Z",
        "R21: a fresh deadline"
    );
    assert_eq!(promoted["created_at"], START);
    assert_ne!(promoted["state_seq"], promoted["seq"]);
    assert_eq!(position(zhao, &third).await, 1);
}

/// A day passes.
async fn time_takes_it_back(server: &Server<'_>, [li, wang, zhao]: [&Client; 3]) {
    server.advance(DAY - Span::from_secs(600) - Span::from_ms(1));
    assert_eq!(wang.states().await, ["held"]);
    assert!(
        li.get("/v1/enrolment").await.status == 200,
        "R9: not before delete_after"
    );
    server.advance(Span::from_ms(1));
    eventually("R9: the enrolment without a claim is deleted", async || {
        li.get("/v1/enrolment").await.status == 409
    })
    .await;
    li.claim("991010-2", "waitlist")
        .await
        .refused(409, "not_enrolled");
    assert_eq!(
        wang.get("/v1/enrolment").await.status,
        200,
        "R9: one with a claim stays"
    );
    server.advance(Span::from_secs(600));
    eventually("R16: the hold expires and the seat passes on", async || {
        zhao.states().await == ["held"]
    })
    .await;
    assert_eq!(wang.states().await, ["expired"]);
    eventually("R9: its enrolment's time is over too", async || {
        wang.get("/v1/enrolment").await.status == 409
    })
    .await;
    wang.enrol_again().await;
}

async fn r10_deleting_the_enrolment_releases_all_that_it_holds_and_the_way_starts_again(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    for pool in ["991010-3", "991010-2", "991010-S"] {
        li.hold(pool).await;
    }
    wang.queue("991010-3").await;
    wang.queue("991010-2").await;
    li.delete("/v1/enrolment").await.expect(204);
    assert_eq!(li.states().await, ["removed", "removed", "removed"]);
    assert_eq!(wang.states().await, ["held", "held"]);
    li.delete("/v1/enrolment").await.refused(409, "not_enrolled");
    li.get("/v1/enrolment").await.refused(409, "not_enrolled");
    li.claim("991010-1", "reject").await.refused(409, "not_enrolled");
    li.enrol_again().await;
    li.hold("991010-1").await;
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(page["claims"].as_array().unwrap().len(), 4);
    let server = server.restart().await;
    let li = server.candidate(0);
    assert_eq!(li.states().await, ["removed", "removed", "removed", "held"]);
    assert_eq!(li.get("/v1/enrolment").await.expect(200), page);
    server.finish().await;
}
