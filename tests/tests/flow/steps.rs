//! The steps of the flow that a candidate goes between logging in and paying, one test each, as the flow numbers them
//! (S5–S7, S11–S17). What rules forbid on the way is tested rule by rule in the other files.

use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student, import_students};
use serde_json::{Value, json};

on_both_stores! {
    s5_the_agreement_is_read_accepted_and_opens_what_lies_behind_it
    s6_the_qualification_query_finds_the_record_or_says_where_to_ask
    s7_the_record_and_what_may_be_sat_are_shown_for_confirmation
    s11_the_record_is_confirmed_in_the_version_that_was_seen
    s12_saving_confirms_the_phone_and_starts_the_day
    s13_a_written_subject_is_chosen_from_what_is_offered_and_claimed
    s14_the_page_shows_until_when_each_claim_and_the_enrolment_are_kept
    s15_oral_campuses_are_chosen_from_a_list_of_the_whole_province
    s16_an_oral_subject_is_claimed_beside_its_written_one
    s17_both_claims_are_on_the_page_each_due_with_its_paper
}

const START: &str = "2026-09-21T14:13:20.000Z";
const A_MINUTE_LATER: &str = "2026-09-21T14:14:20.000Z";
const A_DAY_LATER: &str = "2026-09-22T14:13:20.000Z";
const A_DAY_AND_A_MINUTE_LATER: &str = "2026-09-22T14:14:20.000Z";

fn codes(subjects: &Value) -> Vec<&str> {
    let subjects = subjects.as_array().unwrap().iter();
    subjects
        .map(|subject| subject["code"].as_str().unwrap())
        .collect()
}

fn ids(pools: &Value) -> Vec<&str> {
    let pools = pools["pools"].as_array().unwrap().iter();
    pools.map(|pool| pool["id"].as_str().unwrap()).collect()
}

async fn s5_the_agreement_is_read_accepted_and_opens_what_lies_behind_it(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    let sitting = server.nobody().get("/v1/sitting").await.expect(200);
    let agreement = &sitting["agreement"];
    assert!(!agreement["text"].as_str().unwrap().is_empty());
    li.get("/v1/qualification")
        .await
        .refused(403, "agreement_required");
    let accept = json!({"version": agreement["version"]});
    let accepted = li.put("/v1/agreement", &accept).await.expect(200);
    assert_eq!(accepted["accepted_at"], START);
    li.get("/v1/qualification").await.expect(200);
    server.finish().await;
}

async fn s6_the_qualification_query_finds_the_record_or_says_where_to_ask(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, stranger) = (server.candidate(0), server.student(&Student::number(500)));
    for client in [&li, &stranger] {
        client.agree().await;
    }
    let found = li.get("/v1/qualification").await.expect(200);
    assert_eq!(
        (&found["record"]["name"], &found["record"]["school"]),
        (&json!("考生0"), &json!("99101"))
    );
    let none = stranger.get("/v1/qualification").await;
    let refused = none.refused(404, "no_student_record");
    assert!(refused["detail"].as_str().unwrap().contains("学校"), "{refused}");
    server.finish().await;
}

