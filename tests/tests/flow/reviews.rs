//! The review of the eligibility for CET6 (R5–R7, S8–S10): all outcomes, staff on behalf, and what it grants at once.

use std::fmt::Write;

use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Call, Client, Server, Student, import_students, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    s08_r5_a_review_is_there_for_whom_it_would_help
    s09_r6_ticket_and_id_number_of_a_result_open_cet6_at_once
    s09_r6_a_candidate_with_nothing_to_sit_goes_on_by_a_review
    s10_r6_ticket_and_name_alone_wait_for_staff_and_nothing_else_changes_it
    r6_what_matches_neither_way_is_refused_and_nothing_is_stored
    r6_staff_apply_on_behalf_of_one_who_has_accepted_nothing_yet
    r6_staff_apply_for_the_account_that_the_record_is_bound_to
    r7_what_was_rejected_is_corrected_or_deleted
    r7_an_approved_review_stays_whatever_becomes_of_the_enrolment
    refusals_of_an_application_come_in_the_documented_order
    r15_the_same_key_gives_the_same_answer_whatever_was_decided_since
    r32_staff_see_the_reviews_below_their_scope
    r32_staff_decide_the_reviews_below_their_scope
}

/// Student number `n`, whose school imported neither CET6 nor its oral paper.
fn student(n: u32) -> Student {
    Student {
        subjects: "1;F",
        open_campuses: "",
        ..Student::number(n)
    }
}

/// The town with the first students as above, and results: `T<n>` of each by document and under another name, `N<n>` of
/// somebody else with the same name.
async fn start(place: &Place) -> Server<'_> {
    let server = Server::start_town(place).await;
    let students: Vec<Student> = (0..6).map(student).collect();
    import_students(&server, &students).await;
    let mut results = String::new();
    for n in 0..6 {
        writeln!(results, "T{n},P{n},曾用名{n},2024,425").unwrap();
        writeln!(results, "N{n},X{n}-123456,考 生·{n},2005,700").unwrap();
    }
    import_results(&server, &results).await;
    server
}

async fn import_results(server: &Server<'_>, lines: &str) {
    let national = server.staff("national");
    let import = national.call("POST", "/v1/staff/imports/cet4-results");
    let report = import
        .csv(format!("ticket,id_number,name,year,score\n{lines}"))
        .await;
    assert_eq!(report.expect(200)["applied"], true);
}

async fn agreed(server: &Server<'_>, n: u32) -> Client {
    let candidate = server.student(&student(n));
    candidate.agree().await;
    candidate
}

fn apply(candidate: &Client, ticket: &str) -> Call {
    candidate.post("/v1/review", &json!({"cet4_ticket": ticket}))
}

/// What the qualification page says of the review.
async fn shown(candidate: &Client) -> Value {
    candidate.get("/v1/qualification").await.expect(200)["review"].clone()
}

fn codes(subjects: &Value) -> Vec<&str> {
    let subjects = subjects.as_array().unwrap();
    subjects
        .iter()
        .map(|subject| subject["code"].as_str().unwrap())
        .collect()
}

