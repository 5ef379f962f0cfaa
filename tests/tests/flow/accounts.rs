//! Getting an account (R1): the flow's first steps, before the login.

use std::future::IntoFuture;

use futures_util::future::join_all;
use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::receiver::Receiver;
use kaowei_tests::server::{PASSWORD, Server, Setup, Student, login, registration};
use serde_json::{Value, json};

on_both_stores! {
    s1_whoever_comes_gets_a_captcha_to_see_or_to_hear_that_works_once
    s2_an_account_is_registered_once_with_any_kind_of_document
    s2_what_is_wrong_with_a_registration_is_said_all_at_once
    s2_two_that_register_one_person_at_once_make_one_account
    s2_a_repeated_registration_finds_its_account
    s2_a_registration_and_its_repeat_at_once_are_one
    s2_a_registration_that_was_shed_or_mistyped_spends_no_captcha
    s2_an_account_that_a_token_made_is_never_taken_over
    s2_an_address_may_register_so_often_a_minute
    s4_the_account_is_shown_masked_and_its_holder_changes_it
}

fn with_captchas() -> Setup {
    let mut setup = Setup::default();
    setup.access.captcha = true;
    setup
}

async fn s1_whoever_comes_gets_a_captcha_to_see_or_to_hear_that_works_once(place: Place) {
    let server = Server::start_town_as(&place, with_captchas()).await;
    let nobody = server.nobody();
    let picture = nobody.get("/v1/captcha").await.expect(200);
    let image = picture["image"].as_str().unwrap();
    assert!(image.starts_with("data:image/png;base64,iVBORw0KGgo"), "{image}");
    assert_eq!((&picture["level"], &picture["text"]), (&json!(0), &Value::Null));
    for (tag, start) in [("zh-CN", "请用阿拉伯数字"), ("en", "Type in figures")] {
        let words = nobody
            .get("/v1/captcha?form=text&level=2")
            .with("accept-language", tag);
        let words = words.await;
        assert_eq!(words.header("content-language"), Some(tag));
        let words = words.expect(200);
        assert!(words["text"].as_str().unwrap().starts_with(start), "{words}");
        assert_eq!((&words["level"], &words["image"]), (&json!(2), &Value::Null));
    }
    for wrong in ["level=3", "level=x", "form=sound"] {
        nobody
            .get(&format!("/v1/captcha?{wrong}"))
            .await
            .refused(400, "invalid_request");
    }

    let student = Student::number(0);
    let missing = nobody.post("/v1/accounts", &registration(&student)).await;
    let missing = missing.refused(422, "invalid_request");
    assert_eq!(missing["errors"][0]["pointer"], "/captcha");
    let mut asked = registration(&student);
    asked["captcha"] = json!("A7K3");
    let wrong = nobody.post("/v1/accounts", &asked).await;
    let wrong = wrong.refused(422, "invalid_request");
    assert_eq!(wrong["errors"][0]["pointer"], "/captcha");
    asked["captcha"] = json!({"id": picture["id"], "answer": "????"});
    nobody
        .post("/v1/accounts", &asked)
        .await
        .refused(401, "bad_credentials");
    asked["captcha"]["answer"] = server.read_captcha(picture["id"].as_str().unwrap()).into();
    nobody
        .post("/v1/accounts", &asked)
        .await
        .refused(401, "bad_credentials");
    let solved = server.with_captcha(registration(&student), 0).await;
    nobody.post("/v1/accounts", &solved).await.expect(201);
    nobody
        .post("/v1/accounts", &solved)
        .await
        .refused(401, "bad_credentials");

    // One in words does as well; one that has ended does not.
    let words = nobody.get("/v1/captcha?form=text").await.expect(200);
    let id = words["id"].as_str().unwrap();
    let mut asked = login(&student, PASSWORD);
    asked["captcha"] = json!({"id": id, "answer": server.read_captcha(id)});
    nobody.post("/v1/sessions", &asked).await.expect(201);
    let late = server.with_captcha(login(&student, PASSWORD), 0).await;
    server.advance(Span::from_secs(300));
    let refused = nobody
        .post("/v1/sessions", &late)
        .await
        .refused(401, "bad_credentials");
    assert_eq!(refused["captcha_level"], 0);
    // A restart spends all that were given out.
    let kept = server.with_captcha(login(&student, PASSWORD), 0).await;
    let server = server.restart().await;
    server
        .nobody()
        .post("/v1/sessions", &kept)
        .await
        .refused(401, "bad_credentials");
    server.finish().await;
}

