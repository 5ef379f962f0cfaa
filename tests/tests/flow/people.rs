//! Who a candidate is: agreement, student record, the binding of both (R2–R4, R8).

use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student, import_students, town_sitting};
use serde_json::json;

on_both_stores! {
    r2_nothing_works_until_the_version_in_force_is_accepted
    r3_a_record_is_found_by_province_document_and_name_whatever_the_dots
    r3_a_student_record_is_bound_to_one_account
    r8_before_the_window_one_may_look_and_not_save
    r8_the_snapshot_stays_and_r4_what_may_be_sat_is_live
}

async fn r2_nothing_works_until_the_version_in_force_is_accepted(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    let confirmed = json!({"phone_confirmed": true});
    li.get("/v1/qualification")
        .await
        .refused(403, "agreement_required");
    li.post("/v1/enrolment", &confirmed)
        .await
        .refused(403, "agreement_required");
    li.claim("991010-1", "reject")
        .await
        .refused(403, "agreement_required");
    let refused = li
        .put("/v1/agreement", &json!({"version": "2025-9"}))
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/version");
    let accept = json!({"version": "2026-1"});
    let first = li.put("/v1/agreement", &accept).await.expect(200);
    server.advance(Span::from_secs(60));
    assert_eq!(
        li.put("/v1/agreement", &accept).await.expect(200),
        first,
        "repeating it changes nothing"
    );
    li.enrol_again().await;
    let seat = li.hold("991010-1").await;

    let mut sitting = town_sitting();
    sitting["agreement"]["version"] = json!("2026-2");
    server
        .staff("national")
        .put("/v1/staff/sitting", &sitting)
        .await
        .expect(200);
    li.claim("991010-2", "reject")
        .await
        .refused(403, "agreement_required");
    li.get("/v1/qualification")
        .await
        .refused(403, "agreement_required");
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(
        (&page["progress"][0]["state"], &page["agreement_version"]),
        (&json!("todo"), &json!("2026-1"))
    );
    assert_eq!(
        li.states().await,
        ["held"],
        "what was claimed under the old version stays"
    );
    li.put("/v1/agreement", &accept)
        .await
        .refused(422, "invalid_request");
    li.put("/v1/agreement", &json!({"version": "2026-2"}))
        .await
        .expect(200);
    li.hold("991010-2").await;
    li.cancel(&seat).await.expect(200);
    server.finish().await;
}

async fn r3_a_record_is_found_by_province_document_and_name_whatever_the_dots(place: Place) {
    let server = Server::start_town(&place).await;
    let named = |id_number: &str, name: &str| Student {
        id_number: id_number.into(),
        name: name.into(),
        ..Student::number(50)
    };
    let resident = Student {
        id_type: "resident_id",
        ..named("11010519491231002X", "张三")
    };
    let imported = [
        named("E1", "买买提·艾力"),
        named("E2", "José Li"),
        named("E3", "欧阳 𠮷"),
        resident.clone(),
    ];
    import_students(&server, &imported).await;
    for (id_number, name) in [
        ("E1", "买买提艾力"),
        ("E1", "买买提・ 艾力"),
        ("e1", "买买提•艾力"),
        ("E2", "Jose\u{301}Li"),
        ("E3", "欧阳𠮷"),
    ] {
        let one = server.student(&named(id_number, name));
        one.agree().await;
        let found = one.get("/v1/qualification").await;
        if id_number == "e1" {
            // The same document, so the same account: its token is another's in letters only.
            assert_eq!(found.status, 200, "{}", found.text());
        } else {
            found.expect(200);
        }
    }
    let lower = Student {
        id_number: "11010519491231002x".into(),
        ..resident.clone()
    };
    let zhang = server.student(&lower);
    zhang.agree().await;
    assert_eq!(
        zhang.get("/v1/qualification").await.expect(200)["record"]["id_number"],
        "110***********002X"
    );

    let elsewhere = Student {
        province: "98",
        ..Student::number(1)
    };
    let other_kind = Student {
        id_type: "other",
        ..Student::number(2)
    };
    for stranger in [named("E9", "无名"), named("P3", "考生4"), elsewhere, other_kind] {
        let stranger = server.student(&stranger);
        stranger.agree().await;
        stranger
            .get("/v1/qualification")
            .await
            .refused(404, "no_student_record");
        let confirmed = json!({"phone_confirmed": true});
        let refused = stranger
            .post("/v1/enrolment", &confirmed)
            .await
            .refused(404, "no_student_record");
        assert!(
            refused["detail"].as_str().unwrap().contains("联系学校"),
            "{refused}"
        );
    }
    server.finish().await;
}

