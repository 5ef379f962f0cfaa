//! Logging in and out (R1, S3).

use std::future::IntoFuture;

use futures_util::future::join_all;
use kaowei_core::time::Span;
use kaowei_tests::engine::Place;
use kaowei_tests::on_both_stores;
use kaowei_tests::server::{PASSWORD, Server, Setup, Student, import_students, login, registration};
use serde_json::{Value, json};

on_both_stores! {
    s3_a_candidate_logs_in_and_goes_on_to_a_seat
    s3_whatever_is_wrong_with_a_login_looks_the_same
    s3_failed_logins_wait_longer_and_need_harder_captchas_for_that_account_and_address_alone
    s3_a_logout_ends_one_session_and_time_the_others
    s3_more_logins_than_can_be_served_are_shed_and_claims_go_on
    r3_a_record_is_bound_to_one_account_whichever_way_it_came
}

async fn s3_a_candidate_logs_in_and_goes_on_to_a_seat(place: Place) {
    let mut setup = Setup::default();
    setup.access.captcha = true;
    let server = Server::start_town_as(&place, setup).await;
    let student = Student {
        id_type: "resident_id",
        id_number: "11010519491231002X".into(),
        ..Student::number(50)
    };
    import_students(&server, std::slice::from_ref(&student)).await;
    let nobody = server.nobody();
    let asked = server.with_captcha(registration(&student), 0).await;
    nobody.post("/v1/accounts", &asked).await.expect(201);
    // A resident ID is what the login takes the number for.
    let mut asked = server.with_captcha(login(&student, PASSWORD), 0).await;
    asked.as_object_mut().unwrap().remove("id_type");
    let session = nobody.post("/v1/sessions", &asked).await.expect(201);
    assert_eq!(session["expires_at"], "2026-09-22T02:13:20.000Z");
    let token = session["token"].as_str().unwrap();
    let li = server.bearer(token);
    let account = li.get("/v1/account").await.expect(200);
    assert_eq!(account["id_number"], "110***********002X");
    li.enrol().await;
    let seat = li.hold("991010-1").await;
    let server = server.restart().await;
    let li = server.bearer(token);
    assert_eq!(li.states().await, ["held"], "a restart ends no session");
    // The same person's token by the command line is the same account.
    let same = server.student(&student);
    same.get(&format!("/v1/claims/{seat}")).await.expect(200);
    server.finish().await;
}

async fn s3_whatever_is_wrong_with_a_login_looks_the_same(place: Place) {
    let mut setup = Setup::default();
    setup.access.captcha = true;
    let server = Server::start_town_as(&place, setup).await;
    let (student, stranger) = (Student::number(0), Student::number(1));
    let asked = server.with_captcha(registration(&student), 0).await;
    server.nobody().post("/v1/accounts", &asked).await.expect(201);
    let wrong_password = server.with_captcha(login(&student, "wrong password"), 0).await;
    let unknown_account = server.with_captcha(login(&stranger, PASSWORD), 0).await;
    let short_password = server.with_captcha(login(&Student::number(2), ""), 0).await;
    let elsewhere = Student {
        province: "98",
        ..student.clone()
    };
    let other_province = server.with_captcha(login(&elsewhere, PASSWORD), 0).await;
    let mut wrong_captcha = server.with_captcha(login(&Student::number(3), PASSWORD), 0).await;
    wrong_captcha["captcha"]["answer"] = json!("????");
    let mut no_captcha = wrong_captcha.clone();
    no_captcha["id_number"] = json!("P4");
    no_captcha["captcha"]["id"] = json!("nonsense");
    let mut refusals = Vec::new();
    for body in [
        wrong_password,
        unknown_account,
        short_password,
        other_province,
        wrong_captcha,
        no_captcha,
    ] {
        let reply = server.nobody().post("/v1/sessions", &body).await;
        let mut refused = reply.refused(401, "bad_credentials");
        refused["request_id"] = Value::Null;
        refusals.push(refused);
    }
    // One password for the registration, and one for each of these: whatever was wrong took a hash.
    let hashed = format!("kaowei_password_hash_seconds_count {}\n", 1 + refusals.len());
    assert!(server.metrics().await.contains(&hashed), "{hashed}");
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
    // A wrong captcha does not tell that the password was right either.
    let mut both = server.with_captcha(login(&student, PASSWORD), 0).await;
    both["captcha"]["answer"] = json!("????");
    server
        .nobody()
        .post("/v1/sessions", &both)
        .await
        .refused(401, "bad_credentials");
    server.finish().await;
}

