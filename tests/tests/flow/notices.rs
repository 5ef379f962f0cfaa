//! What candidates are told without asking (R36): on the page, and by the webhook. Streams are in `events.rs`.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use kaowei::problem::Language;
use kaowei_core::time::Span;
use kaowei_tests::engine::{Place, eventually};
use kaowei_tests::language::is_in;
use kaowei_tests::on_both_stores;
use kaowei_tests::receiver::{Received, Receiver, SECRET};
use kaowei_tests::server::{Client, PASSWORD, Server, Setup, Student};
use serde_json::{Value, json};

on_both_stores! {
    r36_a_promotion_its_two_reminders_and_its_expiry_are_notices_each_told_once
    r36_notices_are_listed_in_pages_in_either_language_and_to_their_candidate_alone
    r36_who_pays_nothing_is_reminded_of_a_deadline_that_was_moved_and_who_left_is_not
    r36_the_webhook_is_sent_each_notice_signed_with_phone_and_words
    r36_a_webhook_that_does_not_answer_gets_everything_later_and_nothing_twice_after_a_restart
    r36_a_notice_that_the_webhook_refuses_holds_up_no_other_and_is_tried_again
    what_happened_before_a_webhook_was_set_up_is_not_sent
    r36_a_code_is_sent_to_its_phone_signed_and_is_on_no_page
    r36_a_code_that_does_not_hold_any_more_is_not_sent
    r36_a_code_is_sent_once_more_under_the_same_id_where_it_was_not_taken
}

const HOUR: Span = Span::from_secs(3_600);

/// The notices of a candidate.
async fn notices(of: &Client) -> Vec<Value> {
    let list = of.get("/v1/notices").await.expect(200);
    list["notices"].as_array().expect("a list").clone()
}

async fn kinds(of: &Client) -> Vec<String> {
    let notices = notices(of).await;
    let kind = |notice: &Value| notice["kind"].as_str().expect("a kind").to_owned();
    notices.iter().map(kind).collect()
}

/// Wang waits behind li, who gives up: wang is promoted.
async fn promoted(server: &Server<'_>) -> (Client, String) {
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    let seat = li.hold("991010-2").await;
    let waiting = wang.queue("991010-2").await;
    li.cancel(&seat).await.expect(200);
    (wang, waiting)
}

async fn r36_a_promotion_its_two_reminders_and_its_expiry_are_notices_each_told_once(place: Place) {
    let server = Server::start_town(&place).await;
    let (wang, claim) = promoted(&server).await;
    // It is there when the cancellation is answered, though the tables come later.
    let told = notices(&wang).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["kind"], &told[0]["claim"], &told[0]["pool"]),
        (&json!("promoted"), &json!(claim), &json!("991010-2"))
    );
    assert_eq!(
        (&told[0]["at"], &told[0]["held_until"]),
        (
            &json!("2026-09-21T14:13:20.000Z"),
            &json!("2026-09-22T14:13:20.000Z")
        )
    );
    server.advance(Span::from_secs(18 * 3_600 - 1));
    server
        .staff("national")
        .get("/v1/staff/overview")
        .await
        .expect(200);
    server.advance(Span::from_secs(1));
    eventually("the reminder of 6 hours", async || {
        kinds(&wang).await == ["promoted", "deadline_near"]
    })
    .await;
    // Neither is told again after a restart, and the next comes in its time.
    let server = server.restart().await;
    let wang = server.candidate(1);
    assert_eq!(kinds(&wang).await, ["promoted", "deadline_near"]);
    server.advance(Span::from_secs(5 * 3_600));
    eventually("the reminder of 1 hour", async || kinds(&wang).await.len() == 3).await;
    let server = server.restart().await;
    let wang = server.candidate(1);
    server.advance(HOUR);
    eventually("the expiry", async || kinds(&wang).await.len() == 4).await;
    let told = notices(&wang).await;
    let at = |n: usize| (told[n]["kind"].as_str().unwrap(), told[n]["at"].as_str().unwrap());
    assert_eq!(at(1), ("deadline_near", "2026-09-22T08:13:20.000Z"));
    assert_eq!(at(2), ("deadline_near", "2026-09-22T13:13:20.000Z"));
    assert_eq!(at(3), ("expired", "2026-09-22T14:13:20.000Z"));
    assert_eq!(
        (&told[3]["claim"], &told[3]["held_until"]),
        (&json!(claim), &Value::Null)
    );
    let ids: BTreeSet<_> = told.iter().map(|notice| notice["id"].to_string()).collect();
    assert_eq!(ids.len(), 4);
    let server = server.restart().await;
    assert_eq!(notices(&server.candidate(1)).await, told);
    server.finish().await;
}

