//! The sitting file: what makes it good, who may set it, what follows from it (R18, 2.8).

use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Server, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    without_a_sitting_there_is_nothing_to_register_for
    r18_everything_wrong_with_a_sitting_is_listed_and_changes_nothing
    r18_windows_follow_the_sitting_and_deadlines_end_with_payment
    a_sitting_in_use_keeps_its_id_its_subjects_and_what_was_accepted
    r18_payment_does_not_end_before_the_holds_that_were_granted
    r23_a_window_that_closes_early_leaves_holds_and_ends_the_queue
}

/// The town's sitting with one place changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut sitting = town_sitting();
    match sitting.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => sitting[pointer.trim_start_matches('/')] = value,
    }
    sitting
}

async fn without_a_sitting_there_is_nothing_to_register_for(place: Place) {
    let server = Server::start(&place).await;
    let national = server.staff("national");
    let nobody = server.nobody();
    nobody.get("/v1/sitting").await.refused(404, "not_found");
    national.get("/v1/staff/sitting").await.refused(404, "not_found");
    let li = server.candidate(0);
    assert_eq!(li.get("/v1/account").await.expect(200)["name"], "考生0");
    assert_eq!(li.states().await, Vec::<String>::new());
    let refused = [
        li.put("/v1/agreement", &json!({"version": "1"})).await,
        li.get("/v1/qualification").await,
        li.post("/v1/enrolment", &json!({"phone_confirmed": true})).await,
        li.get("/v1/enrolment").await,
    ];
    for reply in refused {
        reply.refused(409, "outside_window");
    }
    li.delete("/v1/enrolment").await.refused(409, "not_enrolled");
    li.claim("991010-1", "reject").await.refused(404, "not_found");
    assert_eq!(nobody.get("/v1/pools").await.expect(200)["pools"], json!([]));
    assert_eq!(
        national.get("/v1/staff/overview").await.expect(200)["sitting"],
        Value::Null
    );

    server.finish().await;
}

async fn r18_everything_wrong_with_a_sitting_is_listed_and_changes_nothing(place: Place) {
    let server = Server::start(&place).await;
    let (national, nobody) = (server.staff("national"), server.nobody());
    for scope in ["province:99", "school:99101"] {
        let put = server.staff(scope).put("/v1/staff/sitting", &town_sitting());
        put.await.refused(403, "forbidden");
    }
    let early = json!("2026-12-02T12:00:00Z");
    for (pointer, value, wrong) in [
        ("/windows/1/payment_closes_at", early, "/windows/1"),
        ("/windows/1/opens_at", json!("2026-12-01T00:00:00Z"), "/windows/1"),
        ("/windows/3/opens_at", json!("2026-08-01T00:00:00Z"), "/windows/3"),
        ("/windows/3/province", json!("*"), "/windows/3"),
        ("/windows/2/paper", json!("written"), "/windows/2"),
        ("/windows", json!([]), "/windows"),
        ("/subjects", json!([]), "/subjects"),
        ("/subjects/1/code", json!("1"), "/subjects/1/code"),
        ("/subjects/3/requires", json!("2"), "/subjects/3/requires"),
        ("/hold_seconds", json!(0), "/hold_seconds"),
        ("/agreement/version", json!(""), "/agreement/version"),
        ("/name", json!("长".repeat(201)), "/name"),
    ] {
        let put = national.put("/v1/staff/sitting", &with(pointer, value));
        let refused = put.await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], wrong, "{refused}");
    }
    for (pointer, value, wrong) in [
        ("/windows/0/opens_at", json!("yesterday"), "/windows/0/opens_at"),
        ("/windows/0/paper", json!("practical"), "/windows/0/paper"),
        ("/hold_secs", json!(5), "/hold_secs"),
        ("/hold_seconds", json!(-1), "/hold_seconds"),
    ] {
        let put = national.put("/v1/staff/sitting", &with(pointer, value));
        let refused = put.await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], wrong, "{refused}");
    }
    let mut twice_wrong = with("/hold_seconds", json!(0));
    twice_wrong["id"] = json!("");
    let refused = national
        .put("/v1/staff/sitting", &twice_wrong)
        .await
        .refused(422, "invalid_request");
    assert_eq!(
        refused["errors"].as_array().unwrap().len(),
        2,
        "a form wants all of them: {refused}"
    );
    nobody.get("/v1/sitting").await.refused(404, "not_found");

    let kept = national
        .put("/v1/staff/sitting", &town_sitting())
        .await
        .expect(200);
    assert_eq!(national.get("/v1/staff/sitting").await.expect(200), kept);
    assert_eq!(
        national.put("/v1/staff/sitting", &kept).await.expect(200),
        kept,
        "what is shown can be put back"
    );
    let public = nobody.get("/v1/sitting").await.expect(200);
    assert_eq!(
        (&public["id"], &public["hold_seconds"]),
        (&json!("2026-2"), &json!(86_400))
    );
    assert_eq!(public["windows"].as_array().unwrap().len(), 7);
    assert_eq!(public["agreement"]["documents"][0]["id"], "privacy");
    server.finish().await;
}

