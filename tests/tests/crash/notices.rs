//! Kill −9 between a commit and what candidates are told of it (R36): every event that is a notice is one, on the page and
//! at the webhook, and whatever comes twice has the same id.

use std::collections::{BTreeMap, BTreeSet};

use kaowei_engine::FailPoint;
use kaowei_tests::crowd::Until;
use kaowei_tests::process::Launch;
use kaowei_tests::receiver::{Received, Receiver, SECRET};
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{PATIENCE, until};
use serde_json::{Value, json};

use super::{KAOWEI, On, seeded};

/// Where it is killed, and at which passing.
const DEATHS: [(FailPoint, u32); 6] = [
    (FailPoint::Committed, 40),
    (FailPoint::CheckpointRead, 9),
    (FailPoint::CheckpointWritten, 4),
    (FailPoint::CheckpointCommitted, 4),
    (FailPoint::OutboxSent, 3),
    (FailPoint::OutboxDone, 2),
];

#[test]
fn r36_no_notice_is_lost_nor_another_one_told_whenever_the_server_dies_on_sqlite() {
    notices_survive(On::Sqlite, 71);
}

#[test]
fn r36_no_notice_is_lost_nor_another_one_told_whenever_the_server_dies_on_postgres() {
    notices_survive(On::Postgres, 72);
}

fn notices_survive(on: On, seed: u64) {
    let receiver = Receiver::start();
    let mut trial = Trial::new(KAOWEI, on.url(), World::fleeting(seeded(seed)));
    let secret = trial.path("webhook-secret");
    std::fs::write(&secret, SECRET).expect("a file can be written");
    let url = receiver.url();
    let secret = secret.to_str().expect("a path of letters");
    let flags = ["--webhook-url", &url, "--webhook-secret-file", secret];
    for (point, nth) in DEATHS {
        let armed = format!("{}:{nth}", point.name());
        eprintln!("killed at {armed}");
        let end = match trial.program.serve(&flags, &[("KAOWEI_FAIL_POINT", &armed)]) {
            Launch::Answers(server) => {
                let round = trial.play(&server, Until::Gone);
                assert!(!round.too_long, "{point:?} was not reached: {}", server.log());
                server.wait()
            }
            Launch::Ended(end) => end,
        };
        assert!(end.was_killed(), "{point:?}: {}:\n{}", end.status, end.log);
        end.assert_sound();
    }

    let server = trial.program.serve(&flags, &[]).answers();
    trial.judge(&server);
    trial.set_expiry(&server, false);
    trial.exports(&server);
    let happened = notices_of(&std::fs::read_to_string(trial.path("audit.csv")).expect("it was exported"));
    assert!(happened.len() > 20, "{happened:?}");
    let sent = || -> BTreeSet<String> { receiver.taken().iter().map(Received::id).collect() };
    until("the webhook to have all notices", PATIENCE, || {
        Ok(sent().len() >= happened.len())
    })
    .expect("it gets them");
    assert_eq!(sent(), happened);
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    for taken in receiver.taken() {
        let first = bodies.entry(taken.id()).or_insert_with(|| taken.body.clone());
        assert_eq!(*first, taken.body, "the same in every word");
    }

    let mut listed = Vec::new();
    for candidate in 0..16 {
        let token = trial.token(candidate);
        let (status, list) = trial.request(&server, "GET", "/v1/notices", token, None);
        assert_eq!(status, 200, "{list}");
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let notices = list["notices"].as_array().expect("a list").iter();
        listed.extend(notices.map(|notice| notice["id"].as_str().expect("an id").to_owned()));
    }
    assert_eq!(listed.len(), happened.len(), "each is on one page, once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), happened);
    trial.close(server);
}

#[test]
fn r36_a_code_comes_again_under_its_id_where_the_server_died_before_it_knew_that_it_was_taken_on_sqlite() {
    a_code_survives(On::Sqlite, 73);
}

#[test]
fn r36_a_code_comes_again_under_its_id_where_the_server_died_before_it_knew_that_it_was_taken_on_postgres() {
    a_code_survives(On::Postgres, 74);
}

fn a_code_survives(on: On, seed: u64) {
    let receiver = Receiver::start();
    let trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    let secret = trial.path("webhook-secret");
    std::fs::write(&secret, SECRET).expect("a file can be written");
    let url = receiver.url();
    let secret = secret.to_str().expect("a path of letters");
    let flags = [
        "--webhook-url",
        &url,
        "--webhook-secret-file",
        secret,
        "--captcha",
        "off",
    ];
    let mut li = json!({"province": "99", "id_type": "passport", "id_number": "L1"});
    let asked = li.clone();
    for (field, value) in [
        ("name", "li"),
        ("phone", "13800000000"),
        ("password", "correct horse battery"),
    ] {
        li[field] = json!(value);
    }
    // It is taken, and the server dies, when the request for it has been answered.
    let (answered, wait) = std::sync::mpsc::channel::<()>();
    receiver.answers(move |_| {
        wait.recv().ok();
        204
    });
    let armed = format!("{}:1", FailPoint::OutboxSent.name());
    let server = trial
        .program
        .serve(&flags, &[("KAOWEI_FAIL_POINT", &armed)])
        .answers();
    let post = |path: &str, body: &Value| trial.request(&server, "POST", path, trial.token(0), Some(body));
    let (status, said) = post("/v1/accounts", &li);
    assert_eq!(status, 201, "{said}");
    let (status, said) = post("/v1/password-resets", &asked);
    assert_eq!(status, 202, "{said}");
    drop(answered);
    let end = server.wait();
    assert!(end.was_killed(), "{}:\n{}", end.status, end.log);
    let server = trial.program.serve(&flags, &[]).answers();
    until("the code to come again", PATIENCE, || {
        Ok(receiver.taken().len() == 2)
    })
    .expect("it comes");
    let [first, second] = [0, 1].map(|n| receiver.taken()[n].json());
    assert_eq!(first, second, "the same in every word");
    assert_eq!(first["kind"], "password_reset_code");
    let code = first["code"].as_str().expect("a code");
    assert!(!end.log.contains(code) && !server.log().contains(code));
    trial.close(server);
}

/// The ids of the notices that the events of an audit trail are.
fn notices_of(audit: &str) -> BTreeSet<String> {
    let kinds = ["claim_promoted", "claim_expired", "claim_paid", "deadline_near"];
    let mut reader = csv::Reader::from_reader(audit.as_bytes());
    let mut ids = BTreeSet::new();
    for record in reader.records() {
        let record = record.expect("the trail is CSV");
        if kinds.contains(&&record[4]) {
            ids.insert(format!("{}-{}", &record[0], &record[1]));
        }
    }
    ids
}