async fn s7_the_record_and_what_may_be_sat_are_shown_for_confirmation(place: Place) {
    let server = Server::start_town(&place).await;
    let barred = Student {
        barred: "2",
        ..Student::number(0)
    };
    import_students(&server, &[barred]).await;
    let li = server.candidate(0);
    li.agree().await;
    let found = li.get("/v1/qualification").await.expect(200);
    let record = &found["record"];
    for (field, value) in [
        ("campus", "991010"),
        ("major", "数学"),
        ("id_number", "**"),
        ("degree", "本科"),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert_eq!(codes(&found["eligible_subjects"]), ["1", "3", "F", "S"]);
    assert_eq!(found["review"], json!({"available": false, "state": null}));
    server.finish().await;
}

async fn s11_the_record_is_confirmed_in_the_version_that_was_seen(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    li.agree().await;
    let seen = li.get("/v1/qualification").await.expect(200)["record_version"].clone();
    let corrected = Student {
        major: "物理",
        ..Student::number(0)
    };
    import_students(&server, &[corrected]).await;
    let stale = json!({"phone_confirmed": true, "record_version": seen});
    li.post("/v1/enrolment", &stale)
        .await
        .refused(409, "record_changed");
    let seen = li.get("/v1/qualification").await.expect(200);
    assert_eq!(seen["record"]["major"], "物理");
    let confirmed = json!({"phone_confirmed": true, "record_version": seen["record_version"]});
    let page = li.post("/v1/enrolment", &confirmed).await.expect(201);
    assert_eq!(page["record_version"], seen["record_version"]);
    server.finish().await;
}

async fn s12_saving_confirms_the_phone_and_starts_the_day(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    li.agree().await;
    let account = li.get("/v1/account").await.expect(200);
    assert_eq!(account["phone"], "138****0000", "the number that is confirmed");
    let refused = li.post("/v1/enrolment", &json!({"phone_confirmed": false})).await;
    let refused = refused.refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/phone_confirmed");
    let saved = li.post("/v1/enrolment", &json!({"phone_confirmed": true}));
    let page = saved.await.expect(201);
    assert_eq!(
        (&page["saved_at"], &page["delete_after"]),
        (&json!(START), &json!(A_DAY_LATER))
    );
    server.finish().await;
}

async fn s13_a_written_subject_is_chosen_from_what_is_offered_and_claimed(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let offered = li.get("/v1/pools?offered_to=me&paper=written").await.expect(200);
    assert_eq!(
        ids(&offered),
        ["991010-1", "991010-2", "991010-3", "991011-1", "991011-2"]
    );
    let first = &offered["pools"][0];
    assert_eq!(
        (&first["availability"], &first["fee_fen"], &first["exam_date"]),
        (&json!("some"), &json!(3000), &json!("2026-12-12"))
    );
    let claim = li.claim("991010-1", "reject").await.expect(201);
    assert_eq!(
        (&claim["state"], &claim["held_until"], &claim["fee_fen"]),
        (&json!("held"), &json!(A_DAY_LATER), &json!(3000))
    );
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(page["choices"]["quick_print"], true);
    server.finish().await;
}

async fn s14_the_page_shows_until_when_each_claim_and_the_enrolment_are_kept(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    server.advance(Span::from_secs(60));
    li.hold("991010-1").await;
    let page = li.get("/v1/enrolment").await.expect(200);
    assert_eq!(page["delete_after"], A_DAY_LATER);
    assert_eq!(
        (&page["claims"][0]["created_at"], &page["claims"][0]["held_until"]),
        (&json!(A_MINUTE_LATER), &json!(A_DAY_AND_A_MINUTE_LATER))
    );
    // While a claim is active the enrolment stays; with the last one it goes.
    server.advance(Span::from_secs(86_400 - 30));
    li.get("/v1/enrolment").await.expect(200);
    server.finish().await;
}

async fn s15_oral_campuses_are_chosen_from_a_list_of_the_whole_province(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let offered = li.get("/v1/pools?offered_to=me&paper=oral").await.expect(200);
    assert_eq!(ids(&offered), ["991010-F", "991010-S", "991020-F"]);
    let not_open_yet = &offered["pools"][2];
    assert_eq!(
        (
            &not_open_yet["school"],
            &not_open_yet["open"],
            &not_open_yet["waitlist"]["open"]
        ),
        (&json!("99102"), &json!(false), &json!(true))
    );
    server.finish().await;
}

async fn s16_an_oral_subject_is_claimed_beside_its_written_one(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    li.claim("991010-F", "reject")
        .await
        .refused(409, "written_required");
    li.hold("991010-1").await;
    let oral = li.claim("991010-F", "reject").await.expect(201);
    assert_eq!((&oral["state"], &oral["fee_fen"]), (&json!("held"), &json!(5000)));
    server.finish().await;
}

async fn s17_both_claims_are_on_the_page_each_due_with_its_paper(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let (written, oral) = (li.hold("991010-1").await, li.hold("991010-F").await);
    let page = li.get("/v1/enrolment").await.expect(200);
    let due = |paper: &str, amount: u32, claim: &str| json!({"paper": paper, "amount_fen": amount, "claims": [claim], "pay_before": A_DAY_LATER});
    assert_eq!(
        page["due"],
        json!([due("written", 3000, &written), due("oral", 5000, &oral)])
    );
    let steps = page["progress"].as_array().unwrap().iter();
    let states: Vec<&Value> = steps.map(|step| &step["state"]).collect();
    assert_eq!(states, ["done", "done", "done", "done", "todo", "done", "locked"]);
    server.finish().await;
}
