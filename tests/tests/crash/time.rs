//! Deadlines that pass while no server runs.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use kaowei_tests::crowd::Until;
use kaowei_tests::process::Server;
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{self, PATIENCE};

use super::{KAOWEI, On};

const HOLD_SECONDS: u32 = 3;

/// How soon after the start what fell due must be done: 500 ms after readiness (2.1), and time to look at it on a
/// machine that runs other tests too. Pools look at their deadlines every 30 s whatever happens, so less than that.
const DONE_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn sqlite_holds_that_fell_due_while_nothing_ran_are_expired_at_the_start() {
    overdue(On::Sqlite, 71);
}

#[test]
fn postgres_holds_that_fell_due_while_nothing_ran_are_expired_at_the_start() {
    overdue(On::Postgres, 72);
}

/// A short stop: nobody gets time back, and the seats go to those who wait, with a full time of their own (R21).
fn overdue(on: On, seed: u64) {
    let world = World {
        hold_seconds: HOLD_SECONDS,
        ..World::lasting(seed)
    };
    let mut trial = Trial::new(KAOWEI, on.url(), world);
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(400));
    let (held, waiting) = (
        claims(&trial, &server, &["held"]),
        claims(&trial, &server, &["waiting"]),
    );
    assert!(!held.is_empty() && !waiting.is_empty());
    server.kill();
    let killed = Instant::now();
    let span = Duration::from_secs(HOLD_SECONDS.into());
    let passed = wait::until("the deadlines to pass", PATIENCE, || Ok(killed.elapsed() > span));
    passed.expect("time passes");

    let server = trial.program.answering();
    let done = wait::until("overdue holds to expire", DONE_WITHIN, || {
        Ok(claims(&trial, &server, &["held"]).is_disjoint(&held))
    });
    done.unwrap_or_else(|error| panic!("{error:#}:\n{}", server.log()));
    // Who waited and was promoted may have let that time pass too.
    let promoted = claims(&trial, &server, &["held", "expired"]);
    assert!(
        !promoted.is_disjoint(&waiting),
        "nobody of {waiting:?} was promoted"
    );
    trial.close(server);
}

/// The ids of all claims in these states.
fn claims(trial: &Trial, server: &Server, states: &[&str]) -> HashSet<String> {
    trial.exports(server);
    let csv = std::fs::read_to_string(trial.path("claims.csv")).expect("the export is there");
    let rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|row| states.contains(&row[3]))
        .map(|row| row[0].to_owned())
        .collect()
}
