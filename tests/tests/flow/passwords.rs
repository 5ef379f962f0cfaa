//! New passwords (R1): with a code sent to the bound phone, or with the old one.

use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::receiver::Receiver;
use kaowei_tests::server::{PASSWORD, Reply, Server, Setup, Student};
use serde_json::{Value, json};

on_both_stores! {
    s3_a_forgotten_password_is_reset_with_a_code_and_all_tokens_end
    s3_asking_for_a_code_tells_nothing_of_accounts
    s3_a_code_ends_by_use_by_time_by_mistakes_by_a_new_password_and_by_a_new_phone
    s3_asking_for_codes_neither_keeps_anybody_else_from_it_nor_floods_a_phone
    s3_a_password_set_with_a_code_keeps_the_rules_of_the_others
    s3_a_password_is_changed_with_the_one_in_force
}

const NEW: &str = "another horse battery";

async fn ask(server: &Server<'_>, id_number: &str) -> Reply {
    let asked = json!({"province": "99", "id_type": "passport", "id_number": id_number});
    server.nobody().post("/v1/password-resets", &asked).await
}

async fn hand_in(server: &Server<'_>, id: &Value, code: &str) -> Reply {
    let path = format!("/v1/password-resets/{}", id.as_str().unwrap());
    let asked = json!({"code": code, "password": NEW});
    server.nobody().post(&path, &asked).await
}

/// The code that was sent as the `nth`, from 1.
async fn code(receiver: &Receiver, nth: usize) -> String {
    let sent = receiver.nth(nth).await;
    sent["code"].as_str().expect("a code").to_owned()
}

async fn s3_a_forgotten_password_is_reset_with_a_code_and_all_tokens_end(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    let student = Student::number(0);
    server.register(&student).await;
    let (seen, minted) = (server.logged_in(&student).await, server.candidate(0));
    let unseen = server.logged_in(&student).await;
    seen.get("/v1/account").await.expect(200);
    minted.get("/v1/account").await.expect(200);

    receiver.answers(|_| 503);
    let asked = ask(&server, " p0").await.expect(202);
    assert_eq!(asked["expires_at"], "2026-09-21T14:28:20.000Z");
    // The code and the message that carries it are durable.
    let server = server.restart().await;
    receiver.answers(|_| 204);
    let code = code(&receiver, 1).await;
    assert_eq!(code.len(), 8);
    let path = format!("/v1/password-resets/{}", asked["id"].as_str().unwrap());
    let weak = json!({"code": code, "password": "short"});
    let refused = server
        .nobody()
        .post(&path, &weak)
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/password");
    // However many hand it in at once, one does.
    let (one, other) = tokio::join!(
        hand_in(&server, &asked["id"], &code),
        hand_in(&server, &asked["id"], &code)
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);

    let ended = [&seen, &unseen, &minted].map(|client| client.token().unwrap().to_owned());
    all_have_ended(&server, &ended).await;
    server
        .log_in(&student, PASSWORD)
        .await
        .refused(401, "bad_credentials");
    let session = server.log_in(&student, NEW).await.expect(201);
    let li = server.bearer(session["token"].as_str().unwrap());
    li.enrol().await;
    let server = server.restart().await;
    all_have_ended(&server, &ended).await;
    server
        .bearer(session["token"].as_str().unwrap())
        .get("/v1/account")
        .await
        .expect(200);
    server.finish().await;
}

async fn all_have_ended(server: &Server<'_>, tokens: &[String]) {
    for token in tokens {
        let client = server.bearer(token);
        client.get("/v1/account").await.refused(401, "unauthenticated");
    }
}

async fn s3_asking_for_a_code_tells_nothing_of_accounts(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    server.register(&Student::number(0)).await;
    let fields = |reply: &Reply| {
        let body = reply.expect(202);
        let id = body["id"].as_str().unwrap().len();
        (id, body["expires_at"].clone())
    };
    let (known, unknown) = (ask(&server, "P0").await, ask(&server, "P1").await);
    assert_eq!(fields(&known), fields(&unknown));
    let wrong = hand_in(&server, &known.json()["id"], "0").await;
    let nobody = hand_in(&server, &unknown.json()["id"], "0").await;
    let made_up = hand_in(&server, &json!("made-up"), "0").await;
    let unheard_of = hand_in(&server, &json!("%00"), "0").await;
    for reply in [&wrong, &nobody, &made_up, &unheard_of] {
        reply.refused(401, "bad_credentials");
    }
    // Another code has to wait, for whoever there is and whoever there is not.
    for id_number in ["P0", "P1"] {
        let refused = ask(&server, id_number).await.refused(429, "rate_limited");
        assert_eq!(refused["retry_after_ms"], 60_000);
    }
    server.advance(Span::from_secs(60));
    ask(&server, "P0").await.expect(202);
    let refused = ask(&server, "P0").await.refused(429, "rate_limited");
    assert_eq!(refused["retry_after_ms"], 120_000);
    // Whoever has no account is sent nothing: it would have come before the second.
    receiver.nth(2).await;
    let phones = receiver.received();
    assert!(
        phones
            .iter()
            .all(|sent| sent.json()["recipient"]["phone"] == "13800000000")
    );
    server.finish().await;
}

