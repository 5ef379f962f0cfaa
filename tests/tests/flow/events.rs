//! Streams of events, for candidates and for staff: what is told, to whom, from where on, and how a stream ends.

use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Events, PASSWORD, Server, Setup, Student};
use serde_json::{Value, json};

on_both_stores! {
    a_candidate_s_stream_tells_his_own_news_and_nobody_else_s
    a_stream_goes_on_where_it_was_and_says_so_where_it_can_not
    a_reader_who_was_told_of_a_notice_finds_it_in_the_list
    staff_follow_what_lies_below_their_scope
    staff_go_on_where_they_were
    streams_are_bounded_and_end_with_the_server
    a_stream_ends_with_its_session_and_with_a_new_password
}

const OWN: &str = "/v1/events";
const STAFF: &str = "/v1/staff/events";

async fn a_candidate_s_stream_tells_his_own_news_and_nobody_else_s(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.candidate(0), server.candidate(1));
    let (mut of_li, mut of_wang) = (li.follow(OWN, None).await, wang.follow(OWN, None).await);
    of_li.resync().await;
    of_wang.resync().await;
    li.enrol().await;
    let enrolled = of_li.expect("enrolment").await.data;
    assert_eq!(
        (&enrolled["enrolled"], &enrolled["delete_after"]),
        (&json!(true), &json!("2026-09-22T14:13:20.000Z"))
    );
    let seat = li.hold("991010-2").await;
    let claim = of_li.expect("claim").await.data;
    assert_eq!((&claim["id"], &claim["state"]), (&json!(seat), &json!("held")));
    // All that wang hears is his own.
    wang.enrol().await;
    of_wang.expect("enrolment").await;
    let waiting = wang.queue("991010-2").await;
    let claim = of_wang.expect("claim").await.data;
    assert_eq!(
        (&claim["state"], &claim["position"]),
        (&json!("waiting"), &json!(1))
    );
    li.cancel(&seat).await.expect(200);
    assert_eq!(of_li.expect("claim").await.data["state"], "cancelled");
    let claim = of_wang.expect("claim").await.data;
    assert_eq!((&claim["id"], &claim["state"]), (&json!(waiting), &json!("held")));
    let notice = of_wang.expect("notice").await.data;
    assert_eq!(
        (&notice["kind"], &notice["claim"]),
        (&json!("promoted"), &json!(waiting))
    );
    wang.delete("/v1/enrolment").await.expect(204);
    assert_eq!(of_wang.expect("claim").await.data["state"], "removed");
    let gone = json!({"enrolled": false, "saved_at": null, "delete_after": null});
    assert_eq!(of_wang.expect("enrolment").await.data, gone);
    li.delete("/v1/enrolment").await.expect(204);
    assert_eq!(
        of_li.expect("enrolment").await.data,
        gone,
        "and li hears nothing of wang"
    );
    server.finish().await;
}

async fn a_stream_goes_on_where_it_was_and_says_so_where_it_can_not(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let mut events = li.follow(OWN, None).await;
    let beginning = events.resync().await;
    let seat = li.hold("991010-2").await;
    let held = events.expect("claim").await;
    drop(events);
    server.enrolled(1).await.queue("991010-2").await;
    li.cancel(&seat).await.expect(200);
    // Both changes, each as it stands by now, and nothing of what others did.
    let mut events = li.follow(OWN, Some(&beginning)).await;
    let first = events.expect("claim").await;
    assert_eq!((&first.id, &first.data["state"]), (&held.id, &json!("cancelled")));
    let second = events.expect("claim").await;
    assert_ne!(second.id, first.id);
    let mut events = li.follow(OWN, held.id.as_deref()).await;
    assert_eq!(events.expect("claim").await.id, second.id);
    li.hold("991010-1").await;
    assert_eq!(events.expect("claim").await.data["pool"], "991010-1");

    let future = format!("{}-9999", beginning.split('-').next().unwrap());
    for unknown in ["", "nonsense", "1f-1", "ffffffffffffffffffff-1", &future] {
        let mut events = li.follow(OWN, Some(unknown)).await;
        events.resync().await;
        drop(events);
    }
    // Nobody knows what a restart has cut off.
    let server = server.restart().await;
    let mut events = server.candidate(0).follow(OWN, held.id.as_deref()).await;
    events.resync().await;
    server.finish().await;
}

async fn a_reader_who_was_told_of_a_notice_finds_it_in_the_list(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    li.hold("991010-1").await;
    let mut events = li.follow(OWN, None).await;
    events.resync().await;
    for hours in [18, 5] {
        server.advance(Span::from_secs(hours * 3_600));
        let told = events.expect("notice").await.data;
        let list = li.get("/v1/notices").await.expect(200);
        let latest = list["notices"].as_array().and_then(|list| list.last());
        assert_eq!(latest, Some(&told), "the same in every word");
    }
    server.finish().await;
}

