//! The conventions of the contract: bodies, languages, pages of problems, tags, cursors, limits (2.1, 2.6).

use futures_util::future::join_all;
use kaowei::auth::AccountRate;
use kaowei::problem::Code;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{
    Client, PASSWORD, Server, Setup, Student, import_students, login, registration, town_sitting,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_stores! {
    what_can_t_be_parsed_is_400_and_what_is_wrong_is_422_with_its_place
    a_body_that_is_too_long_too_deep_or_of_another_type_is_refused_whoever_sends_it
    titles_follow_the_language_and_each_code_has_its_page
    what_is_polled_has_a_tag_and_answers_304_until_it_changes
    lists_page_by_cursor_without_gap_or_repeat
    an_account_that_asks_too_often_is_told_when_to_come_again
    beyond_what_can_be_served_claims_are_overloaded_and_all_else_goes_on
    what_is_no_request_is_answered_without_a_problem_and_disturbs_nobody
    an_address_that_does_not_exist_and_a_method_that_it_does_not_take_are_problems_too
}

/// Addresses that take a JSON body, by whom, with a good body.
async fn with_bodies(server: &Server<'_>) -> Vec<(Client, &'static str, String, Value)> {
    let (li, national) = (server.candidate(0), server.staff("national"));
    let reason = json!({"resume": true, "reason": "test"});
    let buyer = server.enrolled(11).await;
    let order = buyer.buy("991011-1", "1").await;
    let cashier = &*format!("/sandbox/pay/{order}");
    let refund = &*format!("/v1/staff/orders/{order}/refund");
    let pool = json!({"capacity": 3, "open": true, "fee_fen": 1});
    let bodies = [
        (li.clone(), "PUT", "/v1/agreement", json!({"version": "2026-1"})),
        (
            li.clone(),
            "POST",
            "/v1/enrolment",
            json!({"phone_confirmed": true}),
        ),
        (
            li.clone(),
            "POST",
            "/v1/claims",
            json!({"pool": "991010-1", "on_full": "reject"}),
        ),
        (
            li.clone(),
            "POST",
            "/v1/claims/991010-1-1/cancel",
            json!({"reason": "changed_plans"}),
        ),
        (li, "POST", "/v1/review", json!({"cet4_ticket": "1"})),
        (national.clone(), "PUT", "/v1/staff/sitting", town_sitting()),
        (national.clone(), "PUT", "/v1/staff/pools/991010-1", pool),
        (
            national.clone(),
            "PATCH",
            "/v1/staff/pools/991010-1",
            json!({"capacity": 4}),
        ),
        (national.clone(), "POST", "/v1/staff/expiry", reason),
        (
            buyer.clone(),
            "PUT",
            "/v1/enrolment/score-reports",
            json!({"choices": [{"subject": "1", "choice": "electronic"}]}),
        ),
        (
            buyer.clone(),
            "PUT",
            "/v1/enrolment/quick-print",
            json!({"enabled": true}),
        ),
        (
            buyer,
            "POST",
            "/v1/orders",
            json!({"paper": "written", "method": "sandbox"}),
        ),
        (server.nobody(), "POST", cashier, json!({"outcome": "failed"})),
        (national.clone(), "POST", refund, json!({"reason": "test"})),
        (national, "PUT", "/v1/staff/sandbox", json!({"down": false})),
    ];
    let owned = |(client, method, path, body): (Client, &'static str, &str, Value)| {
        (client, method, path.to_owned(), body)
    };
    let visitors = with_bodies_of_visitors(server).map(owned);
    let about_people = with_bodies_about_people(server).await;
    bodies
        .map(owned)
        .into_iter()
        .chain(visitors)
        .chain(about_people)
        .collect()
}

/// Those by which staff decide about people.
async fn with_bodies_about_people(server: &Server<'_>) -> [(Client, &'static str, String, Value); 3] {
    let review = review(server).await;
    let account = json!({"login": "wang", "name": "王", "scope": "national", "reason": "new"});
    let on_behalf = json!({"province": "99", "id_type": "passport", "id_number": "P0", "reason": "lost"});
    let verdict = json!({"decision": "approved", "reason": "seen"});
    let post = |path: &str, body| (server.staff("national"), "POST", path.to_owned(), body);
    [
        post("/v1/staff/accounts", account),
        post("/v1/staff/reviews", on_behalf),
        post(&review, verdict),
    ]
}

