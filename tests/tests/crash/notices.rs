//! Kill −9 between a commit and what candidates are told of it (R36): every event that is a notice is one, on the page and
//! at the webhook, and whatever comes twice has the same id.

use std::collections::{BTreeMap, BTreeSet};

use kaowei_engine::FailPoint;
use kaowei_tests::crowd::Until;
use kaowei_tests::process::Launch;
use kaowei_tests::receiver::{Received, Receiver, SECRET};
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{PATIENCE, until};
use serde_json::Value;

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
