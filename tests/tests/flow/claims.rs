//! Claims: one a level, oral after written, in order of arrival, repeated without harm (R11–R15, R17, R19–R23).

use futures_util::future::join_all;
use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Client, Reply, Server, Student, import_students, town_sitting};
use serde_json::{Value, json};

on_both_stores! {
    a_claim_that_is_long_gone_is_still_found_by_its_id
    r11_offered_to_me_are_written_pools_where_the_school_opened_them_and_oral_ones_anywhere
    r12_one_claim_a_level_whatever_the_language_and_r13_oral_needs_written
    r14_a_crowd_at_once_gets_no_more_seats_than_there_are_in_order_of_arrival
    r16_a_repeat_after_the_deadline_finds_the_seat_passed_on
    r19_a_closed_oral_site_takes_a_queue_and_a_closed_written_pool_takes_none
    r20_r22_the_queue_is_first_in_first_out_and_leaving_it_needs_a_reason
    r23_the_queue_stays_after_the_window_until_promotion_ends_and_then_lapses
}

fn ids(list: &Value) -> Vec<&str> {
    let pools = list["pools"].as_array().unwrap();
    pools.iter().map(|pool| pool["id"].as_str().unwrap()).collect()
}

async fn r11_offered_to_me_are_written_pools_where_the_school_opened_them_and_oral_ones_anywhere(
    place: Place,
) {
    let server = Server::start_town(&place).await;
    let li = server.candidate(0);
    let offered = li.get("/v1/pools?offered_to=me").await.expect(200);
    let written = ["991010-1", "991010-2", "991010-3", "991011-1", "991011-2"];
    let oral = ["991010-F", "991010-S", "991020-F"];
    assert_eq!(ids(&offered).iter().filter(|id| oral.contains(id)).count(), 3);
    assert_eq!(ids(&offered).iter().filter(|id| written.contains(id)).count(), 5);
    assert_eq!(ids(&offered).len(), 8);
    let oral_only = li.get("/v1/pools?offered_to=me&paper=oral").await.expect(200);
    assert_eq!(ids(&oral_only), oral);
    let here = li.get("/v1/pools?offered_to=me&campus=991011").await.expect(200);
    assert_eq!(ids(&here), ["991011-1", "991011-2"]);
    let barred = Student {
        barred: "2;S",
        open_campuses: "",
        ..Student::number(1)
    };
    import_students(&server, &[barred]).await;
    let offered = server
        .candidate(1)
        .get("/v1/pools?offered_to=me")
        .await
        .expect(200);
    assert_eq!(ids(&offered), ["991010-1", "991010-3", "991010-F", "991020-F"]);
    let offered = server
        .student(&Student::of_98(0))
        .get("/v1/pools?offered_to=me")
        .await
        .expect(200);
    assert_eq!(ids(&offered), ["981010-1", "981010-F"]);

    server
        .nobody()
        .get("/v1/pools?offered_to=me")
        .await
        .refused(401, "unauthenticated");
    server
        .staff("national")
        .get("/v1/pools?offered_to=me")
        .await
        .refused(403, "forbidden");
    li.get("/v1/pools?offered_to=you")
        .await
        .refused(422, "invalid_request");
    server
        .student(&Student::number(99))
        .get("/v1/pools?offered_to=me")
        .await
        .refused(404, "no_student_record");

    let everything = server.nobody().get("/v1/pools").await.expect(200);
    assert_eq!(ids(&everything).len(), 11);
    let school = server
        .nobody()
        .get("/v1/pools?school=99102&paper=written")
        .await
        .expect(200);
    assert_eq!(ids(&school), ["991020-1"]);
    let pool = &school["pools"][0];
    assert_eq!(
        (&pool["opens_at"], &pool["closes_at"]),
        (
            &json!("2026-09-25T00:00:00.000Z"),
            &json!("2026-11-01T00:00:00.000Z")
        )
    );
    assert_eq!(
        pool["subject"],
        json!({"code":"1","name":"英语四级笔试","paper":"written","level":4,"language":"en","requires":null})
    );
    assert_eq!(
        ids(&server.nobody().get("/v1/pools?campus=000000").await.expect(200)),
        Vec::<&str>::new()
    );
    server.finish().await;
}

async fn r12_one_claim_a_level_whatever_the_language_and_r13_oral_needs_written(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.claim("991010-F", "reject")
        .await
        .refused(409, "written_required");
    let four = li.hold("991010-1").await;
    for same_level in ["991010-3", "991011-1"] {
        let refused = li.claim(same_level, "waitlist").await.refused(409, "level_taken");
        assert_eq!(
            refused["claim"]["id"],
            json!(four),
            "the claim that takes it is shown"
        );
    }
    li.hold("991010-2").await;
    let oral = li.hold("991010-F").await;
    let refused = li.claim("991020-F", "waitlist").await.refused(409, "level_taken");
    assert_eq!(refused["claim"]["id"], json!(oral));

    // A waiting written claim is not enough; a promoted one is.
    let zhao = server.enrolled(2).await;
    let taken = zhao.hold("991011-1").await;
    wang.queue("991011-1").await;
    wang.claim("991010-F", "waitlist")
        .await
        .refused(409, "written_required");
    zhao.cancel(&taken).await.expect(200);
    wang.queue("991010-F").await;
    assert_eq!(wang.states().await, ["held", "waiting"]);

    // The waiting oral claim goes with the written one, however that went.
    server.advance(Span::from_secs(86_400));
    eventually("both written claims expire", async || {
        wang.states().await == ["expired", "removed"] && li.states().await.iter().all(|state| state != "held")
    })
    .await;
    assert_eq!(
        li.states()
            .await
            .iter()
            .filter(|state| *state == "removed" || *state == "expired")
            .count(),
        3
    );
    server.finish().await;
}

