//! Idempotency keys and repeats: the same answer, whatever happened between (R15, 2.1).

use futures_util::future::join_all;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Server};
use serde_json::json;

on_both_stores! {
    r15_the_same_key_gives_the_same_answer_after_a_cancellation_and_a_restart
    r15_a_new_key_answered_with_the_enrolment_that_is_there_is_remembered
    r15_requests_with_a_key_in_flight_wait_for_the_first_answer
    refusals_are_not_remembered_and_the_last_32_keys_are
}

async fn r15_the_same_key_gives_the_same_answer_after_a_cancellation_and_a_restart(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    li.agree().await;
    let confirmed = json!({"phone_confirmed": true});
    let saved = li.post("/v1/enrolment", &confirmed).key("save").await;
    let page = saved.expect(201);
    assert_eq!(
        li.post("/v1/enrolment", &confirmed).key("save").await.expect(201),
        page
    );
    let other = json!({"phone_confirmed": true, "record_version": 1});
    li.post("/v1/enrolment", &other)
        .key("save")
        .await
        .refused(422, "idempotency_mismatch");
    li.claim("991010-1", "reject")
        .key("save")
        .await
        .refused(422, "idempotency_mismatch");

    let made = li.claim("991010-1", "reject").key("seat").await.expect(201);
    assert_eq!(li.claim("991010-1", "reject").key("seat").await.expect(201), made);
    li.claim("991010-1", "waitlist")
        .key("seat")
        .await
        .refused(422, "idempotency_mismatch");
    li.claim("991010-2", "reject")
        .key("seat")
        .await
        .refused(422, "idempotency_mismatch");
    li.post("/v1/enrolment", &confirmed)
        .key("seat")
        .await
        .refused(422, "idempotency_mismatch");
    let repeat = li.claim("991010-1", "waitlist").key("again").await.expect(200);
    assert_eq!(repeat, made, "a repeat finds the claim that is there");
    // Another candidate's key of the same name is another key.
    server
        .enrolled(1)
        .await
        .claim("991010-1", "reject")
        .key("seat")
        .await
        .expect(201);
    li.cancel(made["id"].as_str().unwrap()).await.expect(200);

    let server = server.restart().await;
    let li = server.candidate(0);
    assert_eq!(li.claim("991010-1", "reject").key("seat").await.expect(201), made);
    assert_eq!(
        li.claim("991010-1", "waitlist").key("again").await.expect(200),
        made
    );
    li.claim("991010-2", "reject")
        .key("seat")
        .await
        .refused(422, "idempotency_mismatch");
    let again = li.post("/v1/enrolment", &confirmed).key("save").await.expect(201);
    assert_eq!(again["saved_at"], page["saved_at"]);
    assert_eq!(li.states().await, ["cancelled"]);
    li.hold("991010-1").await;

    for bad in ["", "a b", &"k".repeat(256)] {
        let refused = li
            .claim("991010-1", "reject")
            .key(bad)
            .await
            .refused(400, "invalid_request");
        assert_eq!(refused["errors"][0]["parameter"], "idempotency-key");
    }
    server.finish().await;
}

async fn r15_a_new_key_answered_with_the_enrolment_that_is_there_is_remembered(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let seat = li.hold("991010-2").await;
    let waits = wang.claim("991010-2", "waitlist").await.expect(201);
    assert_eq!(waits["position"], 1);
    let confirmed = json!({"phone_confirmed": true});
    let other = json!({"phone_confirmed": true, "record_version": 1});
    let save = |who: &Client, body| who.post("/v1/enrolment", body).key("again");

    let of_li = save(&li, &confirmed).await.expect(200);
    let of_wang = save(&wang, &confirmed).await.expect(200);
    assert_eq!(of_li["claims"][0]["id"], seat);
    assert_eq!(of_wang["claims"][0]["position"], 1);
    for (who, page) in [(&li, &of_li), (&wang, &of_wang)] {
        save(who, &other).await.refused(422, "idempotency_mismatch");
        who.claim("991010-1", "reject")
            .key("again")
            .await
            .refused(422, "idempotency_mismatch");
        assert_eq!(save(who, &confirmed).await.expect(200), *page);
    }
    // Whatever happens since: the seat goes, the queue moves on, the enrolment is deleted.
    li.cancel(&seat).await.expect(200);
    assert_eq!(save(&wang, &confirmed).await.expect(200), of_wang);
    li.delete("/v1/enrolment").await.expect(204);
    assert_eq!(save(&li, &confirmed).await.expect(200), of_li);

    let server = server.restart().await;
    let (li, wang) = (server.candidate(0), server.candidate(1));
    assert_eq!(save(&wang, &confirmed).await.expect(200), of_wang);
    assert_eq!(save(&li, &confirmed).await.expect(200), of_li);
    save(&li, &other).await.refused(422, "idempotency_mismatch");
    li.get("/v1/enrolment").await.refused(409, "not_enrolled");
    // A fresh one is answered as it is saved, without the claims of the one before.
    let fresh = li
        .post("/v1/enrolment", &confirmed)
        .key("fresh")
        .await
        .expect(201);
    assert_eq!(fresh["claims"], json!([]));
    assert_eq!(
        li.post("/v1/enrolment", &confirmed)
            .key("fresh")
            .await
            .expect(201),
        fresh
    );
    server.finish().await;
}

async fn r15_requests_with_a_key_in_flight_wait_for_the_first_answer(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let same = (0..10).map(|_| li.claim("991010-2", "reject").key("k").into_future());
    let answers: Vec<_> = join_all(same)
        .await
        .iter()
        .map(|reply| reply.expect(201))
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // Without keys: two tabs and a double click find the same claim.
    let tabs = (0..10).map(|_| wang.claim("991010-2", "waitlist").into_future());
    let answers = join_all(tabs).await;
    assert_eq!(answers.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|reply| reply.status == 200).count(), 9);
    assert!(
        answers
            .iter()
            .all(|reply| reply.json()["id"] == answers[0].json()["id"])
    );
    let pool = server
        .staff("national")
        .get("/v1/staff/pools/991010-2")
        .await
        .expect(200);
    assert_eq!((&pool["held"], &pool["waiting"]), (&json!(1), &json!(1)));
    server.finish().await;
}

async fn refusals_are_not_remembered_and_the_last_32_keys_are(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let seat = li.hold("991010-2").await;
    wang.claim("991010-2", "reject")
        .key("first")
        .await
        .refused(409, "pool_full");
    li.cancel(&seat).await.expect(200);
    let made = wang.claim("991010-2", "reject").key("first").await.expect(201);
    for n in 0..31 {
        let repeat = wang
            .claim("991010-2", "reject")
            .key(&format!("k{n}"))
            .await
            .expect(200);
        assert_eq!(repeat, made);
    }
    let server = server.restart().await;
    let wang = server.candidate(1);
    assert_eq!(
        wang.claim("991010-2", "reject").key("first").await.expect(201),
        made,
        "32 keys ago"
    );
    wang.claim("991010-2", "reject").key("one-more").await.expect(200);
    let forgotten = wang.claim("991010-2", "waitlist").key("first").await.expect(200);
    assert_eq!(
        forgotten, made,
        "33 keys ago: no mismatch, the claim is found all the same"
    );
    server.finish().await;
}