/// Those by which one gets an account and a token, and changes them.
fn with_bodies_of_visitors(server: &Server<'_>) -> [(Client, &'static str, &'static str, Value); 6] {
    let (nobody, student) = (server.nobody(), Student::number(0));
    let captcha = json!({"id": "x", "answer": "y"});
    let with_captcha = |mut body: Value| {
        body["captcha"] = captcha.clone();
        body
    };
    let reset = json!({"province": "99", "id_type": "passport", "id_number": "P0"});
    let new_password = json!({"code": "12345678", "password": PASSWORD});
    let post = |path, body| (nobody.clone(), "POST", path, body);
    [
        post("/v1/accounts", with_captcha(registration(&student))),
        post("/v1/sessions", with_captcha(login(&student, PASSWORD))),
        post(
            "/v1/staff/sessions",
            with_captcha(json!({"login": "wang", "password": PASSWORD, "code": "x"})),
        ),
        post("/v1/password-resets", with_captcha(reset)),
        post("/v1/password-resets/x", new_password),
        (
            server.candidate(0),
            "PATCH",
            "/v1/account",
            json!({"phone": "13911112222", "code": "12345678"}),
        ),
    ]
}

/// The address of a review of candidate 0 that is pending.
async fn review(server: &Server<'_>) -> String {
    let only_four = Student {
        subjects: "1",
        ..Student::number(0)
    };
    import_students(server, std::slice::from_ref(&only_four)).await;
    server.candidate(0).get("/v1/account").await.expect(200);
    let asked = json!({"province": "99", "id_type": "passport", "id_number": "P0", "reason": "lost"});
    let made = server.staff("national").post("/v1/staff/reviews", &asked);
    let made = made.await.expect(201);
    format!("/v1/staff/reviews/{}", made["id"].as_str().unwrap())
}

async fn what_can_t_be_parsed_is_400_and_what_is_wrong_is_422_with_its_place(place: Place) {
    let server = Server::start_town(&place).await;
    let bodies = with_bodies(&server).await;
    let nobody = server.nobody();
    let operations = nobody.contract().operations().iter();
    let taking_json = operations.filter(|operation| operation.takes_json).count();
    assert_eq!(
        taking_json,
        bodies.len(),
        "an operation with a body is missing here"
    );
    for (client, method, path, good) in &bodies {
        let send = async |body: &[u8]| {
            let call = client.call(method, path).body("application/json", body.to_vec());
            call.await
        };
        for broken in [
            &b"{"[..],
            b"nonsense",
            b"{\"a\":1} x",
            b"\xff\xfe",
            b"{\"a\":\"\xff\"}",
            b"{'a':1}",
            b"{\"a\":1,}",
        ] {
            send(broken).await.refused(400, "invalid_request");
        }
        for wrong in [&b"[]"[..], b"\"text\"", b"17", b"null", b"true"] {
            send(wrong).await.refused(422, "invalid_request");
        }
        let mut unknown = good.clone();
        unknown["colour"] = json!("red");
        let refused = client
            .call(method, path)
            .json(&unknown)
            .await
            .refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "/colour", "{method} {path}");
        // A captcha is ignored where none is asked for.
        let names = good.as_object().unwrap().keys();
        for name in names.filter(|name| *name != "captcha") {
            let mut wrong = good.clone();
            wrong[name] = json!({"not": ["what", "is", "wanted"]});
            let refused = client
                .call(method, path)
                .json(&wrong)
                .await
                .refused(422, "invalid_request");
            let pointer = refused["errors"][0]["pointer"].as_str().unwrap();
            assert!(
                pointer.starts_with(&format!("/{name}")),
                "{method} {path}: {pointer} is not {name}"
            );
        }
    }
    let li = server.candidate(0);
    let empty = li.call("POST", "/v1/claims").body("application/json", "").await;
    empty.refused(400, "invalid_request");
    let missing = li
        .post("/v1/claims", &json!({"pool": "991010-1"}))
        .await
        .refused(422, "invalid_request");
    assert_eq!(missing["errors"][0]["pointer"], "/on_full");
    let staff = server.staff("national");
    let too_much = json!({"capacity": 4_294_967_296_u64});
    let refused = staff
        .patch("/v1/staff/pools/991010-1", &too_much)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/capacity");
    server.finish().await;
}

