//! Controls: what is lost or rewritten is found, so that the other tests' silence means something.

use kaowei_loadtest::check::{Check, Exports, check};
use kaowei_tests::crowd::Until;
use kaowei_tests::trial::{Trial, World};

use super::{KAOWEI, files};

/// An older copy of the store in place of the present one: every chain links, every number fits, and yet.
#[test]
fn a_store_that_lost_its_latest_claims_is_found() {
    let mut trial = Trial::new(KAOWEI, None, World::lasting(51));
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(200));
    server.stop();
    let (data, copy) = (trial.program.data_dir().to_path_buf(), trial.path("copy"));
    files::copy(&data, &copy);
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(300));
    server.kill();
    std::fs::remove_dir_all(&data).expect("a folder can be removed");
    files::copy(&copy, &data);

    let server = trial.program.answering();
    trial.crowd.settle(server.address());
    let verdict = trial.verdict(&server);
    let lost = verdict.of(Check::AcknowledgedIsStored);
    assert!(lost.violations > 0, "{verdict}");
}

#[test]
fn an_export_that_was_tampered_with_is_found() {
    let mut trial = Trial::new(KAOWEI, None, World::lasting(52));
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(300));
    trial.crowd.settle(server.address());
    trial.exports(&server);
    let read = |name: &str| std::fs::read_to_string(trial.path(name)).expect("the export is there");
    let (claims, audit, pools) = (read("claims.csv"), read("audit.csv"), read("pools.json"));
    let judged = |claims: &str, audit: &str| {
        let exports = Exports::from_texts(claims, audit, &pools).expect("the exports can be read");
        check(trial.crowd.history(), &exports).expect("the exports can be judged")
    };
    assert!(judged(&claims, &audit).holds());

    let mut lines: Vec<&str> = audit.lines().collect();
    let at = lines.iter().position(|line| line.contains("claim_held"));
    lines.remove(at.expect("seats were held"));
    let verdict = judged(&claims, &lines.join("\n"));
    assert!(verdict.of(Check::ChainHolds).violations > 0, "{verdict}");
    let verdict = judged(&claims.replacen(",held,", ",waiting,", 1), &audit);
    assert!(verdict.of(Check::NumbersAgree).violations > 0, "{verdict}");
}
