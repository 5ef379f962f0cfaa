//! What staff see and change: capacity, drain, preview, pools, overview, audit, expiry (R32–R35, 1.4).

use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{Server, Student};
use serde_json::{Value, json};

on_both_stores! {
    r34_a_preview_says_what_a_change_does_and_the_change_does_it
    r34_a_lower_capacity_is_refused_with_the_numbers_or_drained
    r33_pools_are_made_and_changed_by_those_above_them
    pools_of_unknown_campuses_and_subjects_are_refused
    r32_the_overview_and_lists_show_what_lies_below_the_scope
    r35_the_audit_lists_each_stream_in_pages
    expiry_is_suspended_and_resumed_by_staff_and_by_a_clock_that_jumps
}

async fn r34_a_preview_says_what_a_change_does_and_the_change_does_it(place: Place) {
    let server = Server::start_town(&place).await;
    server.enrolled(0).await.hold("991010-2").await;
    let mut waiting = Vec::new();
    for n in 1..=3 {
        waiting.push(server.enrolled(n).await.queue("991010-2").await);
    }
    let school = server.staff("school:99101");
    let preview = async |capacity: &str| {
        let path = format!("/v1/staff/pools/991010-2/preview?capacity={capacity}");
        school.get(&path).await
    };
    let more = preview("3").await.expect(200);
    assert_eq!(more["would_promote"], json!(waiting[..2]));
    assert_eq!(
        (&more["capacity_now"], &more["held"], &more["waiting"]),
        (&json!(1), &json!(1), &json!(3))
    );
    assert_eq!(more["refused"], Value::Null);
    let less = preview("0").await.expect(200);
    assert_eq!(
        (&less["refused"], &less["would_promote"]),
        (&json!("capacity_below_taken"), &json!([]))
    );
    preview("").await.refused(422, "invalid_request");
    preview("many").await.refused(400, "invalid_request");
    assert_eq!(
        server.candidate(1).states().await,
        ["waiting"],
        "a preview changes nothing"
    );

    let changed = school
        .patch("/v1/staff/pools/991010-2", &json!({"capacity": 3}))
        .await
        .expect(200);
    assert_eq!((&changed["held"], &changed["waiting"]), (&json!(3), &json!(1)));
    for (n, state) in [(1, "held"), (2, "held"), (3, "waiting")] {
        assert_eq!(server.candidate(n).states().await, [state]);
    }
    server.finish().await;
}