async fn a_body_that_is_too_long_too_deep_or_of_another_type_is_refused_whoever_sends_it(place: Place) {
    let server = Server::start_town(&place).await;
    for (client, method, path, _) in &with_bodies(&server).await {
        let send = async |kind: &str, body: String| client.call(method, path).body(kind, body).await;
        let long = format!("{{\"pool\":\"{}\"}}", "x".repeat(1 << 20));
        send("application/json", long)
            .await
            .refused(413, "payload_too_large");
        for nested in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            send("application/json", nested)
                .await
                .refused(400, "invalid_request");
        }
        send("text/plain", "{}".into())
            .await
            .refused(415, "invalid_request");
        // Who may not ask is told so, whatever he sends. Anybody may come to the cashier, and to where one gets a token.
        if path.starts_with("/sandbox/") || client.token().is_none() {
            continue;
        }
        let unknown = server.nobody().call(method, path);
        unknown
            .body("application/json", "[".repeat(900_000))
            .await
            .refused(401, "unauthenticated");
    }
    let li = server.candidate(0);
    let charset = li
        .call("PUT", "/v1/agreement")
        .body("application/json; charset=utf-8", "{\"version\":\"2026-1\"}");
    charset.await.expect(200);
    let spaces = format!("{{\"version\":\"2026-1\"{}}}", " ".repeat(900_000));
    li.call("PUT", "/v1/agreement")
        .body("application/json", spaces)
        .await
        .expect(200);
    server.finish().await;
}

async fn titles_follow_the_language_and_each_code_has_its_page(place: Place) {
    let server = Server::start_town(&place).await;
    let nobody = server.nobody();
    for (header, title, language) in [
        (None, "未登录或登录已失效", "zh-CN"),
        (Some("zh-CN,zh;q=0.9,en;q=0.8"), "未登录或登录已失效", "zh-CN"),
        (Some("fr, de;q=0.5"), "未登录或登录已失效", "zh-CN"),
        (
            Some("en-GB,en;q=0.9,zh;q=0.1"),
            "Not logged in, or the login has ended",
            "en",
        ),
        (Some("en"), "Not logged in, or the login has ended", "en"),
        (Some(";;;q=,,*"), "未登录或登录已失效", "zh-CN"),
    ] {
        let call = nobody.get("/v1/account");
        let call = match header {
            Some(header) => call.with("accept-language", header),
            None => call,
        };
        let reply = call.await;
        assert_eq!(
            reply.refused(401, "unauthenticated")["title"],
            title,
            "{header:?}"
        );
        assert_eq!(reply.header("content-language"), Some(language));
    }
    // The codes of the contract (2.6), by hand: what the code lists may not shrink.
    let contract = "invalid_request unauthenticated bad_credentials forbidden not_eligible not_found no_student_record \
        pool_full pool_closed outside_window waitlist_closed level_taken record_taken record_changed account_exists \
        already_waiting written_required not_enrolled review_exists already_paid already_gone nothing_due \
        score_report_missing written_unpaid hold_ending payment_closed capacity_below_taken agreement_required \
        payload_too_large no_matching_result idempotency_mismatch rate_limited internal store_unavailable queued \
        overloaded not_leader";
    let all: Vec<&str> = contract.split_whitespace().collect();
    assert_eq!(all.len(), Code::ALL.len());
    for name in all {
        let code = Code::named(name).unwrap();
        let page = nobody.get(code.page()).with("accept-language", "en").await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{name}"
        );
        let text = page.text();
        for wanted in [
            code.title().zh,
            code.title().en,
            code.advice().zh,
            code.advice().en,
        ] {
            assert!(text.contains(wanted), "{name}: {wanted}");
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }
    nobody.get("/problems/bad_luck").await.refused(404, "not_found");
    server.finish().await;
}