async fn r3_a_student_record_is_bound_to_one_account(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let mut claims = server.student_claims(&Student::number(0));
    claims.sub = "the same person by another way".into();
    let twin = server.bearer(&server.mint(&claims));
    twin.agree().await;
    let confirmed = json!({"phone_confirmed": true});
    twin.post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "record_taken");
    li.hold("991010-1").await;
    twin.claim("991010-1", "reject")
        .await
        .refused(409, "not_enrolled");

    let server = server.restart().await;
    let (li, twin) = (server.candidate(0), server.bearer(&server.mint(&claims)));
    twin.post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "record_taken");
    li.delete("/v1/enrolment").await.expect(204);
    twin.enrol_again().await;
    li.post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "record_taken");
    twin.hold("991010-1").await;
    assert_eq!(li.states().await, ["removed"], "claims are the account's");
    assert_eq!(twin.states().await, ["held"]);
    server.finish().await;
}

async fn r8_before_the_window_one_may_look_and_not_save(place: Place) {
    let server = Server::start_town(&place).await;
    let confirmed = json!({"phone_confirmed": true});
    let li = server.student(&Student::of_98(0));
    li.agree().await;
    assert_eq!(
        li.get("/v1/qualification").await.expect(200)["record"]["school"],
        "98101"
    );
    li.post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "outside_window");
    // School 99102 narrows its written window; its oral one is the province's, so the enrolment is open.
    let wang = server.student(&Student::of_99102(0));
    wang.enrol().await;
    wang.claim("991020-1", "reject")
        .await
        .refused(409, "outside_window");
    server.advance(Span::from_secs(4 * 86_400));
    let wang_again = wang.post("/v1/enrolment", &confirmed).await;
    assert!(matches!(wang_again.status, 200 | 201), "{}", wang_again.text());
    wang.hold("991020-1").await;
    li.post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "outside_window");
    server.advance(Span::from_secs(6 * 86_400));
    li.enrol_again().await;
    li.hold("981010-1").await;
    li.claim("991010-2", "reject").await.refused(403, "not_eligible");
    server.finish().await;
}

async fn r8_the_snapshot_stays_and_r4_what_may_be_sat_is_live(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let wang = server.candidate(1);
    wang.agree().await;
    let edited = |n, subjects, barred| Student {
        major: "物理",
        subjects,
        barred,
        ..Student::number(n)
    };
    import_students(
        &server,
        &[
            edited(0, "1;F", ""),
            edited(1, "1", ""),
            edited(2, "", ""),
            edited(3, "1", "1"),
        ],
    )
    .await;
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(
        (&page["record"]["major"], &page["record_version"]),
        (&json!("数学"), &json!(1))
    );
    assert_eq!(page["eligible_subjects"].as_array().unwrap().len(), 2);
    let now = li.get("/v1/qualification").await.expect(200);
    assert_eq!(
        (&now["record"]["major"], &now["record_version"]),
        (&json!("物理"), &json!(2))
    );
    li.claim("991010-2", "reject").await.refused(403, "not_eligible");
    li.hold("991010-1").await;

    let seen = json!({"phone_confirmed": true, "record_version": 1});
    let refused = wang
        .post("/v1/enrolment", &seen)
        .await
        .refused(409, "record_changed");
    assert_eq!(refused["record_version"], 2);
    wang.post(
        "/v1/enrolment",
        &json!({"phone_confirmed": true, "record_version": 2}),
    )
    .await
    .expect(201);
    for nothing_to_sit in [2, 3] {
        let one = server.candidate(nothing_to_sit);
        one.agree().await;
        let found = one.get("/v1/qualification").await.expect(200);
        assert_eq!(found["eligible_subjects"], json!([]));
        one.post("/v1/enrolment", &json!({"phone_confirmed": true}))
            .await
            .refused(403, "not_eligible");
    }
    // The same line again changes nothing; only what is allowed: no new version.
    import_students(&server, &[edited(0, "1;2;F", "")]).await;
    let now = li.get("/v1/qualification").await.expect(200);
    assert_eq!(now["record_version"], 2);
    li.hold("991010-2").await;
    let server = server.restart().await;
    let page = server.candidate(0).get("/v1/enrolment").await.expect(200);
    assert_eq!(page["record"]["major"], "数学");
    server.finish().await;
}