async fn r18_windows_follow_the_sitting_and_deadlines_end_with_payment(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let li = server.enrolled(0).await;
    let window = |opens: &str, closes: &str| {
        let mut sitting = town_sitting();
        sitting["hold_seconds"] = json!(3_600);
        let written = &mut sitting["windows"][1];
        written["opens_at"] = json!(opens);
        written["closes_at"] = json!(closes);
        written.as_object_mut().unwrap().remove("waitlist_closes_at");
        written.as_object_mut().unwrap().remove("payment_closes_at");
        let windows = sitting["windows"].as_array_mut().unwrap();
        windows.retain(|window| window["school"] != "99102");
        sitting
    };
    let put = async |sitting: Value| {
        national.put("/v1/staff/sitting", &sitting).await.expect(200);
    };
    put(window("2026-09-22T00:00:00Z", "2026-09-23T00:00:00Z")).await;
    li.claim("991010-1", "reject")
        .await
        .refused(409, "outside_window");
    let shown = server.nobody().get("/v1/pools?campus=991010").await.expect(200);
    assert_eq!(shown["pools"][0]["opens_at"], "2026-09-22T00:00:00.000Z");

    put(window("2026-09-21T00:00:00Z", "2026-09-21T15:00:00Z")).await;
    let claim = li.claim("991010-1", "reject").await.expect(201);
    assert_eq!(
        claim["held_until"], "2026-09-21T15:13:20.000Z",
        "the hold time of the sitting"
    );
    // Payment ends an hour after the window at the earliest, so that the last one has the whole hour.
    let list = server.nobody().get("/v1/sitting").await.expect(200);
    assert_eq!(
        list["windows"][1]["payment_closes_at"],
        "2026-09-21T16:00:00.000Z"
    );
    assert_eq!(
        list["windows"][1]["waitlist_closes_at"],
        "2026-09-21T15:00:00.000Z"
    );
    let server = server.restart().await;
    server.enrolled(1).await.hold("991010-1").await;
    server.finish().await;
}

/// Puts a sitting that must be refused for one thing; its place and what is said.
async fn refused(national: &Client, sitting: &Value) -> (String, String) {
    let put = national.put("/v1/staff/sitting", sitting);
    let problem = put.await.refused(422, "invalid_request");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    let text = |name: &str| errors[0][name].as_str().unwrap().to_owned();
    (text("pointer"), text("detail"))
}

async fn a_sitting_in_use_keeps_its_id_its_subjects_and_what_was_accepted(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let put = async |sitting: &Value| {
        national.put("/v1/staff/sitting", sitting).await.expect(200);
    };
    let renamed = with("/id", json!("2027-1"));
    let reworded = with("/agreement/text", json!("另一份协议"));
    let mut without_japanese = town_sitting();
    let subjects = without_japanese["subjects"].as_array_mut().unwrap();
    subjects.retain(|subject| subject["code"] != "3");
    // A subject has pools before anybody has claimed.
    let (pointer, detail) = refused(&national, &without_japanese).await;
    assert_eq!(pointer, "/subjects");
    assert!(detail.contains("科目 3 已有考位池"), "{detail}");
    // Nobody has enrolled or accepted anything yet.
    put(&renamed).await;
    put(&reworded).await;
    put(&town_sitting()).await;

    let li = server.enrolled(0).await;
    let (pointer, detail) = refused(&national, &renamed).await;
    assert_eq!(pointer, "/id");
    assert!(detail.contains("2026-2"), "{detail}");
    let (pointer, detail) = refused(&national, &reworded).await;
    assert_eq!(pointer, "/agreement/version");
    assert!(detail.contains("2026-1"), "{detail}");
    // A new version is asked of everybody; who holds a seat keeps it.
    li.hold("991010-1").await;
    let mut next_version = reworded;
    next_version["agreement"]["version"] = json!("2026-2");
    put(&next_version).await;
    assert_eq!(li.states().await, ["held"]);
    li.claim("991010-2", "reject")
        .await
        .refused(403, "agreement_required");
    // Names may be mended at any time, and what is gone still belongs to its sitting.
    next_version["name"] = json!("改正后的名称");
    put(&next_version).await;
    let claims = li.get("/v1/claims").await.expect(200);
    li.cancel(claims["claims"][0]["id"].as_str().unwrap())
        .await
        .expect(200);
    li.delete("/v1/enrolment").await.expect(204);
    next_version["id"] = json!("2027-1");
    assert_eq!(refused(&national, &next_version).await.0, "/id");
    let server = server.restart().await;
    assert_eq!(refused(&server.staff("national"), &next_version).await.0, "/id");
    server.finish().await;
}