async fn s3_a_code_ends_by_use_by_time_by_mistakes_by_a_new_password_and_by_a_new_phone(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    server.register(&Student::number(0)).await;
    // By mistakes.
    let asked = ask(&server, "P0").await.expect(202);
    let mistyped = code(&receiver, 1).await;
    let other = if mistyped == "00000000" { "1" } else { "00000000" };
    for _ in 0..5 {
        hand_in(&server, &asked["id"], other)
            .await
            .refused(401, "bad_credentials");
    }
    hand_in(&server, &asked["id"], &mistyped)
        .await
        .refused(401, "bad_credentials");
    // By time.
    server.advance(Span::from_secs(3_600));
    let asked = ask(&server, "P0").await.expect(202);
    let late = code(&receiver, 2).await;
    server.advance(Span::from_secs(900));
    hand_in(&server, &asked["id"], &late)
        .await
        .refused(401, "bad_credentials");
    // By a new password that another code set, and by use.
    server.advance(Span::from_secs(3_600));
    let first = ask(&server, "P0").await.expect(202);
    let first_code = code(&receiver, 3).await;
    server.advance(Span::from_secs(60));
    let second = ask(&server, "P0").await.expect(202);
    let second_code = code(&receiver, 4).await;
    hand_in(&server, &first["id"], &second_code)
        .await
        .refused(401, "bad_credentials");
    hand_in(&server, &second["id"], &format!(" {second_code} "))
        .await
        .expect(204);
    hand_in(&server, &second["id"], &second_code)
        .await
        .refused(401, "bad_credentials");
    hand_in(&server, &first["id"], &first_code)
        .await
        .refused(401, "bad_credentials");
    // By a new phone: whoever has the old one has nothing any more.
    server.advance(Span::from_secs(3_600));
    let asked = ask(&server, "P0").await.expect(202);
    let to_old_phone = code(&receiver, 5).await;
    let session = server.log_in(&Student::number(0), NEW).await.expect(201);
    let li = server.bearer(session["token"].as_str().unwrap());
    let phone = json!({"phone": "13911112222"});
    li.patch("/v1/account", &phone).await.expect(202);
    let confirmed = json!({"phone": "13911112222", "code": code(&receiver, 6).await});
    li.patch("/v1/account", &confirmed).await.expect(200);
    hand_in(&server, &asked["id"], &to_old_phone)
        .await
        .refused(401, "bad_credentials");
    server.finish().await;
}

async fn s3_asking_for_codes_neither_keeps_anybody_else_from_it_nor_floods_a_phone(place: Place) {
    let receiver = Receiver::start();
    let mut setup = Setup::with_webhook(&receiver);
    setup.access.client_address_header = Some("x-real-ip".parse().unwrap());
    let server = Server::start_town_as(&place, setup).await;
    server.register(&Student::number(0)).await;
    let ask = async |id_number: &str, address: &str| {
        let asked = json!({"province": "99", "id_type": "passport", "id_number": id_number});
        let call = server.nobody().post("/v1/password-resets", &asked);
        call.with("x-real-ip", address).await
    };
    let (stranger, home) = ("192.0.2.7", "192.0.2.8");
    let strangers = ask("P0", stranger).await.expect(202);
    ask("P0", stranger).await.refused(429, "rate_limited");
    // The code that the stranger has had sent does for whoever has the phone; no second one goes out so soon.
    server.advance(Span::from_secs(30));
    let own = ask("P0", home).await.expect(202);
    let unknown = (ask("P1", stranger).await, ask("P1", home).await);
    for reply in [unknown.0.expect(202), unknown.1.expect(202)] {
        assert_eq!(reply["expires_at"], own["expires_at"]);
    }
    let code = code(&receiver, 1).await;
    for _ in 0..5 {
        hand_in(&server, &strangers["id"], "0")
            .await
            .refused(401, "bad_credentials");
    }
    // However many share it, one uses it.
    let third = ask("P0", "192.0.2.9").await.expect(202);
    let (one, other) = tokio::join!(
        hand_in(&server, &own["id"], &code),
        hand_in(&server, &third["id"], &code)
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    // A second message would have come before that of the next who asks.
    server.register(&Student::number(2)).await;
    ask("P2", home).await.expect(202);
    receiver.nth(2).await;
    let phones: Vec<_> = receiver
        .received()
        .iter()
        .map(|sent| sent.json()["recipient"].clone())
        .collect();
    assert_ne!(phones[0]["candidate"], phones[1]["candidate"]);
    server.finish().await;
}

async fn s3_a_password_set_with_a_code_keeps_the_rules_of_the_others(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    server.register(&Student::number(0)).await;
    let asked = ask(&server, "P0").await.expect(202);
    let code = code(&receiver, 1).await;
    let path = format!("/v1/password-resets/{}", asked["id"].as_str().unwrap());
    let personal = json!({"code": code, "password": "my phone: 13800000000"});
    let refused = server.nobody().post(&path, &personal).await;
    let refused = refused.refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/password");
    hand_in(&server, &asked["id"], &code).await.expect(204);
    server.finish().await;
}

async fn s3_a_password_is_changed_with_the_one_in_force(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    server.register(&student).await;
    let (li, other) = (server.logged_in(&student).await, server.logged_in(&student).await);
    other.get("/v1/account").await.expect(200);
    let change = async |current: &str, new: &str| {
        let asked = json!({"password": new, "current_password": current});
        li.patch("/v1/account", &asked).await
    };
    change("wrong password", NEW)
        .await
        .refused(401, "bad_credentials");
    let refused = change(PASSWORD, "13800000000")
        .await
        .refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/password");
    for _ in 0..4 {
        change("wrong password", NEW)
            .await
            .refused(401, "bad_credentials");
    }
    let refused = change(PASSWORD, NEW).await.refused(429, "rate_limited");
    assert_eq!(refused["retry_after_ms"], 1_000);
    server.advance(Span::from_secs(1));
    assert_eq!(change(PASSWORD, NEW).await.expect(200)["name"], "考生0");
    for ended in [&li, &other] {
        ended.get("/v1/account").await.refused(401, "unauthenticated");
    }
    server
        .log_in(&student, PASSWORD)
        .await
        .refused(401, "bad_credentials");
    server.log_in(&student, NEW).await.expect(201);
    server.finish().await;
}