async fn pool(events: &mut Events) -> Value {
    events.expect("pool").await.data
}

async fn staff_follow_what_lies_below_their_scope(place: Place) {
    let server = Server::start_town(&place).await;
    let national = server.staff("national");
    let mut of_nation = national.follow(STAFF, None).await;
    let mut of_school = server.staff("school:99101").follow(STAFF, None).await;
    let mut of_others = server.staff("school:99102").follow(STAFF, None).await;
    for events in [&mut of_nation, &mut of_school, &mut of_others] {
        events.resync().await;
    }
    server.enrolled(0).await.hold("991010-2").await;
    for events in [&mut of_nation, &mut of_school] {
        let pool = pool(events).await;
        assert_eq!(
            (&pool["id"], &pool["held"], &pool["capacity"]),
            (&json!("991010-2"), &json!(1), &json!(1))
        );
    }
    let raised = national.patch("/v1/staff/pools/991020-1", &json!({"capacity": 7}));
    raised.await.expect(200);
    // Had they been told of the other school's pool, that would have come first.
    for events in [&mut of_nation, &mut of_others] {
        let pool = pool(events).await;
        assert_eq!((&pool["id"], &pool["capacity"]), (&json!("991020-1"), &json!(7)));
    }
    let suspend = json!({"resume": false, "reason": "a test"});
    national.post("/v1/staff/expiry", &suspend).await.expect(200);
    for events in [&mut of_nation, &mut of_school, &mut of_others] {
        let expiry = events.expect("expiry").await.data;
        assert_eq!(
            (&expiry["running"], &expiry["reason"]),
            (&json!(false), &json!("a test"))
        );
    }
    let mut sitting = kaowei_tests::server::town_sitting();
    sitting["name"] = json!("改名后的考试");
    national.put("/v1/staff/sitting", &sitting).await.expect(200);
    for events in [&mut of_nation, &mut of_school, &mut of_others] {
        events.expect("catalogue").await;
    }
    server.finish().await;
}

async fn staff_go_on_where_they_were(place: Place) {
    let server = Server::start_town(&place).await;
    let school = server.staff("school:99101");
    let mut events = school.follow(STAFF, None).await;
    let beginning = events.resync().await;
    drop(events);
    for n in 0..4 {
        server
            .enrolled(n)
            .await
            .claim("991010-2", "waitlist")
            .await
            .expect(201);
    }
    server.enrolled(4).await.hold("991010-3").await;
    // What changed is told once, as it stands now; only the last has a place.
    let mut events = school.follow(STAFF, Some(&beginning)).await;
    let first = events.expect("pool").await;
    assert_eq!(
        (&first.data["id"], &first.data["waiting"], &first.id),
        (&json!("991010-2"), &json!(3), &None)
    );
    let second = events.expect("pool").await;
    assert_eq!(
        (&second.data["id"], second.id.is_some()),
        (&json!("991010-3"), true)
    );
    let mut events = school.follow(STAFF, second.id.as_deref()).await;
    server.enrolled(5).await.hold("991011-1").await;
    assert_eq!(pool(&mut events).await["id"], "991011-1");
    server.finish().await;
}

async fn streams_are_bounded_and_end_with_the_server(place: Place) {
    let mut setup = Setup::default();
    setup.limits.streams_max = 6;
    let server = Server::start_town_as(&place, setup).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(li.follow(OWN, None).await);
    }
    li.get(OWN).await.refused(429, "rate_limited");
    open.push(wang.follow(OWN, None).await);
    wang.get(OWN).await.refused(503, "overloaded");
    open.push(server.staff("national").follow(STAFF, None).await);
    assert!(server.metrics().await.contains("\nkaowei_event_streams 7\n"));
    drop(open.remove(0));
    eventually("its place is free again", async || {
        server.metrics().await.contains("\nkaowei_event_streams 6\n")
    })
    .await;
    open.push(li.follow(OWN, None).await);
    for events in &mut open {
        events.resync().await;
    }
    let server = server.restart().await;
    for events in &mut open {
        events.ends().await;
    }
    server.finish().await;
}

async fn a_stream_ends_with_its_session_and_with_a_new_password(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    server.register(&student).await;
    let (li, library) = (server.logged_in(&student).await, server.logged_in(&student).await);
    let mut left_open = library.follow(OWN, None).await;
    left_open.resync().await;
    library.delete("/v1/sessions").await.expect(204);
    left_open.resync().await;
    left_open.ends().await;
    library.get(OWN).await.refused(401, "unauthenticated");
    let mut events = li.follow(OWN, None).await;
    events.resync().await;
    let change = json!({"password": "another horse battery", "current_password": PASSWORD});
    li.patch("/v1/account", &change).await.expect(200);
    events.resync().await;
    events.ends().await;
    li.get(OWN).await.refused(401, "unauthenticated");
    server.finish().await;
}