async fn r34_a_lower_capacity_is_refused_with_the_numbers_or_drained(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang, zhao) = (
        server.enrolled(0).await,
        server.enrolled(1).await,
        server.enrolled(2).await,
    );
    let (first, second) = (li.hold("991010-1").await, wang.hold("991010-1").await);
    zhao.queue("991010-1").await;
    let school = server.staff("school:99101");
    let pool = "/v1/staff/pools/991010-1";
    let refused = school
        .patch(pool, &json!({"capacity": 1}))
        .await
        .refused(409, "capacity_below_taken");
    assert_eq!((&refused["held"], &refused["paid"]), (&json!(2), &json!(0)));
    let put = json!({"capacity": 0, "open": true, "fee_fen": 3000});
    school.put(pool, &put).await.refused(409, "capacity_below_taken");

    let drained = school
        .patch(pool, &json!({"capacity": 1, "when_short": "drain"}))
        .await
        .expect(200);
    assert_eq!(
        (&drained["capacity"], &drained["held"], &drained["draining"]),
        (&json!(1), &json!(2), &json!(true))
    );
    assert_eq!(li.states().await, ["held"], "no seat is taken from anybody");
    li.cancel(&first).await.expect(200);
    let left = school.get(pool).await.expect(200);
    assert_eq!(
        (&left["held"], &left["waiting"], &left["draining"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert_eq!(zhao.states().await, ["waiting"], "the released seat vanished");
    wang.cancel(&second).await.expect(200);
    assert_eq!(
        zhao.states().await,
        ["held"],
        "below the capacity the queue is promoted again"
    );
    server.finish().await;
}

async fn r33_pools_are_made_and_changed_by_those_above_them(place: Place) {
    let server = Server::start_town(&place).await;
    let school = server.staff("school:99101");
    let new = json!({"capacity": 5, "open": true, "fee_fen": 2500, "exam_date": "2026-12-12 下午"});
    let made = school.put("/v1/staff/pools/991011-3", &new).await.expect(201);
    assert_eq!(
        (&made["capacity"], &made["fee_fen"], &made["exam_date"]),
        (&json!(5), &json!(2500), &new["exam_date"])
    );
    assert_eq!(
        school.put("/v1/staff/pools/991011-3", &new).await.expect(200)["capacity"],
        5
    );
    let public = server.nobody().get("/v1/pools?campus=991011").await.expect(200);
    assert_eq!(public["pools"][2]["id"], "991011-3");
    assert!(
        public["pools"][2].get("capacity").is_none(),
        "candidates see some or none"
    );
    let li = server.enrolled(0).await;
    let claim = li.claim("991011-3", "reject").await.expect(201);
    assert_eq!(claim["fee_fen"], 2500);
    let dearer = school
        .patch("/v1/staff/pools/991011-3", &json!({"fee_fen": 9900}))
        .await
        .expect(200);
    assert_eq!(
        (&dearer["fee_fen"], &dearer["capacity"]),
        (&json!(9900), &json!(5))
    );
    let path = format!("/v1/claims/{}", claim["id"].as_str().unwrap());
    assert_eq!(
        li.get(&path).await.expect(200)["fee_fen"],
        2500,
        "who has claimed pays what it cost then"
    );
    school
        .patch("/v1/staff/pools/991011-3", &json!({"open": false}))
        .await
        .expect(200);
    let wang = server.enrolled(1).await;
    wang.claim("991011-3", "reject").await.refused(409, "pool_closed");
    assert_eq!(li.states().await, ["held"]);
    let server = server.restart().await;
    let kept = server
        .staff("national")
        .get("/v1/staff/pools/991011-3")
        .await
        .expect(200);
    assert_eq!(
        (&kept["fee_fen"], &kept["open"], &kept["held"]),
        (&json!(9900), &json!(false), &json!(1))
    );
    server.finish().await;
}

async fn pools_of_unknown_campuses_and_subjects_are_refused(place: Place) {
    let server = Server::start_town(&place).await;
    let school = server.staff("school:99101");
    let new = json!({"capacity": 5, "open": true, "fee_fen": 2500});
    for (pool, status, code) in [
        ("999999-1", 404, "not_found"),
        ("991010-9", 422, "invalid_request"),
        ("nonsense", 404, "not_found"),
        ("991020-3", 403, "forbidden"),
    ] {
        school
            .put(&format!("/v1/staff/pools/{pool}"), &new)
            .await
            .refused(status, code);
    }
    school
        .patch("/v1/staff/pools/991011-S", &json!({"open": true}))
        .await
        .refused(404, "not_found");
    school
        .get("/v1/staff/pools/991011-S")
        .await
        .refused(404, "not_found");
    school
        .get("/v1/staff/pools/991011-S/preview?capacity=1")
        .await
        .refused(404, "not_found");
    server.finish().await;
}

async fn r32_the_overview_and_lists_show_what_lies_below_the_scope(place: Place) {
    let server = Server::start_town(&place).await;
    server.enrolled(0).await.hold("991010-2").await;
    server.enrolled(1).await.queue("991010-2").await;
    for (scope, pools, held, waiting) in [
        ("national", 11, 1, 1),
        ("province:99", 9, 1, 1),
        ("province:98", 2, 0, 0),
        ("school:99101", 7, 1, 1),
        ("school:99102", 2, 0, 0),
        ("school:00000", 0, 0, 0),
    ] {
        let staff = server.staff(scope);
        let overview = staff.get("/v1/staff/overview").await.expect(200);
        let total = &overview["total"];
        assert_eq!(
            (&total["pools"], &total["held"], &total["waiting"]),
            (&json!(pools), &json!(held), &json!(waiting)),
            "{scope}"
        );
        assert_eq!(overview["longest_queues"].as_array().unwrap().len(), waiting);
        assert_eq!(
            (&overview["sitting"], &overview["ready"]),
            (&json!("2026-2"), &json!(true))
        );
        let list = staff.get("/v1/staff/pools").await.expect(200);
        assert_eq!(list["pools"].as_array().unwrap().len(), pools, "{scope}");
    }
    let national = server.staff("national");
    for (query, pools) in [
        ("province=98", 2),
        ("school=99101", 7),
        ("campus=991010", 5),
        ("campus=991010&paper=oral", 2),
        ("province=98&school=99101", 0),
    ] {
        let list = national
            .get(&format!("/v1/staff/pools?{query}"))
            .await
            .expect(200);
        assert_eq!(list["pools"].as_array().unwrap().len(), pools, "{query}");
    }
    let other = server
        .staff("province:98")
        .get("/v1/staff/pools?province=99")
        .await
        .expect(200);
    assert_eq!(
        other["pools"],
        json!([]),
        "asking for more than the scope shows nothing of it"
    );
    national
        .get("/v1/staff/pools?paper=practical")
        .await
        .refused(422, "invalid_request");
    server.finish().await;
}

async fn r35_the_audit_lists_each_stream_in_pages(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let claim = li.claim("991010-2", "reject").await.expect(201);
    let wang = server.enrolled(1).await;
    let waiting = wang.queue("991010-2").await;
    wang.cancel_because(&waiting, "wrong_choice").await.expect(200);
    let staff = server.staff("school:99101");
    let mut path = "/v1/staff/audit?pool=991010-2&limit=1".to_owned();
    let mut records: Vec<Value> = Vec::new();
    loop {
        let page = staff.get(&path).await.expect(200);
        assert_eq!(page["stream"], "991010-2");
        records.extend(page["records"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/staff/audit?pool=991010-2&limit=1&cursor={cursor}");
    }
    let kinds: Vec<_> = records
        .iter()
        .map(|record| record["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["pool_created", "claim_held", "claim_queued", "claim_withdrawn"]
    );
    assert_eq!(
        (&records[1]["hash"], &records[1]["seq"]),
        (&claim["chain_hash"], &claim["seq"])
    );
    let whole = staff.get("/v1/staff/audit?pool=991010-2").await.expect(200);
    assert_eq!(
        (&whole["records"], &whole["next_cursor"]),
        (&json!(records), &Value::Null)
    );

    let cell = server
        .staff("province:99")
        .get("/v1/staff/audit?cell=99")
        .await
        .expect(200);
    assert_eq!(cell["stream"], "cell:99");
    let has = |list: &Value, kind: &str| {
        let records = list["records"].as_array().unwrap();
        records.iter().any(|record| record["kind"] == kind)
    };
    assert!(has(&cell, "enrolled"));
    let national = server
        .staff("national")
        .get("/v1/staff/audit?cell=all")
        .await
        .expect(200);
    assert!(has(&national, "sitting_saved"));
    let text = cell.to_string() + &national.to_string() + &whole.to_string();
    for personal in ["考生0", "\"P0\"", "13800000000"] {
        assert!(
            !text.contains(personal),
            "the trail knows pseudonyms only: {personal}"
        );
    }
    for (path, status, code) in [
        ("/v1/staff/audit", 422, "invalid_request"),
        ("/v1/staff/audit?pool=991010-2&cell=99", 422, "invalid_request"),
        ("/v1/staff/audit?pool=991020-1", 403, "forbidden"),
        ("/v1/staff/audit?pool=991020-2", 404, "not_found"),
        ("/v1/staff/audit?cell=99", 403, "forbidden"),
        ("/v1/staff/audit?pool=991010-2&cursor=%21", 400, "invalid_request"),
    ] {
        staff.get(path).await.refused(status, code);
    }
    server.finish().await;
}

async fn expiry_is_suspended_and_resumed_by_staff_and_by_a_clock_that_jumps(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.hold("991010-2").await;
    let national = server.staff("national");
    assert_eq!(
        national.get("/v1/staff/expiry").await.expect(200)["running"],
        true
    );
    let set = async |resume: bool, reason: &str| {
        let asked = json!({"resume": resume, "reason": reason});
        national.post("/v1/staff/expiry", &asked).await
    };
    set(false, "  ").await.refused(422, "invalid_request");
    set(false, &"长".repeat(501))
        .await
        .refused(422, "invalid_request");
    let suspended = set(false, "the provider is down").await.expect(200);
    assert_eq!(
        (&suspended["running"], &suspended["reason"]),
        (&json!(false), &json!("the provider is down"))
    );
    assert_eq!(suspended["since"], "2026-09-21T14:13:20.000Z");
    let school = server.staff("school:99101");
    let refused = school.post("/v1/staff/expiry", &json!({"resume": true, "reason": "mine"}));
    refused.await.refused(403, "forbidden");
    server.advance(Span::from_secs(90_000));
    // Everything behind the store is done before this is answered, so nothing expired.
    server.engine.verify_tables().await.unwrap();
    assert_eq!(li.states().await, ["held"]);
    wang.claim("991010-2", "reject").await.refused(409, "pool_full");
    // A sign of life: what fell due while the engine was down would get that time back.
    set(false, "the provider is still down").await.expect(200);
    let server = server.restart().await;
    let national = server.staff("national");
    assert_eq!(
        national.get("/v1/staff/expiry").await.expect(200)["running"],
        false,
        "it outlives a restart"
    );
    let resumed = national.post(
        "/v1/staff/expiry",
        &json!({"resume": true, "reason": "all is well"}),
    );
    assert_eq!(resumed.await.expect(200)["running"], true);
    let li = server.candidate(0);
    eventually("the hold expires after all", async || {
        li.states().await == ["expired"]
    })
    .await;

    let zhao = server.student(&Student::number(2));
    zhao.enrol().await;
    zhao.hold("991010-2").await;
    server.jump(Span::from_secs(26 * 3_600));
    let status = national.get("/v1/staff/expiry").await.expect(200);
    assert_eq!(status["running"], false, "a jump of the clock suspends expiry");
    assert!(status["reason"].as_str().unwrap().contains("clock"), "{status}");
    let overview = national.get("/v1/staff/overview").await.expect(200);
    assert_eq!(overview["expiry"]["running"], false);
    let told = server.metrics().await;
    assert!(
        told.contains("\nkaowei_expiry_suspended 1\n"),
        "operators are alarmed: {told}"
    );
    assert_eq!(zhao.states().await, ["held"]);
    national
        .post(
            "/v1/staff/expiry",
            &json!({"resume": true, "reason": "the time server was right"}),
        )
        .await
        .expect(200);
    eventually("the hold expires", async || zhao.states().await == ["expired"]).await;
    server.finish().await;
}