async fn s2_an_account_is_registered_once_with_any_kind_of_document(place: Place) {
    let server = Server::start_town(&place).await;
    for (n, (id_type, id_number, masked)) in [
        ("resident_id", "11010519491231002x", "110***********002X"),
        ("passport", "E12345678", "E1*****78"),
        ("hk_macao_permit", "H1234567890", "H12****7890"),
        ("taiwan_permit", "12345678", "12****78"),
        (
            "permanent_resident_id",
            "911124198108030024",
            "911***********0024",
        ),
        ("other", "A-7", "***"),
    ]
    .into_iter()
    .enumerate()
    {
        let student = Student {
            id_type,
            id_number: id_number.into(),
            name: format!("考生{n}"),
            ..Student::number(0)
        };
        let account = server.register(&student).await;
        assert_eq!(
            account,
            json!({"province": "99", "id_type": id_type, "id_number": masked, "name": format!("考生{n}"),
                "phone": "138****0000", "created_at": "2026-09-21T14:13:20.000Z"})
        );
        let again = server
            .nobody()
            .post("/v1/accounts", &registration(&student))
            .await;
        again.refused(409, "account_exists");
        let other_letters = Student {
            id_number: format!(" {} ", id_number.to_lowercase()),
            ..student.clone()
        };
        let again = server
            .nobody()
            .post("/v1/accounts", &registration(&other_letters));
        again.await.refused(409, "account_exists");
        let li = server.logged_in(&other_letters).await;
        assert_eq!(li.get("/v1/account").await.expect(200), account);
        // In another province it is another account.
        let elsewhere = Student {
            province: "98",
            ..student
        };
        server.register(&elsewhere).await;
    }
    server.finish().await;
}