async fn r36_notices_are_listed_in_pages_in_either_language_and_to_their_candidate_alone(place: Place) {
    let server = Server::start_town(&place).await;
    let (wang, _) = promoted(&server).await;
    server.advance(Span::from_secs(18 * 3_600));
    eventually("two notices", async || kinds(&wang).await.len() == 2).await;
    let told = notices(&wang).await;
    assert_eq!(notices(&server.candidate(0)).await, Vec::<Value>::new());
    assert_eq!(notices(&server.candidate(5)).await, Vec::<Value>::new());

    let first = wang.get("/v1/notices?limit=1").await.expect(200);
    assert_eq!(first["notices"], json!(told[..1]));
    let cursor = first["next_cursor"].as_str().expect("there is another page");
    let second = wang
        .get(&format!("/v1/notices?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (&second["notices"], &second["next_cursor"]),
        (&json!(told[1..]), &Value::Null)
    );
    let after = |id: &Value| format!("/v1/notices?after={}", id.as_str().expect("an id"));
    let later = wang.get(&after(&told[0]["id"])).await;
    assert_eq!(later.json()["notices"], json!(told[1..]));
    let tag = later.header("etag").expect("it has a tag").to_owned();
    let again = wang.get(&after(&told[0]["id"])).with("if-none-match", &tag);
    assert_eq!(again.await.status, 304);
    let none = wang.get(&after(&told[1]["id"])).await.expect(200);
    assert_eq!(none["notices"], json!([]));
    // An id of another cell is none of this candidate's.
    let other = wang.get("/v1/notices?after=98-1").await.expect(200);
    assert_eq!(other["notices"], json!(told));
    for wrong in ["after=nonsense", "cursor=%21", "limit=0"] {
        let reply = wang.get(&format!("/v1/notices?{wrong}")).await;
        assert!(matches!(reply.status, 400 | 422), "{wrong}: {}", reply.text());
    }

    for (tag, language) in [("zh-CN", Language::Chinese), ("en", Language::English)] {
        let reply = wang.get("/v1/notices").with("accept-language", tag).await;
        assert_eq!(reply.header("content-language"), Some(tag));
        for notice in reply.json()["notices"].as_array().expect("a list") {
            for words in [&notice["title"], &notice["text"]] {
                assert!(is_in(words.as_str().expect("words"), language), "{words}");
            }
        }
    }
    assert!(
        told[0]["text"].as_str().unwrap().contains("英语六级笔试"),
        "{told:?}"
    );
    server.finish().await;
}

async fn r36_who_pays_nothing_is_reminded_of_a_deadline_that_was_moved_and_who_left_is_not(place: Place) {
    let server = Server::start_town(&place).await;
    let (li, wang) = (server.enrolled(0).await, server.enrolled(1).await);
    li.hold("991010-1").await;
    let seat = wang.hold("991010-1").await;
    server.advance(Span::from_secs(18 * 3_600));
    eventually("the reminders of 6 hours", async || {
        kinds(&li).await == ["deadline_near"] && kinds(&wang).await == ["deadline_near"]
    })
    .await;
    wang.cancel(&seat).await.expect(200);
    // The engine is down for ten hours: the deadline passes meanwhile, and gets its time back.
    server.engine.clone().close().await;
    server.abandon().await;
    place.clock.advance(Span::from_secs(10 * 3_600));
    let server = Server::start(&place).await;
    let li = server.candidate(0);
    let claims = li.get("/v1/claims").await.expect(200);
    assert_eq!(claims["claims"][0]["held_until"], "2026-09-23T04:13:20.000Z");
    server.advance(Span::from_secs(4 * 3_600));
    eventually("the reminder of the new deadline", async || {
        kinds(&li).await == ["deadline_near", "deadline_near"]
    })
    .await;
    let told = notices(&li).await;
    assert_eq!(told[1]["held_until"], "2026-09-23T04:13:20.000Z");
    assert_eq!(kinds(&server.candidate(1)).await, ["deadline_near"]);
    server.finish().await;
}

async fn r36_the_webhook_is_sent_each_notice_signed_with_phone_and_words(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    let (wang, claim) = promoted(&server).await;
    let told = notices(&wang).await;
    eventually("the webhook is sent it", async || receiver.received().len() == 1).await;
    let sent = receiver.received().remove(0);
    let body = sent.json();
    for field in ["id", "kind", "at", "claim", "pool", "held_until"] {
        assert_eq!(body[field], told[0][field], "{field}");
    }
    assert_eq!(body["claim"], json!(claim));
    assert_eq!(body["recipient"]["phone"], "13800000000");
    for words in ["title", "text"] {
        assert_eq!(body[words]["zh-CN"], told[0][words]);
        assert!(is_in(body[words]["en"].as_str().unwrap(), Language::English));
    }
    assert_eq!(
        sent.headers.get("kaowei-notice-id"),
        body["id"].as_str().map(String::from).as_ref()
    );
    assert_eq!(sent.headers.get("content-type").unwrap(), "application/json");
    is_signed(&sent);
    server.finish().await;
}

/// As a receiver would check it.
fn is_signed(received: &Received) {
    let signature = received.headers.get("kaowei-signature").expect("it is signed");
    let (time, code) = signature
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .expect("time and code");
    assert_eq!(time, "1790000000", "the engine's time");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = format!("{time}.{}", received.body);
    let code = hex::decode(code).expect("hex digits");
    hmac::verify(&secret, signed.as_bytes(), &code).expect("the code is right");
}

async fn r36_a_webhook_that_does_not_answer_gets_everything_later_and_nothing_twice_after_a_restart(
    place: Place,
) {
    let receiver = Receiver::start();
    let mut failures = [503, 302, 0].into_iter().cycle();
    receiver.answers(move |_| failures.next().expect("there are always more"));
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    let (wang, _) = promoted(&server).await;
    eventually("the webhook is tried three times", async || {
        receiver.received().len() >= 3
    })
    .await;
    let told = server.metrics().await;
    assert!(
        !told.contains("kaowei_outbox_deliveries_total{outcome=\"failed\"} 0\n"),
        "{told}"
    );
    // Claims are answered as ever.
    server.enrolled(2).await.hold("991010-1").await;
    server.advance(Span::from_secs(18 * 3_600));
    eventually("more is to be told", async || kinds(&wang).await.len() == 2).await;
    let server = server.restart().await;
    receiver.answers(|_| 204);
    // Wang's promotion and reminder, and the reminder of candidate 2.
    eventually("all is sent", async || receiver.taken().len() == 3).await;
    eventually("nothing is left", async || {
        let told = server.metrics().await;
        told.contains("\nkaowei_outbox_lag_seconds 0\n")
    })
    .await;
    let server = server.restart().await;
    server.advance(Span::from_secs(5 * 3_600));
    eventually("what is new is sent", async || receiver.taken().len() == 5).await;
    let ids: BTreeSet<_> = receiver.taken().iter().map(Received::id).collect();
    assert_eq!(ids.len(), 5, "nothing twice");
    server.finish().await;
}

async fn r36_a_notice_that_the_webhook_refuses_holds_up_no_other_and_is_tried_again(place: Place) {
    let receiver = Receiver::start();
    receiver.answers(|body| if body["kind"] == "promoted" { 400 } else { 204 });
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    promoted(&server).await;
    eventually("it is refused", async || !receiver.received().is_empty()).await;
    server.enrolled(2).await.hold("991010-1").await;
    server.advance(Span::from_secs(18 * 3_600));
    eventually("the reminders come through", async || receiver.taken().len() == 2).await;
    eventually("the refused one is set aside", async || {
        let told = server.metrics().await;
        told.contains("\nkaowei_outbox_messages 1\n")
    })
    .await;
    receiver.answers(|_| 204);
    server.advance(Span::from_secs(60));
    eventually("it is taken after all", async || receiver.taken().len() == 3).await;
    let last = receiver.taken().remove(2);
    assert_eq!(last.json()["kind"], "promoted");
    assert_eq!(last.id(), receiver.received()[0].id(), "under the id that it had");
    server.finish().await;
}

async fn what_happened_before_a_webhook_was_set_up_is_not_sent(place: Place) {
    let server = Server::start_town(&place).await;
    let (wang, _) = promoted(&server).await;
    assert_eq!(kinds(&wang).await, ["promoted"]);
    server.engine.clone().close().await;
    server.abandon().await;
    let receiver = Receiver::start();
    let server = Server::start_as(&place, Setup::with_webhook(&receiver)).await;
    server.advance(Span::from_secs(18 * 3_600));
    eventually("what happens now is sent", async || !receiver.taken().is_empty()).await;
    let sent: Vec<_> = receiver
        .received()
        .iter()
        .map(|sent| sent.json()["kind"].clone())
        .collect();
    assert_eq!(sent, ["deadline_near"]);
    server.finish().await;
}

const NEW: &str = "another horse battery";

async fn ask_for_code(server: &Server<'_>, n: u32) {
    let asked = json!({"province": "99", "id_type": "passport", "id_number": format!("P{n}")});
    let asked = server.nobody().post("/v1/password-resets", &asked).await;
    asked.expect(202);
}

async fn r36_a_code_is_sent_to_its_phone_signed_and_is_on_no_page(place: Place) {
    let receiver = Receiver::start();
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    server.register(&Student::number(0)).await;
    let li = server.logged_in(&Student::number(0)).await;
    let mut events = li.follow("/v1/events", None).await;
    events.resync().await;
    ask_for_code(&server, 0).await;
    let sent = receiver.nth(1).await;
    assert_eq!(
        (&sent["kind"], &sent["ends_at"], &sent["recipient"]["phone"]),
        (
            &json!("password_reset_code"),
            &json!("2026-09-21T14:28:20.000Z"),
            &json!("13800000000")
        )
    );
    let code = sent["code"].as_str().expect("a code");
    for (tag, language) in [("zh-CN", Language::Chinese), ("en", Language::English)] {
        let text = sent["text"][tag].as_str().expect("words");
        assert!(text.contains(code) && is_in(text, language), "{text}");
    }
    is_signed(&receiver.received()[0]);

    let new_phone = json!({"phone": "13911112222"});
    li.patch("/v1/account", &new_phone).await.expect(202);
    let sent = receiver.nth(2).await;
    assert_eq!(
        (&sent["kind"], &sent["recipient"]["phone"]),
        (&json!("phone_change_code"), &json!("13911112222"))
    );
    assert_eq!(notices(&li).await, Vec::<Value>::new());
    // Had a code been told over the stream, that would have come first.
    li.enrol().await;
    events.expect("enrolment").await;
    server.finish().await;
}

async fn r36_a_code_that_does_not_hold_any_more_is_not_sent(place: Place) {
    let receiver = Receiver::start();
    receiver.answers(|_| 503);
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    for n in 0..3 {
        server.register(&Student::number(n)).await;
    }
    let li = server.logged_in(&Student::number(0)).await;
    let change = async |phone: &str| {
        let asked = json!({"phone": phone});
        li.patch("/v1/account", &asked).await.expect(202);
    };
    let are_kept = async |count: u32| {
        let told = server.metrics().await;
        told.contains(&format!("\nkaowei_outbox_messages {count}\n"))
    };
    // One that another replaced.
    change("13911112222").await;
    receiver.nth(1).await;
    server.advance(Span::from_secs(60));
    change("13911113333").await;
    // One that a new password ended.
    ask_for_code(&server, 0).await;
    eventually("there are two", async || are_kept(2).await).await;
    let password = json!({"password": NEW, "current_password": PASSWORD});
    li.patch("/v1/account", &password).await.expect(200);
    eventually("both are withdrawn", async || are_kept(0).await).await;
    // One that a new phone ended.
    let session = server.log_in(&Student::number(0), NEW).await.expect(201);
    let li = server.bearer(session["token"].as_str().unwrap());
    server.advance(Span::from_secs(240));
    ask_for_code(&server, 0).await;
    let phone = "13911114444";
    li.patch("/v1/account", &json!({"phone": phone}))
        .await
        .expect(202);
    eventually("there are two", async || are_kept(2).await).await;
    let to_that_phone = || {
        let requests = receiver.received();
        let mut sent = requests.iter().map(Received::json);
        sent.find(|sent| sent["recipient"]["phone"] == phone)
    };
    eventually("one goes there", async || to_that_phone().is_some()).await;
    let confirmed = json!({"phone": phone, "code": to_that_phone().unwrap()["code"]});
    li.patch("/v1/account", &confirmed).await.expect(200);
    eventually("both are withdrawn", async || are_kept(0).await).await;
    // One whose time is over.
    ask_for_code(&server, 1).await;
    server.advance(Span::from_secs(900));
    eventually("it is given up", async || are_kept(0).await).await;
    let before = receiver.received().len();
    receiver.answers(|_| 204);
    ask_for_code(&server, 2).await;
    eventually("the one that holds is taken", async || {
        !receiver.taken().is_empty()
    })
    .await;
    let sent = receiver.received().split_off(before);
    let last = server.student_claims(&Student::number(2));
    assert_eq!(sent.len(), 1, "{sent:?} beside that of {}", last.sub);
    server.finish().await;
}

async fn r36_a_code_is_sent_once_more_under_the_same_id_where_it_was_not_taken(place: Place) {
    let receiver = Receiver::start();
    receiver.answers(|_| 302);
    let server = Server::start_town_as(&place, Setup::with_webhook(&receiver)).await;
    server.register(&Student::number(0)).await;
    ask_for_code(&server, 0).await;
    let refused = receiver.nth(1).await;
    let server = server.restart().await;
    receiver.answers(|_| 204);
    server.advance(Span::from_secs(60));
    eventually("it is taken", async || !receiver.taken().is_empty()).await;
    assert_eq!(receiver.taken()[0].json(), refused, "the same in every word");
    eventually("it is forgotten", async || {
        server.metrics().await.contains("\nkaowei_outbox_messages 0\n")
    })
    .await;
    server.finish().await;
}
