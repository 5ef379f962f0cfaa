//! A part of the server that panics: what it had in memory is read from the store again, whoever waited is answered, and
//! nothing acknowledged is lost.

use kaowei_engine::FailPoint;
use kaowei_tests::crowd::{Pulse, Until};
use kaowei_tests::postgres::{Postgres, Settings};
use kaowei_tests::process::Server;
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{self, PATIENCE};
use serde_json::{Value, json};

use super::{KAOWEI, On, seeded};

mod sqlite {
    use super::*;

    #[test]
    fn a_pool_whose_actor_panicked_is_rebuilt() {
        an_actor_panics(On::Sqlite, 51);
    }

    #[test]
    fn a_journal_that_panicked_is_recovered() {
        the_journal_panics(On::Sqlite, 53);
    }

    #[test]
    fn r12_a_claim_that_a_panic_left_unpublished_gets_no_second_one_beside_it() {
        a_claim_stays_unpublished(On::Sqlite, 55);
    }
}

mod postgres {
    use super::*;

    #[test]
    fn a_pool_whose_actor_panicked_is_rebuilt() {
        an_actor_panics(On::Postgres, 52);
    }

    #[test]
    fn a_journal_that_panicked_is_recovered() {
        the_journal_panics(On::Postgres, 54);
    }

    #[test]
    fn r12_a_claim_that_a_panic_left_unpublished_gets_no_second_one_beside_it() {
        a_claim_stays_unpublished(On::Postgres, 56);
    }
}

fn an_actor_panics(on: On, seed: u64) {
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    let is_rebuilt = |log: &str| log.contains("a pool was rebuilt from the store");
    let server = play_until_it_panicked(&mut trial, FailPoint::PoolDecided, 40, is_rebuilt);
    server.kill();
    let server = trial.program.answering();
    trial.close(server);
}

/// The writer, its publisher, and what goes on beside the actors.
const JOURNAL: [(FailPoint, u32); 7] = [
    (FailPoint::BatchGathered, 40),
    (FailPoint::Committed, 40),
    (FailPoint::PublishedInPart, 40),
    (FailPoint::PublishedNotAnswered, 40),
    (FailPoint::Answered, 40),
    (FailPoint::CascadeNoticed, 2),
    (FailPoint::CheckpointRead, 1),
];

fn the_journal_panics(on: On, seed: u64) {
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    for (point, nth) in JOURNAL {
        let recoveries = |log: &str| log.matches("recovery is done").count();
        let server = play_until_it_panicked(&mut trial, point, nth, |log| recoveries(log) > 1);
        assert_eq!(recoveries(&server.log()), 2, "{point:?}:\n{}", server.log());
        server.kill();
    }
    let server = trial.program.answering();
    trial.close(server);
}

/// The same server goes on after its panic, and the judge finds nothing once its log says that it is mended.
fn play_until_it_panicked(
    trial: &mut Trial,
    point: FailPoint,
    nth: u32,
    is_mended: impl Fn(&str) -> bool,
) -> Server {
    let server = armed(trial, point, nth);
    let panicked = |pulse: &Pulse| {
        let reached = wait::until("the panic", PATIENCE, || {
            Ok(server.log().contains("as it was told to"))
        });
        reached.unwrap_or_else(|error| panic!("{point:?}: {error:#}:\n{}", server.log()));
        pulse.wait_for(100);
    };
    let round = trial.play_disturbed(&server, Until::Disturbed, panicked);
    assert!(!round.lost, "{point:?}: {round:?}:\n{}", server.log());
    let mended = wait::until("the server is mended", PATIENCE, || Ok(is_mended(&server.log())));
    mended.unwrap_or_else(|error| panic!("{point:?}: {error:#}:\n{}", server.log()));
    trial.judge(&server);
    server
}

fn armed(trial: &Trial, point: FailPoint, nth: u32) -> Server {
    let point = format!("{}:{nth}:panic", point.name());
    trial
        .program
        .serve(&[], &[("KAOWEI_FAIL_POINT", point.as_str())])
        .answers()
}

/// A claim is durable, its candidate's entry does not show it, and its turn is over: another pool must not grant the
/// same level again before everything was read from the store.
fn a_claim_stays_unpublished(on: On, seed: u64) {
    let trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    let server = armed(&trial, FailPoint::PublishedInPart, 1);
    let ask = |method: &str, path: &str, body: Option<&Value>| {
        trial.request(&server, method, path, trial.token(0), body)
    };
    let claim = |pool: &str| {
        let body = json!({ "pool": pool, "on_full": "reject" });
        ask("POST", "/v1/claims", Some(&body))
    };
    assert_eq!(
        ask("PUT", "/v1/agreement", Some(&json!({ "version": "1" }))).0,
        200
    );
    let enrolled = ask("POST", "/v1/enrolment", Some(&json!({ "phone_confirmed": true })));
    assert_eq!(enrolled.0, 201, "{}", enrolled.1);
    let first = claim("991010-1");
    assert_eq!(first.0, 503, "{}", first.1);

    let mut second = claim("991011-1");
    let answered = wait::until("a definite answer", PATIENCE, || {
        if second.0 == 503 {
            second = claim("991011-1");
        }
        Ok(second.0 != 503)
    });
    answered.unwrap_or_else(|error| panic!("{error:#}:\n{}", server.log()));
    assert_eq!(second.0, 409, "{}", second.1);
    let claims: Value = serde_json::from_str(&ask("GET", "/v1/claims", None).1).expect("JSON");
    assert_eq!(claims["claims"].as_array().map(Vec::len), Some(1), "{claims}");
    trial.exports(&server);
    let end = server.stop();
    assert!(end.status.success(), "{}", end.log);
    trial.compare_tables();
}

/// Those who wait for an account when its writer panics are answered, and the next ones get theirs.
#[test]
fn whoever_makes_accounts_outlives_a_panic() {
    let trial = Trial::new(KAOWEI, None, World::lasting(seeded(57)));
    let server = armed(&trial, FailPoint::AccountBeforeWrite, 1);
    let agree = |candidate: usize| {
        let body = json!({ "version": "1" });
        let token = trial.token(candidate);
        trial
            .request(&server, "PUT", "/v1/agreement", token, Some(&body))
            .0
    };
    assert_eq!(agree(0), 500);
    assert_eq!((agree(1), agree(0)), (200, 200));
}

#[test]
fn a_recovery_that_panics_ends_the_server() {
    let cluster = Postgres::private(Settings::default()).expect("PostgreSQL starts");
    let database = cluster.create_database().expect("a database can be made");
    let mut trial = Trial::new(KAOWEI, Some(cluster.url(&database)), World::lasting(seeded(58)));
    let server = armed(&trial, FailPoint::RecoveryJournal, 2);
    trial.play_disturbed(&server, Until::Gone, |pulse| {
        pulse.wait_for(100);
        cluster.kill_backends(&database).expect("backends can be ended");
    });
    let end = server.wait();
    assert_eq!(end.status.code(), Some(1), "{}", end.log);
    assert!(
        end.log
            .contains("kaowei: the server has stopped: recovery panicked"),
        "{}",
        end.log
    );
    let server = trial.program.answering();
    trial.close(server);
}