async fn what_is_polled_has_a_tag_and_answers_304_until_it_changes(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, nobody, national) = (
        server.enrolled(0).await,
        server.nobody(),
        server.staff("national"),
    );
    let claim = format!("/v1/claims/{}", li.hold("991010-1").await);
    let polled = [
        (&nobody, "/v1/sitting", false),
        (&nobody, "/v1/campuses", false),
        (&nobody, "/openapi.json", false),
        (&national, "/v1/staff/sitting", false),
        (&nobody, "/v1/pools?campus=991010", true),
        (&nobody, "/v1/pools?campus=991010&paper=written", true),
        (&nobody, "/v1/pools?school=99101", true),
        (&li, "/v1/pools?offered_to=me", true),
        (&li, "/v1/claims", true),
        (&li, &claim, true),
        (&li, "/v1/enrolment", true),
        (&national, "/v1/staff/pools", true),
        (&national, "/v1/staff/pools/991010-1", true),
    ];
    let mut tags = Vec::new();
    for (client, path, _) in &polled {
        let first = client.get(path).await;
        let tag = first
            .header("etag")
            .unwrap_or_else(|| panic!("{path} has no tag"))
            .to_owned();
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            let again = client.get(path).with("if-none-match", &known).await;
            assert_eq!(
                (again.status, again.header("etag")),
                (304, Some(tag.as_str())),
                "{path} {known}"
            );
        }
        let other = client.get(path).with("if-none-match", "\"other\"").await;
        assert_eq!((other.status, other.bytes), (200, first.bytes), "{path}");
        tags.push(tag);
    }
    // The last seat goes, the first one is given back: everything that shows seats or claims has changed.
    server.enrolled(1).await.hold("991010-1").await;
    let shown = li.get("/v1/claims").await.expect(200)["claims"][0]["id"].clone();
    li.cancel(shown.as_str().unwrap()).await.expect(200);
    server.enrolled(2).await.hold("991010-1").await;
    for ((client, path, changes), tag) in polled.iter().zip(&tags) {
        let status = client.get(path).with("if-none-match", tag).await.status;
        assert_eq!(status, if *changes { 200 } else { 304 }, "{path}");
    }
    let lists = ["/v1/claims", "/v1/enrolment", "/v1/pools?offered_to=me", &claim];
    for poll in join_all(lists.map(|path| li.get(path).into_future())).await {
        assert!(
            poll.expect(200)["next_poll_ms"].as_u64().unwrap() > 0,
            "the server says when to ask again"
        );
    }
    // Compressed, it is the same.
    let plain = nobody.get("/v1/pools?campus=991010").await;
    for encoding in ["gzip", "br"] {
        let packed = nobody.get_unchecked(&format!("{}/v1/pools?campus=991010", nobody.base()));
        let packed = packed.with("accept-encoding", encoding).await;
        assert_eq!(packed.header("content-encoding"), Some(encoding));
        assert!(packed.bytes.len() < plain.bytes.len() / 2);
    }
    server.finish().await;
}

async fn lists_page_by_cursor_without_gap_or_repeat(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, nobody, national) = (
        server.enrolled(0).await,
        server.nobody(),
        server.staff("national"),
    );
    for pool in ["991010-1", "991010-2", "991010-F", "991010-S"] {
        li.hold(pool).await;
    }
    for (client, path, name, id, count) in [
        (&nobody, "/v1/campuses?x=1", "campuses", "code", 4),
        (&nobody, "/v1/pools?x=1", "pools", "id", 11),
        (&nobody, "/v1/pools?campus=991010", "pools", "id", 5),
        (&li, "/v1/pools?offered_to=me", "pools", "id", 8),
        (&li, "/v1/claims?x=1", "claims", "id", 4),
        (&national, "/v1/staff/pools?x=1", "pools", "id", 11),
        (&national, "/v1/staff/audit?pool=991010-1", "records", "seq", 2),
    ] {
        let ids = |page: &Value| -> Vec<String> {
            let items = page[name].as_array().unwrap();
            items.iter().map(|item| item[id].to_string()).collect()
        };
        let whole = client.get(path).await.expect(200);
        assert_eq!(
            (ids(&whole).len(), &whole["next_cursor"]),
            (count, &Value::Null),
            "{path}"
        );
        for limit in [1, 3, count - 1, count, 1_000] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = client
                    .get(&format!("{path}&limit={limit}&cursor={cursor}"))
                    .await
                    .expect(200);
                assert!(ids(&page).len() <= limit);
                seen.extend(ids(&page));
                let Some(next) = page["next_cursor"].as_str() else {
                    break;
                };
                assert!(
                    next.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                    "URL-safe"
                );
                next.clone_into(&mut cursor);
            }
            assert_eq!(seen, ids(&whole), "{path} by {limit}");
        }
        for (wrong, status) in [
            ("limit=0", 422),
            ("limit=1001", 422),
            ("limit=ten", 400),
            ("limit=-1", 400),
            ("cursor=!", 400),
            ("cursor=YWJj_w", 400),
        ] {
            let refused = client
                .get(&format!("{path}&{wrong}"))
                .await
                .refused(status, "invalid_request");
            let parameter = wrong.split('=').next().unwrap();
            assert_eq!(refused["errors"][0]["parameter"], parameter, "{path} {wrong}");
        }
    }
    server.finish().await;
}