/// The town's sitting whose written window of every province closes then, with payment until then.
fn closing(closes_at: &str, payment_closes_at: &str) -> Value {
    let mut sitting = town_sitting();
    let windows = sitting["windows"].as_array_mut().unwrap();
    windows.retain(|window| window["school"] != "99102");
    windows[1]["closes_at"] = json!(closes_at);
    windows[1]["waitlist_closes_at"] = json!(closes_at);
    windows[1]["payment_closes_at"] = json!(payment_closes_at);
    sitting
}

async fn r18_payment_does_not_end_before_the_holds_that_were_granted(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let li = server.enrolled(0).await;
    let held = li.claim("991010-1", "reject").await.expect(201);
    assert_eq!(held["held_until"], "2026-09-22T14:13:20.000Z");

    let too_early = closing("2026-09-21T14:00:00Z", "2026-09-22T14:13:19Z");
    let (pointer, detail) = refused(&national, &too_early).await;
    assert_eq!(pointer, "/windows/1");
    assert!(detail.contains("2026-09-22T14:13:20.000Z"), "{detail}");
    let mut no_window = town_sitting();
    let windows = no_window["windows"].as_array_mut().unwrap();
    windows.retain(|window| window["paper"] != "written" || window["province"] == "98");
    let (pointer, detail) = refused(&national, &no_window).await;
    assert_eq!(pointer, "/windows");
    assert!(detail.contains("笔试"), "{detail}");

    // Later holds may be shorter; this one keeps its deadline, and payment is open until then.
    let mut shorter = closing("2026-09-21T14:00:00Z", "2026-09-22T14:13:20Z");
    shorter["hold_seconds"] = json!(3_600);
    national.put("/v1/staff/sitting", &shorter).await.expect(200);
    let path = format!("/v1/claims/{}", held["id"].as_str().unwrap());
    let kept = li.get(&path).await.expect(200);
    assert_eq!(
        (&kept["state"], &kept["held_until"]),
        (&held["state"], &held["held_until"])
    );
    // Where nobody holds a seat any more, nothing is promised.
    li.cancel(held["id"].as_str().unwrap()).await.expect(200);
    let mut ended = closing("2026-09-21T13:00:00Z", "2026-09-21T14:00:00Z");
    ended["hold_seconds"] = json!(3_600);
    national.put("/v1/staff/sitting", &ended).await.expect(200);
    server.finish().await;
}

async fn r23_a_window_that_closes_early_leaves_holds_and_ends_the_queue(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let (li, wang, zhao) = (
        server.enrolled(0).await,
        server.enrolled(1).await,
        server.enrolled(2).await,
    );
    let seat = li.hold("991010-2").await;
    wang.queue("991010-2").await;
    zhao.queue("991010-2").await;
    let closes_soon = closing("2026-09-21T15:00:00Z", "2026-09-23T00:00:00Z");
    national.put("/v1/staff/sitting", &closes_soon).await.expect(200);
    // Until then the queue is promoted, with all the time to pay.
    li.cancel(&seat).await.expect(200);
    let promoted = wang.get("/v1/claims").await.expect(200)["claims"][0].clone();
    assert_eq!(promoted["held_until"], "2026-09-22T14:13:20.000Z");
    server.advance(Span::from_secs(3_600));
    eventually("the queue lapses", async || zhao.states().await == ["lapsed"]).await;
    assert_eq!(wang.states().await, ["held"]);
    server.finish().await;
}