async fn r14_a_crowd_at_once_gets_no_more_seats_than_there_are_in_order_of_arrival(place: Place) {
    let server = Server::start_town(&place).await;
    let crowd: Vec<Client> = join_all((0..12).map(|n| server.enrolled(n))).await;
    let asked = crowd
        .iter()
        .map(|one| one.claim("991010-1", "waitlist").into_future());
    let mut answers: Vec<Value> = join_all(asked)
        .await
        .iter()
        .map(|reply| reply.expect(201))
        .collect();
    answers.sort_by_key(|claim| claim["seq"].as_u64());
    let held: Vec<bool> = answers.iter().map(|claim| claim["state"] == "held").collect();
    assert_eq!(held.iter().filter(|held| **held).count(), 2, "the capacity");
    assert!(held[0] && held[1], "who came first sits");
    let positions: Vec<_> = answers[2..]
        .iter()
        .map(|claim| claim["position"].as_u64().unwrap())
        .collect();
    assert_eq!(positions, (1..=10).collect::<Vec<_>>());
    let pool = server
        .staff("national")
        .get("/v1/staff/pools/991010-1")
        .await
        .expect(200);
    assert_eq!(
        (&pool["held"], &pool["waiting"], &pool["capacity"]),
        (&json!(2), &json!(10), &json!(2))
    );
    server.finish().await;
}

async fn r19_a_closed_oral_site_takes_a_queue_and_a_closed_written_pool_takes_none(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    for on_full in ["reject", "waitlist"] {
        li.claim("991011-2", on_full).await.refused(409, "pool_closed");
    }
    let list = server.nobody().get("/v1/pools?campus=991011").await.expect(200);
    assert_eq!(list["pools"][1]["waitlist"], json!({"open": false, "length": 0}));
    li.hold("991010-1").await;
    wang.hold("991010-1").await;
    li.claim("991020-F", "reject").await.refused(409, "pool_closed");
    let waiting = li.queue("991020-F").await;
    let refused = li
        .claim("991020-F", "reject")
        .await
        .refused(409, "already_waiting");
    assert_eq!(refused["claim"]["id"], json!(waiting));
    let list = server
        .nobody()
        .get("/v1/pools?campus=991020&paper=oral")
        .await
        .expect(200);
    let pool = &list["pools"][0];
    assert_eq!(
        (&pool["availability"], &pool["open"]),
        (&json!("none"), &json!(false))
    );
    assert_eq!(pool["waitlist"], json!({"open": true, "length": 1}));
    let behind = wang.queue("991020-F").await;

    let school = server.staff("school:99102");
    let opened = school
        .patch("/v1/staff/pools/991020-F", &json!({"open": true}))
        .await
        .expect(200);
    assert_eq!(
        (&opened["held"], &opened["waiting"]),
        (&json!(1), &json!(1)),
        "R21: the opening promotes the head"
    );
    assert_eq!(li.states().await, ["held", "held"]);
    assert_eq!(
        wang.get(&format!("/v1/claims/{behind}")).await.expect(200)["position"],
        1
    );
    server.finish().await;
}

async fn r20_r22_the_queue_is_first_in_first_out_and_leaving_it_needs_a_reason(place: Place) {
    let server = Server::start_town(&place).await;
    let holder = server.enrolled(0).await;
    let seat = holder.hold("991010-3").await;
    let mut waiting = Vec::new();
    for n in 1..=4 {
        let one = server.enrolled(n).await;
        let claim = one.queue("991010-3").await;
        waiting.push((one, claim));
    }
    let (middle, claim) = &waiting[1];
    for reason in [None, Some(""), Some("   ")] {
        let call = middle.cancel(claim);
        let call = match reason {
            Some(reason) => call.json(&json!({"reason": reason})),
            None => call,
        };
        assert_eq!(
            call.await.refused(422, "invalid_request")["errors"][0]["pointer"],
            "/reason"
        );
    }
    middle
        .cancel_because(claim, &"长".repeat(501))
        .await
        .refused(422, "invalid_request");
    let left = middle.cancel_because(claim, "我改主意了").await.expect(200);
    assert_eq!(
        (&left["state"], &left["position"]),
        (&json!("withdrawn"), &Value::Null)
    );
    let positions = join_all([0, 2, 3].map(|n| {
        let (one, claim) = &waiting[n];
        one.get(&format!("/v1/claims/{claim}")).into_future()
    }));
    let positions: Vec<_> = positions
        .await
        .iter()
        .map(|reply| reply.expect(200)["position"].clone())
        .collect();
    assert_eq!(positions, [1, 2, 3]);
    let (last, claim) = &waiting[3];
    last.cancel_because(claim, "changed_plans").await.expect(200);

    holder.cancel(&seat).await.expect(200);
    assert_eq!(waiting[0].0.states().await, ["held"]);
    assert_eq!(waiting[2].0.states().await, ["waiting"], "nobody jumps");
    // A held seat needs no reason, but may have one.
    let (first, claim) = &waiting[0];
    assert_eq!(
        first.cancel_because(claim, "time_conflict").await.expect(200)["state"],
        "cancelled"
    );
    assert_eq!(waiting[2].0.states().await, ["held"]);
    let export = server
        .staff("national")
        .get("/v1/staff/exports/audit.csv")
        .await
        .text();
    assert!(export.contains("changed_plans"), "R22: the reason is kept");
    assert!(
        !export.contains("我改主意了"),
        "R35: own words are no part of the trail"
    );
    server.finish().await;
}