/// The subjects that may be sat, by every page that shows them and by the pools offered.
async fn may_sit(candidate: &Client) -> Vec<String> {
    let found = candidate.get("/v1/qualification").await.expect(200);
    let may_sit = codes(&found["eligible_subjects"]);
    let page = candidate.get("/v1/enrolment").await;
    if page.status == 200 {
        assert_eq!(codes(&page.json()["eligible_subjects"]), may_sit);
        assert_eq!(page.json()["review"], found["review"], "S10: on either page");
    }
    let offered = candidate
        .get("/v1/pools?offered_to=me&campus=991010")
        .await
        .expect(200);
    let offered = offered["pools"].as_array().unwrap();
    let offered: Vec<&str> = offered
        .iter()
        .map(|pool| pool["subject"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(offered, may_sit, "the campus has a pool of each of them");
    may_sit.into_iter().map(str::to_owned).collect()
}

/// The reviews that a member of staff sees.
async fn listed(staff: &Client, query: &str) -> Vec<Value> {
    let list = staff.get(&format!("/v1/staff/reviews{query}")).await.expect(200);
    list["reviews"].as_array().unwrap().clone()
}

/// The only review that waits for a decision.
async fn pending(staff: &Client) -> Value {
    let mut reviews = listed(staff, "?state=pending").await;
    assert_eq!(reviews.len(), 1, "{reviews:#?}");
    reviews.remove(0)
}

fn decide(staff: &Client, review: &Value, decision: &str, reason: &str) -> Call {
    let path = format!("/v1/staff/reviews/{}", review["id"].as_str().unwrap());
    staff.post(&path, &json!({"decision": decision, "reason": reason}))
}

/// The audit trail of what belongs to no pool of province 99.
async fn trail(server: &Server<'_>) -> Vec<Value> {
    let list = server
        .staff("province:99")
        .get("/v1/staff/audit?cell=99")
        .await
        .expect(200);
    list["records"].as_array().unwrap().clone()
}

async fn s08_r5_a_review_is_there_for_whom_it_would_help(place: Place) {
    let server = start(&place).await;
    let has_it = Student::number(6);
    let barred = Student {
        barred: "2",
        ..student(7)
    };
    let elsewhere = Student {
        campus: "991011",
        ..student(8)
    };
    let only_elsewhere = Student {
        open_campuses: "991020",
        ..student(9)
    };
    let at_99102 = Student {
        subjects: "1",
        ..Student::of_99102(0)
    };
    let all = [
        barred.clone(),
        elsewhere.clone(),
        only_elsewhere.clone(),
        at_99102.clone(),
    ];
    import_students(&server, &all).await;
    import_results(&server, "T7,P7,考生7,2024,500\nTQ,Q0,考生0,2024,500\n").await;
    for (who, available) in [
        (&student(0), true),
        (&has_it, false),
        (&barred, false),
        (&elsewhere, true),
        (&only_elsewhere, false),
        (&at_99102, false),
    ] {
        let candidate = server.student(who);
        candidate.agree().await;
        assert_eq!(
            shown(&candidate).await,
            json!({"available": available, "state": null}),
            "{who:?}"
        );
        if !available {
            apply(&candidate, "T7").await.refused(403, "not_eligible");
        }
    }
    // Whatever opens later counts at once: the school opens CET6, the bar falls.
    let wang = server.student(&at_99102);
    let pool = json!({"capacity": 1, "open": false, "fee_fen": 3000});
    let put = server
        .staff("school:99102")
        .put("/v1/staff/pools/991020-2", &pool);
    put.await.expect(201);
    assert_eq!(shown(&wang).await["available"], true);
    assert_eq!(apply(&wang, "TQ").await.expect(201)["state"], "approved");
    import_students(&server, &[student(7)]).await;
    let zhao = server.student(&barred);
    assert_eq!(shown(&zhao).await["available"], true);
    assert_eq!(apply(&zhao, "T7").await.expect(201)["state"], "approved");
    server.finish().await;
}

async fn s09_r6_ticket_and_id_number_of_a_result_open_cet6_at_once(place: Place) {
    let server = start(&place).await;
    let li = agreed(&server, 0).await;
    li.enrol_again().await;
    assert_eq!(may_sit(&li).await, ["1", "F"]);
    li.claim("991010-2", "reject").await.refused(403, "not_eligible");

    let review = apply(&li, " T0 ").await.expect(201);
    assert_eq!(review["state"], "approved", "whatever the name");
    assert_eq!(review["decided_at"], review["applied_at"]);
    assert_eq!(li.get("/v1/review").await.expect(200), review);
    assert_eq!(may_sit(&li).await, ["1", "2", "F"]);
    assert_eq!(shown(&li).await, json!({"available": false, "state": "approved"}));
    let seat = li.hold("991010-2").await;
    li.claim("991010-S", "reject").await.refused(403, "not_eligible");
    apply(&li, "T0").await.refused(409, "review_exists");
    li.delete("/v1/review").await.refused(409, "review_exists");

    // A bar still bars, and what is claimed stays.
    let barred = Student {
        barred: "2",
        ..student(0)
    };
    import_students(&server, &[barred]).await;
    assert_eq!(may_sit(&li).await, ["1", "F"]);
    li.cancel(&seat).await.expect(200);
    li.claim("991010-2", "reject").await.refused(403, "not_eligible");
    import_students(&server, &[student(0)]).await;

    let server = server.restart().await;
    let li = server.student(&student(0));
    assert_eq!(li.get("/v1/review").await.expect(200), review);
    assert_eq!(may_sit(&li).await, ["1", "2", "F"]);
    li.hold("991010-2").await;
    server.finish().await;
}

async fn s09_r6_a_candidate_with_nothing_to_sit_goes_on_by_a_review(place: Place) {
    let server = start(&place).await;
    let nothing = Student {
        subjects: "",
        ..student(0)
    };
    import_students(&server, std::slice::from_ref(&nothing)).await;
    let li = server.student(&nothing);
    li.agree().await;
    let confirmed = json!({"phone_confirmed": true});
    li.post("/v1/enrolment", &confirmed)
        .await
        .refused(403, "not_eligible");
    apply(&li, "T0").await.expect(201);
    assert_eq!(may_sit(&li).await, ["2"]);
    li.enrol_again().await;
    li.hold("991010-2").await;
    server.finish().await;
}

async fn s10_r6_ticket_and_name_alone_wait_for_staff_and_nothing_else_changes_it(place: Place) {
    let server = start(&place).await;
    let li = agreed(&server, 0).await;
    let review = apply(&li, "N0").await.expect(201);
    assert_eq!(
        (&review["state"], &review["decided_at"], &review["reason"]),
        (&json!("pending"), &Value::Null, &Value::Null)
    );
    // S10: it can be looked at from either page, and nothing may be done about it.
    li.enrol_again().await;
    assert_eq!(shown(&li).await, json!({"available": true, "state": "pending"}));
    for ticket in ["N0", "T0"] {
        apply(&li, ticket).await.refused(409, "review_exists");
    }
    li.delete("/v1/review").await.refused(409, "review_exists");
    assert_eq!(li.get("/v1/review").await.expect(200), review);
    assert_eq!(may_sit(&li).await, ["1", "F"]);
    li.claim("991010-2", "reject").await.refused(403, "not_eligible");

    let server = server.restart().await;
    let (li, school) = (server.student(&student(0)), server.staff("school:99101"));
    assert_eq!(li.get("/v1/review").await.expect(200), review);
    let case = pending(&school).await;
    assert_eq!(
        case["applicant"],
        json!({"id_type": "passport", "id_number": "**", "name": "考生0"})
    );
    assert_eq!(case["cet4_ticket"], "N0");
    assert_eq!(
        case["result"],
        json!({"id_number": "X0*****56", "same_id_number": false, "name": "考 生·0", "same_name": true,
               "year": 2005, "score": 700})
    );
    assert_eq!(
        (&case["school"], &case["applied_by"]),
        (&json!("99101"), &Value::Null)
    );
    let decided = decide(&school, &case, "approved", " saw both documents ")
        .await
        .expect(200);
    assert_eq!(
        (&decided["state"], &decided["decided_by"], &decided["reason"]),
        (
            &json!("approved"),
            &json!("staff of school:99101"),
            &json!("saw both documents")
        )
    );
    assert_eq!(
        may_sit(&li).await,
        ["1", "2", "F"],
        "R4: live, after the enrolment is saved"
    );
    li.hold("991010-2").await;
    let seen = li.get("/v1/review").await.expect(200);
    assert_eq!(
        (&seen["state"], &seen["reason"]),
        (&json!("approved"), &json!("saw both documents"))
    );
    for decision in ["approved", "rejected"] {
        let again = decide(&school, &case, decision, "again").await;
        again.refused(409, "review_exists");
    }

    the_trail_says_who_and_why(&server).await;
    server.finish().await;
}

/// And nothing of the person.
async fn the_trail_says_who_and_why(server: &Server<'_>) {
    let trail = trail(server).await;
    let decided: Vec<&Value> = trail
        .iter()
        .filter(|record| record["kind"] == "review_decided")
        .collect();
    assert_eq!(decided.len(), 1);
    let payload = &decided[0]["payload"];
    assert_eq!(
        (&payload["by"], &payload["reason"], &payload["decision"]),
        (
            &json!({"staff": "staff of school:99101"}),
            &json!("saw both documents"),
            &json!("approved")
        )
    );
    let text = format!("{trail:?}");
    for personal in ["N0", "考生0", "X0-123456", "\"P0\""] {
        assert!(!text.contains(personal), "{personal} in the trail");
    }
}

async fn r6_what_matches_neither_way_is_refused_and_nothing_is_stored(place: Place) {
    let server = start(&place).await;
    import_results(
        &server,
        "LOW,P0,考生0,2024,424\nOLD,P0,考生0,2004,700\nLOWNAME,Z1,考生0,2024,424\n",
    )
    .await;
    let li = agreed(&server, 0).await;
    for ticket in ["T1", "N1", "LOW", "OLD", "LOWNAME", "nobody's", "t0"] {
        let refused = apply(&li, ticket).await.refused(422, "no_matching_result");
        assert!(refused["detail"].as_str().unwrap().contains("2005"), "{refused}");
    }
    for ticket in ["", &"9".repeat(33), "a\u{0}b"] {
        let refused = apply(&li, ticket).await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "/cet4_ticket");
    }
    li.get("/v1/review").await.refused(404, "not_found");
    li.delete("/v1/review").await.refused(404, "not_found");
    assert_eq!(shown(&li).await, json!({"available": true, "state": null}));
    assert_eq!(listed(&server.staff("national"), "").await, Vec::<Value>::new());
    let trail = trail(&server).await;
    assert!(trail.iter().all(|record| record["kind"] != "review_applied"));
    server.finish().await;
}

/// An application on behalf of candidate 0, with something in it changed.
fn on_behalf(staff: &Client, change: &Value) -> Call {
    let mut asked = json!({"province": "99", "id_type": "passport", "id_number": "p0", "cet4_ticket": "1999-17",
                           "reason": "passed in 1999: the certificate was seen"});
    for (name, value) in change.as_object().unwrap() {
        asked[name] = value.clone();
    }
    staff.post("/v1/staff/reviews", &asked)
}

async fn r6_staff_apply_on_behalf_of_one_who_has_accepted_nothing_yet(place: Place) {
    let server = start(&place).await;
    let (school, other) = (server.staff("school:99101"), server.staff("school:99102"));
    on_behalf(&school, &json!({})).await.refused(404, "not_found");
    let li = server.student(&student(0));
    li.get("/v1/account").await.expect(200);

    for (change, pointer) in [
        (json!({"reason": " "}), "/reason"),
        (json!({"reason": "长".repeat(501)}), "/reason"),
        (json!({"id_type": "driving_licence"}), "/id_type"),
        (json!({"id_number": "P 0"}), "/id_number"),
        (json!({"province": "九十九"}), "/province"),
        (json!({"cet4_ticket": "9".repeat(33)}), "/cet4_ticket"),
    ] {
        let refused = on_behalf(&school, &change).await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    on_behalf(&school, &json!({"id_number": "P99"}))
        .await
        .refused(404, "no_student_record");
    on_behalf(&school, &json!({"province": "98"}))
        .await
        .refused(404, "no_student_record");
    on_behalf(&other, &json!({})).await.refused(403, "forbidden");
    server
        .student(&Student::number(7))
        .get("/v1/account")
        .await
        .expect(200);
    on_behalf(&school, &json!({"id_number": "P7"}))
        .await
        .refused(403, "not_eligible");

    let made = on_behalf(&school, &json!({})).await.expect(201);
    assert_eq!(
        (&made["state"], &made["applied_by"], &made["applied_reason"]),
        (
            &json!("pending"),
            &json!("staff of school:99101"),
            &json!("passed in 1999: the certificate was seen")
        )
    );
    on_behalf(&school, &json!({})).await.refused(409, "review_exists");
    li.get("/v1/review").await.refused(403, "agreement_required");

    let server = server.restart().await;
    let (li, school) = (server.student(&student(0)), server.staff("school:99101"));
    let case = pending(&school).await;
    assert_eq!(case["id"], made["id"]);
    assert_eq!(
        (&case["cet4_ticket"], &case["result"]),
        (&json!("1999-17"), &Value::Null)
    );
    decide(&school, &case, "rejected", "of another person")
        .await
        .expect(200);
    // Corrected by staff, this time without a ticket.
    let again =
        json!({"province": "99", "id_type": "passport", "id_number": "P0", "reason": "the ticket is lost"});
    school.post("/v1/staff/reviews", &again).await.expect(201);
    let case = pending(&school).await;
    assert_eq!(
        case["cet4_ticket"],
        Value::Null,
        "not the one of the application before"
    );
    decide(&school, &case, "approved", "the certificate was seen")
        .await
        .expect(200);
    li.enrol().await;
    assert_eq!(may_sit(&li).await, ["1", "2", "F"]);
    let seen = li.get("/v1/review").await.expect(200);
    assert_eq!(seen["reason"], "the certificate was seen");
    server.finish().await;
}

async fn r6_staff_apply_for_the_account_that_the_record_is_bound_to(place: Place) {
    let server = start(&place).await;
    let school = server.staff("school:99101");
    let mut claims = server.student_claims(&student(1));
    claims.sub = "the same person by another way".into();
    let twin = server.bearer(&server.mint(&claims));
    twin.enrol().await;
    agreed(&server, 1).await.get("/v1/account").await.expect(200);
    let of_twin = json!({"province": "99", "id_type": "passport", "id_number": "P1", "reason": "lost"});
    school.post("/v1/staff/reviews", &of_twin).await.expect(201);
    assert_eq!(shown(&twin).await["state"], "pending");
    server.finish().await;
}

async fn r7_what_was_rejected_is_corrected_or_deleted(place: Place) {
    let server = start(&place).await;
    let school = server.staff("school:99101");
    let (li, wang) = (agreed(&server, 0).await, agreed(&server, 1).await);
    for (candidate, ticket) in [(&li, "N0"), (&wang, "N1")] {
        apply(candidate, ticket).await.expect(201);
        let case = pending(&school).await;
        decide(&school, &case, "rejected", "another person's")
            .await
            .expect(200);
        let seen = candidate.get("/v1/review").await.expect(200);
        assert_eq!(
            (&seen["state"], &seen["reason"]),
            (&json!("rejected"), &json!("another person's"))
        );
        assert_eq!(
            shown(candidate).await,
            json!({"available": true, "state": "rejected"})
        );
    }
    // One corrects: a wrong ticket leaves what there is, the right one approves.
    apply(&li, "nobody's").await.refused(422, "no_matching_result");
    assert_eq!(shown(&li).await["state"], "rejected");
    assert_eq!(apply(&li, "T0").await.expect(201)["state"], "approved");
    assert_eq!(may_sit(&li).await, ["1", "2", "F"]);
    // The other deletes, and begins again.
    wang.delete("/v1/review").await.expect(204);
    wang.delete("/v1/review").await.refused(404, "not_found");
    wang.get("/v1/review").await.refused(404, "not_found");
    assert_eq!(listed(&school, "?state=rejected").await, Vec::<Value>::new());
    let server = server.restart().await;
    let (wang, school) = (server.student(&student(1)), server.staff("school:99101"));
    wang.get("/v1/review").await.refused(404, "not_found");
    assert_eq!(apply(&wang, "N1").await.expect(201)["state"], "pending");
    let case = pending(&school).await;
    assert_eq!(case["cet4_ticket"], "N1");
    decide(&school, &case, "rejected", "still another person's")
        .await
        .expect(200);
    assert_eq!(apply(&wang, "N1").await.expect(201)["state"], "pending");
    server.finish().await;
}

async fn r7_an_approved_review_stays_whatever_becomes_of_the_enrolment(place: Place) {
    let server = start(&place).await;
    let li = agreed(&server, 0).await;
    li.enrol_again().await;
    apply(&li, "T0").await.expect(201);
    li.hold("991010-2").await;
    li.delete("/v1/enrolment").await.expect(204);
    assert_eq!(li.get("/v1/review").await.expect(200)["state"], "approved");
    li.enrol_again().await;
    li.hold("991010-2").await;
    // The sitting calls its subjects otherwise: what a review grants is English level six, whatever its code.
    let mut sitting = town_sitting();
    let new = json!({"code": "E6", "name": "英语六级笔试", "paper": "written", "language": "en", "level": 6});
    sitting["subjects"].as_array_mut().unwrap().insert(0, new);
    let put = server.staff("national").put("/v1/staff/sitting", &sitting);
    put.await.expect(200);
    let found = li.get("/v1/qualification").await.expect(200);
    assert_eq!(codes(&found["eligible_subjects"]), ["E6", "1", "F"]);
    server.finish().await;
}

async fn refusals_of_an_application_come_in_the_documented_order(place: Place) {
    let server = start(&place).await;
    let stranger = Student {
        id_number: "N9".into(),
        ..student(0)
    };
    let li = server.student(&stranger);
    let asks = async |who: &Client, status: u16, code: &str| apply(who, "N0").await.refused(status, code);
    asks(&server.nobody(), 401, "unauthenticated").await;
    asks(&server.staff("national"), 403, "forbidden").await;
    li.call("POST", "/v1/review")
        .body("application/json", "{")
        .await
        .refused(400, "invalid_request");
    asks(&li, 403, "agreement_required").await;
    li.get("/v1/review").await.refused(403, "agreement_required");
    li.delete("/v1/review").await.refused(403, "agreement_required");
    li.agree().await;
    asks(&li, 404, "no_student_record").await;
    // Province 98 opens later.
    let barred = Student {
        subjects: "1",
        barred: "2",
        ..Student::of_98(0)
    };
    import_students(&server, std::slice::from_ref(&barred)).await;
    let wang = server.student(&barred);
    wang.agree().await;
    asks(&wang, 409, "outside_window").await;
    server.advance(kaowei_core::time::Span::from_secs(10 * 86_400));
    asks(&wang, 403, "not_eligible").await;
    let pool = json!({"capacity": 1, "open": true, "fee_fen": 3000});
    let put = server.staff("national").put("/v1/staff/pools/981010-2", &pool);
    put.await.expect(201);
    let free = Student { barred: "", ..barred };
    import_students(&server, &[free]).await;
    asks(&wang, 422, "no_matching_result").await;
    import_results(&server, "N98,Z9,邻省考生0,2024,500\n").await;
    apply(&wang, "N98").await.expect(201);
    asks(&wang, 409, "review_exists").await;
    server.finish().await;
}

async fn r15_the_same_key_gives_the_same_answer_whatever_was_decided_since(place: Place) {
    let server = start(&place).await;
    let school = server.staff("school:99101");
    let li = agreed(&server, 0).await;
    let made = apply(&li, "N0").key("one").await.expect(201);
    assert_eq!(apply(&li, "N0").key("one").await.expect(201), made);
    apply(&li, "T0")
        .key("one")
        .await
        .refused(422, "idempotency_mismatch");
    let confirmed = json!({"phone_confirmed": true});
    li.post("/v1/enrolment", &confirmed)
        .key("one")
        .await
        .refused(422, "idempotency_mismatch");
    // A refusal is not remembered.
    apply(&li, "T0").key("two").await.refused(409, "review_exists");

    let case = pending(&school).await;
    let rejected = decide(&school, &case, "rejected", "no")
        .key("one")
        .await
        .expect(200);
    assert_eq!(
        rejected["state"], "rejected",
        "a key of staff is none of the candidate's"
    );
    let corrected = apply(&li, "N0").key("two").await.expect(201);
    let server = server.restart().await;
    let (li, school) = (server.student(&student(0)), server.staff("school:99101"));
    // A late repeat of the decision does not decide about what was sent since.
    let again = decide(&school, &case, "rejected", "no").key("one").await;
    assert_eq!(again.expect(200), rejected);
    decide(&school, &case, "approved", "no")
        .key("one")
        .await
        .refused(422, "idempotency_mismatch");
    assert_eq!(pending(&school).await["state"], "pending");
    assert_eq!(apply(&li, "N0").key("one").await.expect(201), made);
    assert_eq!(apply(&li, "N0").key("two").await.expect(201), corrected);

    agreed(&server, 1).await.get("/v1/account").await.expect(200);
    let asked = json!({"province": "99", "id_type": "passport", "id_number": "P1", "reason": "lost"});
    let behalf = || school.post("/v1/staff/reviews", &asked).key("three");
    let made = behalf().await.expect(201);
    assert_eq!(behalf().await.expect(201), made);
    let path = format!("/v1/staff/reviews/{}", made["id"].as_str().unwrap());
    let approve = json!({"decision": "approved", "reason": "seen"});
    school.post(&path, &approve).await.expect(200);
    assert_eq!(behalf().await.expect(201), made);
    server.finish().await;
}

async fn r32_staff_see_the_reviews_below_their_scope(place: Place) {
    let server = start(&place).await;
    for n in 0..4 {
        apply(&agreed(&server, n).await, &format!("N{n}"))
            .await
            .expect(201);
    }
    apply(&agreed(&server, 4).await, "T4").await.expect(201);
    for (scope, seen) in [
        ("national", 5),
        ("province:99", 5),
        ("school:99101", 5),
        ("province:98", 0),
        ("school:99102", 0),
        ("school:98101", 0),
    ] {
        let staff = server.staff(scope);
        assert_eq!(listed(&staff, "").await.len(), seen, "{scope}");
        assert_eq!(
            listed(&staff, "?state=pending").await.len(),
            seen.saturating_sub(1),
            "{scope}"
        );
    }
    let school = server.staff("school:99101");
    let all = listed(&school, "?state=pending").await;
    // Page by page: none is left out, none comes twice.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = school
            .get(&format!("/v1/staff/reviews?state=pending&limit=3{cursor}"))
            .await
            .expect(200);
        paged.extend(page["reviews"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    for (query, status) in [
        ("?state=undecided", 422),
        ("?limit=0", 422),
        ("?limit=many", 400),
        ("?cursor=%21", 400),
    ] {
        let refused = school.get(&format!("/v1/staff/reviews{query}")).await;
        refused.refused(status, "invalid_request");
    }

    server.finish().await;
}

async fn r32_staff_decide_the_reviews_below_their_scope(place: Place) {
    let server = start(&place).await;
    for n in 0..4 {
        apply(&agreed(&server, n).await, &format!("N{n}"))
            .await
            .expect(201);
    }
    let school = server.staff("school:99101");
    let all = listed(&school, "?state=pending").await;
    let (first, second) = (&all[0], &all[1]);
    for scope in ["province:98", "school:99102", "school:98101"] {
        decide(&server.staff(scope), first, "approved", "seen")
            .await
            .refused(403, "forbidden");
    }
    for id in ["0", "999999", "017", "-1", "nonsense"] {
        decide(&school, &json!({ "id": id }), "approved", "seen")
            .await
            .refused(404, "not_found");
    }
    for (body, pointer) in [
        (json!({"decision": "maybe", "reason": "seen"}), "/decision"),
        (json!({"decision": "approved", "reason": ""}), "/reason"),
        (json!({"decision": "approved"}), "/reason"),
    ] {
        let path = format!("/v1/staff/reviews/{}", first["id"].as_str().unwrap());
        let refused = school.post(&path, &body).await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    decide(&school, first, "rejected", "not his").await.expect(200);
    decide(&server.staff("province:99"), second, "approved", "seen")
        .await
        .expect(200);
    assert_eq!(listed(&school, "?state=pending").await.len(), 2);
    assert_eq!(listed(&school, "?state=rejected").await.len(), 1);
    let approved = listed(&school, "?state=approved").await;
    let by: Vec<&Value> = approved.iter().map(|review| &review["decided_by"]).collect();
    assert_eq!(by, [&json!("staff of province:99")]);
    server.finish().await;
}
