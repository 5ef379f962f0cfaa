//! PostgreSQL disturbed while candidates play: the server recovers by itself, nothing acknowledged is lost, nothing is
//! sold twice.

use kaowei_tests::crowd::Until;
use kaowei_tests::postgres::{Postgres, Settings};
use kaowei_tests::process::{Program, Server};
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{self, PATIENCE};
use rustix::process::Signal;

use super::KAOWEI;

/// A cluster of a test's own, with a database and a stage on it.
fn stage(world: World) -> (Postgres, String, Trial) {
    let cluster = Postgres::private(Settings::default()).expect("PostgreSQL starts");
    let database = cluster.create_database().expect("a database can be made");
    let trial = Trial::new(KAOWEI, Some(cluster.url(&database)), world);
    (cluster, database, trial)
}

#[test]
fn an_immediate_restart_loses_nothing() {
    let (cluster, _, mut trial) = stage(World::lasting(41));
    let server = trial.program.answering();
    trial.play_disturbed(&server, Until::Disturbed, |pulse| {
        for _ in 0..3 {
            pulse.wait_for(150);
            cluster.restart_immediate().expect("PostgreSQL restarts");
        }
        pulse.wait_for(150);
    });
    trial.close(server);
}

/// Cascades, expiries and ends of enrolments are under way when the database goes.
#[test]
fn an_immediate_restart_among_cascades_and_ends_loses_nothing() {
    let (cluster, _, mut trial) = stage(World::fleeting(47));
    let server = trial.program.answering();
    trial.play_disturbed(&server, Until::Disturbed, |pulse| {
        for _ in 0..4 {
            pulse.wait_for(300);
            cluster.restart_immediate().expect("PostgreSQL restarts");
        }
        pulse.wait_for(300);
    });
    trial.close(server);
}

#[test]
fn backends_killed_in_their_commit_lose_nothing() {
    let (cluster, database, mut trial) = stage(World::lasting(42));
    let server = trial.program.answering();
    trial.play_disturbed(&server, Until::Disturbed, |pulse| {
        for _ in 0..6 {
            pulse.wait_for(100);
            cluster.kill_backends(&database).expect("backends can be ended");
        }
        for _ in 0..2 {
            pulse.wait_for(100);
            cluster.crash_backends(&database).expect("backends can be killed");
            cluster.wait_until_ready().expect("PostgreSQL recovers");
        }
        pulse.wait_for(100);
    });
    trial.close(server);
}

#[test]
fn a_database_that_stands_still_and_goes_on_loses_nothing() {
    let (cluster, _, mut trial) = stage(World::lasting(43));
    let server = trial.program.answering();
    trial.play_disturbed(&server, Until::Disturbed, |pulse| {
        for _ in 0..2 {
            pulse.wait_for(150);
            cluster.sigstop().expect("PostgreSQL can be stopped");
            wait_until_ready_says(&server, 503, "");
            cluster.sigcont().expect("PostgreSQL goes on");
            wait_until_ready_says(&server, 200, "");
        }
        pulse.wait_for(150);
    });
    trial.close(server);
}

#[test]
fn a_server_without_its_database_stops_when_told_to() {
    let (cluster, _, mut trial) = stage(World::lasting(44));
    let server = trial.program.answering();
    trial.play_disturbed(&server, Until::Gone, |pulse| {
        pulse.wait_for(150);
        cluster.stop().expect("PostgreSQL stops");
        wait_until_ready_says(&server, 503, "");
        server.signal(Signal::TERM);
    });
    let end = server.wait();
    assert_eq!(end.status.code(), Some(0), "{}", end.log);
    end.assert_sound();
    cluster.start().expect("PostgreSQL starts");
    let server = trial.program.answering();
    trial.close(server);
}

/// The store comes back just when the server was told to stop: it must not begin to serve again, but end.
#[test]
fn a_server_that_recovers_while_it_stops_ends_all_the_same() {
    let (cluster, database, mut trial) = stage(World::lasting(46));
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(100));
    cluster.crash_backends(&database).expect("backends can be killed");
    cluster.sigstop().expect("PostgreSQL can be stopped");
    trial.expect_unavailable(&server);
    wait_until_ready_says(&server, 503, "the journal stopped");
    server.signal(Signal::TERM);
    server.wait_until_closed();
    cluster.sigcont().expect("PostgreSQL goes on");
    let end = server.wait();
    assert_eq!(end.status.code(), Some(0), "{}", end.log);
    end.assert_sound();
    cluster.wait_until_ready().expect("PostgreSQL recovers");
    let server = trial.program.answering();
    trial.close(server);
}

/// Whoever waits for a store that stands still when the server is told to stop hears so, and the server ends.
#[test]
fn a_server_whose_database_stands_still_stops_within_its_time() {
    let (cluster, _, mut trial) = stage(World::lasting(48));
    let server = trial.program.serve(&["--stop-seconds-max", "1"], &[]).answers();
    let round = trial.play_disturbed(&server, Until::Gone, |pulse| {
        pulse.wait_for(150);
        cluster.sigstop().expect("PostgreSQL can be stopped");
        wait_until_ready_says(&server, 503, "");
        server.signal(Signal::TERM);
    });
    assert!(round.unavailable > 0, "{round:?}");
    server.wait().assert_sentence("the store did not answer in time");
    cluster.sigcont().expect("PostgreSQL goes on");
    let server = trial.program.answering();
    trial.close(server);
}

#[test]
fn a_server_that_is_told_to_stop_twice_ends_at_once() {
    let (cluster, _, mut trial) = stage(World::lasting(49));
    // Without the second signal it would wait for far longer than this test.
    let server = trial
        .program
        .serve(&["--stop-seconds-max", "3600"], &[])
        .answers();
    trial.play(&server, Until::Answers(150));
    cluster.sigstop().expect("PostgreSQL can be stopped");
    server.signal(Signal::TERM);
    server.wait_until_closed();
    server.signal(Signal::INT);
    server.wait().assert_sentence("told to stop twice");
    cluster.sigcont().expect("PostgreSQL goes on");
    let server = trial.program.answering();
    trial.close(server);
}

/// The lock that keeps a second server away is lost with its connection; the fence is not.
#[test]
fn a_server_that_was_taken_over_stops_and_nothing_is_sold_twice() {
    let (cluster, database, mut trial) = stage(World::lasting(45));
    let folder = trial.path("second");
    std::fs::create_dir(&folder).expect("a folder can be made");
    let second = Program::new(KAOWEI, &folder, Some(cluster.url(&database)));
    let first = trial.program.answering();
    let mut taken_over = None;
    let round = trial.play_disturbed(&first, Until::Gone, |pulse| {
        pulse.wait_for(200);
        let holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        cluster
            .sql(&database, holder)
            .expect("the lock's holder can be ended");
        taken_over = Some(second.answering());
    });
    assert!(round.lost, "{round:?}");
    let end = first.wait();
    end.assert_sentence("another server has taken over this store");
    trial.close(taken_over.expect("the second server answers"));
}

fn wait_until_ready_says(server: &Server, status: u16, reason: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let asked = wait::until("the server to say whether it is ready", PATIENCE, || {
        let answer = kaowei_tests::request::exchange(server.address(), "GET", "/readyz", "", None);
        let answer = runtime.block_on(answer)?;
        Ok(answer.0 == status && answer.1.contains(reason))
    });
    asked.unwrap_or_else(|error| panic!("{error:#}:\n{}", server.log()));
}