async fn r23_the_queue_stays_after_the_window_until_promotion_ends_and_then_lapses(place: Place) {
    let server = Server::start_town(&place).await;
    // To 2026-11-30T23:00:00Z.
    for days in [35, 35] {
        server.advance(Span::from_secs(days * 86_400));
    }
    server.advance(Span::from_secs(31_600));
    let mut people = Vec::new();
    for n in 0..4 {
        people.push(server.enrolled(n).await);
    }
    let [li, wang, zhao, late] = <[Client; 4]>::try_from(people).ok().unwrap();
    let seat = li.hold("991010-2").await;
    wang.queue("991010-2").await;
    zhao.queue("991010-2").await;
    server.advance(Span::from_secs(3_600));
    for on_full in ["reject", "waitlist"] {
        late.claim("991010-2", on_full)
            .await
            .refused(409, "outside_window");
    }
    let closed = |reply: Reply| reply.expect(200)["pools"][1]["waitlist"].clone();
    let list = server.nobody().get("/v1/pools?campus=991010").await;
    assert_eq!(closed(list), json!({"open": false, "length": 2}));
    server.advance(Span::from_secs(3_600));
    li.cancel(&seat).await.expect(200);
    assert_eq!(
        wang.states().await,
        ["held"],
        "promotion goes on after the window"
    );
    assert_eq!(
        wang.get("/v1/claims").await.expect(200)["claims"][0]["held_until"],
        "2026-12-02T01:00:00.000Z"
    );
    server.advance(Span::from_secs(23 * 3_600));
    eventually("who still waits lapses at the end of promotion", async || {
        zhao.states().await == ["lapsed"]
    })
    .await;
    assert_eq!(
        wang.states().await,
        ["held"],
        "who was promoted has the full time"
    );
    server.advance(Span::from_secs(3_600));
    eventually("the hold ends", async || wang.states().await == ["expired"]).await;
    server.finish().await;
}

async fn r16_a_repeat_after_the_deadline_finds_the_seat_passed_on(place: Place) {
    let server = Server::start_town(&place).await;
    let mut sitting = town_sitting();
    sitting["hold_seconds"] = json!(3_600);
    server
        .staff("national")
        .put("/v1/staff/sitting", &sitting)
        .await
        .expect(200);
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.hold("991010-2").await;
    wang.queue("991010-2").await;
    // The clock moves and nobody has looked at it yet; the first to ask is the one whose time is over.
    place.clock.advance(Span::from_secs(3_600));
    li.claim("991010-2", "reject").await.refused(409, "pool_full");
    assert_eq!(li.states().await, ["expired"]);
    let promoted = wang.get("/v1/claims").await.expect(200);
    assert_eq!(promoted["claims"][0]["state"], "held");
    assert_eq!(promoted["claims"][0]["held_until"], "2026-09-21T16:13:20.000Z");
    let again = li.queue("991010-2").await;
    assert_eq!(
        li.get(&format!("/v1/claims/{again}")).await.expect(200)["position"],
        1
    );
    server.finish().await;
}

async fn a_claim_that_is_long_gone_is_still_found_by_its_id(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let mut claims = Vec::new();
    for _ in 0..40 {
        let claim = li.hold("991010-1").await;
        li.cancel(&claim).await.expect(200);
        claims.push(claim);
    }
    li.hold("991010-1").await;
    let listed = li.states().await.len();
    assert!(
        (33..=41).contains(&listed),
        "the active one and the latest of those gone: {listed}"
    );
    let server = server.restart().await;
    let (li, wang) = (server.candidate(0), server.enrolled(1).await);
    wang.hold("991010-1").await;
    for claim in [&claims[0], &claims[39]] {
        let path = format!("/v1/claims/{claim}");
        assert_eq!(li.get(&path).await.expect(200)["state"], "cancelled");
        li.cancel(claim).await.refused(409, "already_gone");
        wang.get(&path).await.refused(404, "not_found");
    }
    server.finish().await;
}
