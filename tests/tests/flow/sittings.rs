//! The sitting file: what makes it good, who may set it, what follows from it (R18, 2.8).

use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    without_a_sitting_there_is_nothing_to_register_for
    r18_everything_wrong_with_a_sitting_is_listed_and_changes_nothing
    r18_windows_follow_the_sitting_and_deadlines_end_with_payment
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