async fn s3_failed_logins_wait_longer_and_need_harder_captchas_for_that_account_and_address_alone(
    place: Place,
) {
    let mut setup = Setup::default();
    setup.access.captcha = true;
    setup.access.client_address_header = Some("x-real-ip".parse().unwrap());
    let server = Server::start_town_as(&place, setup).await;
    let student = Student::number(0);
    let asked = server.with_captcha(registration(&student), 0).await;
    server.nobody().post("/v1/accounts", &asked).await.expect(201);
    let ask = async |password: &str, level: u8, address: &str| {
        let body = server.with_captcha(login(&student, password), level).await;
        server
            .nobody()
            .post("/v1/sessions", &body)
            .with("x-real-ip", address)
            .await
    };
    let (home, campus) = ("192.0.2.7", "192.0.2.8");
    for (level, next) in [(0, 0), (0, 1), (1, 1), (1, 1), (1, 2)] {
        let refused = ask("wrong password", level, home)
            .await
            .refused(401, "bad_credentials");
        assert_eq!(refused["captcha_level"], next);
    }
    let refused = ask(PASSWORD, 2, home).await.refused(429, "rate_limited");
    assert_eq!(refused["retry_after_ms"], 1_000);
    // Whoever is elsewhere, and whoever else is there, does not wait.
    let body = server.with_captcha(login(&Student::number(1), PASSWORD), 0).await;
    let other = server
        .nobody()
        .post("/v1/sessions", &body)
        .with("x-real-ip", home);
    other.await.refused(401, "bad_credentials");
    ask(PASSWORD, 0, campus).await.expect(201);
    server.advance(Span::from_secs(1));
    let refused = ask(PASSWORD, 1, home).await.refused(401, "bad_credentials");
    assert_eq!(refused["captcha_level"], 2, "an easier captcha does not do");
    let refused = ask(PASSWORD, 2, home).await.refused(429, "rate_limited");
    assert_eq!(refused["retry_after_ms"], 2_000);
    server.advance(Span::from_secs(2));
    ask(PASSWORD, 2, home).await.expect(201);
    let refused = ask("wrong password", 0, home)
        .await
        .refused(401, "bad_credentials");
    assert_eq!(refused["captcha_level"], 0, "success forgives");
    server.finish().await;
}

async fn s3_a_logout_ends_one_session_and_time_the_others(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    server.register(&student).await;
    let session = async || {
        let session = server.log_in(&student, PASSWORD).await.expect(201);
        session["token"].as_str().unwrap().to_owned()
    };
    let (phone, library, unseen) = (session().await, session().await, session().await);
    server.bearer(&library).get("/v1/account").await.expect(200);
    server.bearer(&library).delete("/v1/sessions").await.expect(204);
    server.bearer(&unseen).delete("/v1/sessions").await.expect(204);
    for gone in [&library, &unseen] {
        server
            .bearer(gone)
            .get("/v1/account")
            .await
            .refused(401, "unauthenticated");
        server
            .bearer(gone)
            .delete("/v1/sessions")
            .await
            .refused(401, "unauthenticated");
    }
    server.bearer(&phone).get("/v1/account").await.expect(200);
    let minted = server.candidate(0);
    minted.delete("/v1/sessions").await.refused(403, "forbidden");
    minted.get("/v1/account").await.expect(200);

    let server = server.restart().await;
    for gone in [&library, &unseen] {
        server
            .bearer(gone)
            .get("/v1/account")
            .await
            .refused(401, "unauthenticated");
    }
    let phone = server.bearer(&phone);
    phone.get("/v1/account").await.expect(200);
    server.advance(Span::from_secs(43_200));
    phone.get("/v1/account").await.refused(401, "unauthenticated");
    server.finish().await;
}

async fn s3_more_logins_than_can_be_served_are_shed_and_claims_go_on(place: Place) {
    // One thread hashes, and some sixty logins may wait for it.
    let setup = Setup {
        hash_threads: 1,
        ..Setup::default()
    };
    let server = Server::start_town_as(&place, setup).await;
    let li = server.enrolled(0).await;
    let stranger = |n: u32| server.log_in(&Student::number(n), PASSWORD).into_future();
    let (replies, seat) = tokio::join!(join_all((100..400).map(stranger)), li.hold("991010-1"));
    assert!(seat.starts_with("991010-1-"));
    let shed: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(!shed.is_empty() && shed.len() < replies.len(), "{}", shed.len());
    for reply in &replies {
        if reply.status == 503 {
            let refused = reply.refused(503, "overloaded");
            assert_eq!(refused["retry_after_ms"], 2_000);
        } else {
            reply.refused(401, "bad_credentials");
        }
    }
    // Who was shed has not tried.
    let shed_one = replies.iter().position(|reply| reply.status == 503).unwrap();
    let shed_one = 100 + u32::try_from(shed_one).unwrap();
    for _ in 0..5 {
        stranger(shed_one).await.refused(401, "bad_credentials");
    }
    stranger(shed_one).await.refused(429, "rate_limited");
    let metrics = server.metrics().await;
    let told = format!("kaowei_logins_total{{outcome=\"overloaded\"}} {}\n", shed.len());
    assert!(metrics.contains(&told), "{told}");
    server.finish().await;
}

async fn r3_a_record_is_bound_to_one_account_whichever_way_it_came(place: Place) {
    let server = Server::start_town(&place).await;
    let student = Student::number(0);
    let mut claims = server.student_claims(&student);
    claims.sub = "the same person's passport".into();
    let passport = server.bearer(&server.mint(&claims));
    passport.enrol().await;
    server.register(&student).await;
    let registered = server.logged_in(&student).await;
    registered.agree().await;
    registered.get("/v1/qualification").await.expect(200);
    let confirmed = json!({"phone_confirmed": true});
    registered
        .post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "record_taken");
    passport.delete("/v1/enrolment").await.expect(204);
    registered.enrol_again().await;
    passport
        .post("/v1/enrolment", &confirmed)
        .await
        .refused(409, "record_taken");
    server.finish().await;
}