async fn s2_what_is_wrong_with_a_registration_is_said_all_at_once(place: Place) {
    let server = Server::start_town(&place).await;
    let refused = async |body: &Value| {
        let reply = server.nobody().post("/v1/accounts", body).await;
        let refused = reply.refused(422, "invalid_request");
        let errors = refused["errors"].as_array().unwrap().clone();
        errors
            .into_iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = json!({"province": "77", "id_type": "resident_id", "id_number": "110105194912310021", "name": " ",
        "phone": "138-0000", "password": "short"});
    assert_eq!(
        refused(&all).await,
        ["/province", "/id_number", "/name", "/phone", "/password"]
    );
    let good = registration(&Student::number(0));
    for (field, value) in [
        ("province", json!("9/9")),
        ("id_type", json!("library_card")),
        ("id_number", json!("P/0")),
        ("name", json!("a\u{0}b")),
        ("phone", json!("")),
        ("password", json!("13800000000")),
        ("password", json!("x".repeat(129))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        assert_eq!(refused(&body).await, [format!("/{field}")], "{body}");
    }
    // Where captchas are off, whatever is handed in as one is ignored.
    let mut body = good;
    body["captcha"] = json!("A7K3");
    server.nobody().post("/v1/accounts", &body).await.expect(201);
    server.finish().await;
}

async fn s2_two_that_register_one_person_at_once_make_one_account(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    let mut others = registration(&student);
    others["password"] = json!("another's password");
    let nobody = server.nobody();
    let (one, two) = tokio::join!(
        async { nobody.post("/v1/accounts", &registration(&student)).await },
        async { nobody.post("/v1/accounts", &others).await },
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let made_by_first = one.status == 201;
    let first = server.log_in(&student, PASSWORD).await;
    let second = server.log_in(&student, "another's password").await;
    assert_eq!(
        (first.status == 201, second.status == 201),
        (made_by_first, !made_by_first)
    );
    server.finish().await;
}

async fn s2_a_repeated_registration_finds_its_account(place: Place) {
    let server = Server::start_town_as(&place, with_captchas()).await;
    let (student, other) = (Student::number(0), Student::number(1));
    let ask = async |server: &Server<'_>, body: &Value| {
        let call = server.nobody().post("/v1/accounts", body);
        call.key("registration-1").await
    };
    let asked = server.with_captcha(registration(&student), 0).await;
    let made = ask(&server, &asked).await.expect(201);
    server.advance(Span::from_secs(600));
    let server = server.restart().await;
    assert_eq!(
        ask(&server, &asked).await.expect(201),
        made,
        "its captcha was spent long ago"
    );
    for (field, value) in [
        ("name", "考生零"),
        ("phone", "13911112222"),
        ("password", "another password"),
    ] {
        let mut changed = asked.clone();
        changed[field] = json!(value);
        ask(&server, &changed).await.refused(422, "idempotency_mismatch");
    }
    // Another's key of the same letters is another key; and without the key it is a new request.
    let others = server.with_captcha(registration(&other), 0).await;
    ask(&server, &others).await.expect(201);
    let again = server.with_captcha(registration(&student), 0).await;
    let again = server.nobody().post("/v1/accounts", &again);
    again.await.refused(409, "account_exists");
    let again = server.nobody().post("/v1/accounts", &asked).key("another-key");
    again.await.refused(401, "bad_credentials");
    server.finish().await;
}

async fn s2_a_registration_and_its_repeat_at_once_are_one(place: Place) {
    let server = Server::start_town_as(&place, with_captchas()).await;
    let asked = server.with_captcha(registration(&Student::number(0)), 0).await;
    let ask = async || {
        server
            .nobody()
            .post("/v1/accounts", &asked)
            .key("registration-1")
            .await
    };
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!(one.expect(201), two.expect(201));
    server.finish().await;
}

async fn s2_a_registration_that_was_shed_or_mistyped_spends_no_captcha(place: Place) {
    let setup = Setup {
        hash_threads: 1,
        ..with_captchas()
    };
    let server = Server::start_town_as(&place, setup).await;
    let nobody = server.nobody();
    let asked = async |n: u32| {
        let words = nobody.get("/v1/captcha?form=text").await.expect(200);
        let id = words["id"].as_str().unwrap();
        let mut asked = registration(&Student::number(n));
        asked["captcha"] = json!({"id": id, "answer": server.read_captcha(id)});
        asked
    };
    let one = asked(0).await;
    let mut mistyped = one.clone();
    mistyped["phone"] = json!("call me");
    nobody
        .post("/v1/accounts", &mistyped)
        .await
        .refused(422, "invalid_request");
    nobody.post("/v1/accounts", &one).await.expect(201);
    // One thread hashes, and some sixty may wait for it.
    let all = join_all((1..200).map(asked)).await;
    let post = |body: &Value| nobody.post("/v1/accounts", body).into_future();
    let replies = join_all(all.iter().map(post)).await;
    let shed = replies.iter().zip(&all).find(|(reply, _)| reply.status == 503);
    let (reply, body) = shed.expect("some are shed");
    reply.refused(503, "overloaded");
    post(body).await.expect(201);
    server.finish().await;
}

async fn s2_an_account_that_a_token_made_is_never_taken_over(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    let li = server.enrolled(0).await;
    let nobody = server.nobody();
    nobody
        .post("/v1/accounts", &registration(&student))
        .await
        .refused(409, "account_exists");
    server
        .log_in(&student, PASSWORD)
        .await
        .refused(401, "bad_credentials");
    li.patch(
        "/v1/account",
        &json!({"password": PASSWORD, "current_password": ""}),
    )
    .await
    .refused(403, "forbidden");
    li.hold("991010-1").await;
    server.finish().await;
}

async fn s2_an_address_may_register_so_often_a_minute(place: Place) {
    let mut setup = Setup::default();
    setup.access.entries_per_minute = 2;
    setup.access.client_address_header = Some("x-real-ip".parse().unwrap());
    let server = Server::start_town_as(&place, setup).await;
    let nobody = server.nobody();
    let ask = |path: &str, address: &str| nobody.post(path, &json!({})).with("x-real-ip", address);
    for path in ["/v1/accounts", "/v1/sessions"] {
        ask(path, "192.0.2.7").await.refused(422, "invalid_request");
    }
    for path in [
        "/v1/accounts",
        "/v1/sessions",
        "/v1/password-resets",
        "/v1/password-resets/x",
    ] {
        let reply = ask(path, "192.0.2.7").await;
        let refused = reply.refused(429, "rate_limited");
        assert!(
            (1..=30_000).contains(&refused["retry_after_ms"].as_u64().unwrap()),
            "{refused}"
        );
    }
    // What a client writes into the header itself comes before what the proxy adds.
    ask("/v1/sessions", "192.0.2.99, 192.0.2.7")
        .await
        .refused(429, "rate_limited");
    ask("/v1/sessions", "192.0.2.8")
        .await
        .refused(422, "invalid_request");
    for _ in 0..8 {
        let captcha = nobody.get("/v1/captcha?form=text").with("x-real-ip", "192.0.2.7");
        captcha.await.expect(200);
    }
    let captcha = nobody.get("/v1/captcha?form=text").with("x-real-ip", "192.0.2.7");
    captcha.await.refused(429, "rate_limited");
    // Who has a token is never counted by address.
    server
        .candidate(0)
        .get("/v1/account")
        .with("x-real-ip", "192.0.2.7")
        .await
        .expect(200);
    server.finish().await;
}

async fn s4_the_account_is_shown_masked_and_its_holder_changes_it(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    let mistyped = Student {
        name: "考 生 零".into(),
        ..Student::number(0)
    };
    server.register(&mistyped).await;
    let li = server.logged_in(&mistyped).await;
    li.agree().await;
    li.get("/v1/qualification")
        .await
        .refused(404, "no_student_record");
    let change = async |body: Value| li.patch("/v1/account", &body).await;
    let named = change(json!({"name": "考生0"})).await.expect(200);
    assert_eq!(named["name"], "考生0");
    li.get("/v1/qualification").await.expect(200);

    let sent = change(json!({"phone": "+8613911112222"})).await.expect(202);
    assert_eq!(
        sent,
        json!({"phone": "+86*******2222", "expires_at": "2026-09-21T14:28:20.000Z"})
    );
    let sent = receiver.nth(1).await;
    assert_eq!(
        (&sent["kind"], &sent["recipient"]["phone"]),
        (&json!("phone_change_code"), &json!("+8613911112222"))
    );
    let code = sent["code"].as_str().expect("a code");
    let confirm = |phone: &str, code: &str| json!({"phone": phone, "code": code});
    change(confirm("+8613911112222", "0000"))
        .await
        .refused(401, "bad_credentials");
    change(confirm("13911113333", code))
        .await
        .refused(401, "bad_credentials");
    let bound = change(confirm("+8613911112222", code)).await.expect(200);
    assert_eq!(bound["phone"], "+86*******2222");
    change(confirm("+8613911112222", code))
        .await
        .refused(401, "bad_credentials");
    change(json!({"phone": "13911114444"}))
        .await
        .refused(429, "rate_limited");

    for (body, pointer) in [
        (json!({}), ""),
        (json!({"name": "a", "phone": "13911112222"}), ""),
        (json!({"code": "1"}), ""),
        (json!({"password": PASSWORD}), ""),
        (json!({"name": ""}), "/name"),
        (json!({"id_number": "P1"}), "/id_number"),
    ] {
        let refused = change(body.clone()).await.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    server.advance(Span::from_secs(60));
    let refused = change(json!({"phone": "call me"}))
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/phone");
    // What was mistyped cost no code.
    change(json!({"phone": "13911114444"})).await.expect(202);
    let server = server.restart().await;
    let li = server.logged_in(&mistyped).await;
    let account = li.get("/v1/account").await.expect(200);
    assert_eq!(
        (&account["name"], &account["phone"]),
        (&json!("考生0"), &json!("+86*******2222"))
    );
    server.finish().await;
}
