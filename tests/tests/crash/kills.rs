//! Kill −9 at random, and the signal to stop, while candidates play.

use kaowei_tests::crowd::Until;
use kaowei_tests::trial::{Trial, World};
use rustix::process::Signal;

use super::{KAOWEI, On, rolls, seeded};

/// How often each store's server is killed.
const KILLS: usize = 12;

mod sqlite {
    use super::*;

    #[test]
    fn whatever_was_acknowledged_survives_kills_at_random() {
        killed_at_random(On::Sqlite, 31);
    }

    #[test]
    fn a_server_that_is_told_to_stop_drains() {
        told_to_stop(On::Sqlite, 32);
    }
}

mod postgres {
    use super::*;

    #[test]
    fn whatever_was_acknowledged_survives_kills_at_random() {
        killed_at_random(On::Postgres, 33);
    }

    #[test]
    fn a_server_that_is_told_to_stop_drains() {
        told_to_stop(On::Postgres, 34);
    }
}

fn killed_at_random(on: On, seed: u64) {
    let seed = seeded(seed);
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
    for (at, answers) in (1..).zip(rolls(seed, 400).take(KILLS)) {
        let server = trial.program.answering();
        eprintln!("killed after {answers} answers");
        let round = trial.play_disturbed(&server, Until::Gone, |pulse| {
            pulse.wait_for(answers);
            server.signal(Signal::KILL);
        });
        assert!(round.lost, "{round:?}");
        let end = server.wait();
        assert!(end.was_killed());
        end.assert_sound();
        // Every third time the judge looks; the others go on from what the kill left.
        if at % 3 == 0 {
            let server = trial.program.answering();
            trial.judge(&server);
            server.kill();
        }
    }
    let server = trial.program.answering();
    trial.close(server);
}

fn told_to_stop(on: On, seed: u64) {
    let seed = seeded(seed);
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
    for answers in rolls(seed, 400).take(4) {
        let server = trial.program.answering();
        eprintln!("told to stop after {answers} answers");
        let round = trial.play_disturbed(&server, Until::Gone, |pulse| {
            pulse.wait_for(answers);
            server.signal(Signal::TERM);
        });
        assert!(round.lost, "{round:?}");
        let end = server.wait();
        assert_eq!(end.status.code(), Some(0), "{}", end.log);
        end.assert_sound();
        let server = trial.program.answering();
        trial.judge(&server);
        server.stop();
    }
    let server = trial.program.answering();
    trial.close(server);
}