async fn an_account_that_asks_too_often_is_told_when_to_come_again(place: Place) {
    let mut setup = Setup::default();
    setup.limits.account_rate = AccountRate {
        per_second: 50,
        burst: 60,
    };
    let server = Server::start_as(&place, setup).await;
    let (li, wang) = (server.candidate(0), server.candidate(1));
    li.get("/v1/account").await.expect(200);
    let mut limited = None;
    for _ in 0..20 {
        let burst = join_all((0..200).map(|_| li.get("/v1/claims").into_future())).await;
        limited = burst.into_iter().find(|reply| reply.status == 429);
        if limited.is_some() {
            break;
        }
    }
    let refused = limited
        .expect("ten times the rate is limited")
        .refused(429, "rate_limited");
    assert!(
        (1..=2_000).contains(&refused["retry_after_ms"].as_u64().unwrap()),
        "{refused}"
    );
    wang.get("/v1/account").await.expect(200);
    server.nobody().get("/v1/pools").await.expect(200);
    let staff = server.staff("national");
    for reply in join_all((0..150).map(|_| staff.get("/v1/staff/expiry").into_future())).await {
        reply.expect(200);
    }
    server.finish().await;
}

async fn beyond_what_can_be_served_claims_are_overloaded_and_all_else_goes_on(place: Place) {
    let server = Server::start_town(&place).await;
    let li = server.enrolled(0).await;
    let made = li.claim("991010-1", "reject").key("k").await.expect(201);
    server.finish().await;
    let full = Setup {
        claims_in_flight_max: 0,
        ..Setup::default()
    };
    let server = Server::start_as(&place, full).await;
    let li = server.candidate(0);
    let reply = li.claim("991010-2", "reject").key("again").await;
    let refused = reply.refused(503, "overloaded");
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0 && reply.header("retry-after").is_some());
    assert_eq!(li.states().await, ["held"], "nothing half done");
    li.cancel(made["id"].as_str().unwrap()).await.expect(200);
    server
        .staff("national")
        .patch("/v1/staff/pools/991010-2", &json!({"capacity": 5}))
        .await
        .expect(200);
    server.finish().await;
    let server = Server::start(&place).await;
    let li = server.candidate(0);
    li.claim("991010-2", "reject").key("again").await.expect(201);
    server.finish().await;
}

async fn an_address_that_does_not_exist_and_a_method_that_it_does_not_take_are_problems_too(place: Place) {
    let server = Server::start_town(&place).await;
    let nobody = server.nobody();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/claims",
        "/v1/claims/",
        "/v1/staff",
        "/metrics",
        "/v1/sitting/x",
    ] {
        nobody.get(path).await.refused(404, "not_found");
    }
    for (method, path) in [
        ("DELETE", "/v1/claims"),
        ("POST", "/v1/sitting"),
        ("PUT", "/v1/account"),
        ("PUT", "/healthz"),
    ] {
        let reply = nobody.call(method, path).await;
        reply.refused(405, "invalid_request");
        assert!(reply.header("allow").unwrap().contains("GET"), "{path}");
    }
    let (one, two) = (nobody.get("/v1/sitting").await, nobody.get("/v1/sitting").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.header("x-content-type-options"), Some("nosniff"));
    let own = server.candidate(0).get("/v1/account").await;
    assert_eq!(
        own.header("cache-control"),
        Some("no-store"),
        "nobody keeps what is personal"
    );
    server.finish().await;
}

async fn what_is_no_request_is_answered_without_a_problem_and_disturbs_nobody(place: Place) {
    let server = Server::start(&place).await;
    let nobody = server.nobody();
    let address = nobody.base().strip_prefix("http://").unwrap();
    let many = format!("GET /v1/sitting HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(101));
    for (sent, status) in [("NONSENSE\r\n\r\n", "400"), (&many, "431")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "an empty body: {answer}");
    }
    nobody.get("/healthz").await.expect(200);
    server.finish().await;
}
