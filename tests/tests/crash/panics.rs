//! A pool's actor that panics: its pool is read from the store again, the others go on, and nothing acknowledged is lost.

use kaowei_tests::crowd::Until;
use kaowei_tests::trial::{Trial, World};

use super::{KAOWEI, On, seeded};

#[test]
fn on_sqlite_a_pool_whose_actor_panicked_is_rebuilt() {
    panicked(On::Sqlite, 51);
}

#[test]
fn on_postgres_a_pool_whose_actor_panicked_is_rebuilt() {
    panicked(On::Postgres, 52);
}

fn panicked(on: On, seed: u64) {
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seeded(seed)));
    let armed = [("KAOWEI_FAIL_POINT", "pool_decided:40:panic")];
    let server = trial.program.serve(&[], &armed).answers();
    let round = trial.play(&server, Until::Answers(400));
    assert!(!round.lost && !round.too_long, "{round:?}:\n{}", server.log());
    let log = server.log();
    assert!(log.contains("as it was told to"), "no actor panicked:\n{log}");
    assert!(log.contains("a pool was rebuilt from the store"), "{log}");
    trial.judge(&server);
    server.kill();
    let server = trial.program.answering();
    trial.close(server);
}
