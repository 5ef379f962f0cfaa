//! Kill −9 at every fail point, on both stores: what was acknowledged is there, what was not is found by repeating.

use kaowei_engine::FailPoint;
use kaowei_tests::crowd::{Round, Until};
use kaowei_tests::process::{Launch, Server};
use kaowei_tests::trial::{Trial, World};

use super::{KAOWEI, On, seeded};

/// Points of a candidate's first request: each needs candidates who were never seen.
const ACCOUNTS: [FailPoint; 2] = [FailPoint::AccountBeforeWrite, FailPoint::AccountAfterWrite];

/// Points that every claim comes by, where holds and enrolments last.
const CLAIMS: [FailPoint; 10] = [
    FailPoint::TurnTaken,
    FailPoint::PoolDecided,
    FailPoint::BatchGathered,
    FailPoint::TransactionBegun,
    FailPoint::FencePassed,
    FailPoint::EventsWritten,
    FailPoint::Committed,
    FailPoint::PublishedInPart,
    FailPoint::PublishedNotAnswered,
    FailPoint::Answered,
];

/// Points of cascades and of time, where holds and enrolments end all the time.
const ENDS: [FailPoint; 4] = [
    FailPoint::CascadeNoticed,
    FailPoint::CascadeAsked,
    FailPoint::DueNoticed,
    FailPoint::EnrolmentOver,
];

/// Points of the tables.
const TABLES: [FailPoint; 3] = [
    FailPoint::CheckpointRead,
    FailPoint::CheckpointWritten,
    FailPoint::CheckpointCommitted,
];

/// Points of the outbox; `notices.rs` dies there.
const OUTBOX: [FailPoint; 2] = [FailPoint::OutboxSent, FailPoint::OutboxDone];

/// Points of imports.
const IMPORTS: [FailPoint; 2] = [FailPoint::ImportValidated, FailPoint::ImportSlice];

/// Points of an account of staff; `staff.rs` dies there.
const STAFF: [FailPoint; 2] = [FailPoint::StaffAccountWritten, FailPoint::StaffAccountNotAnswered];

/// Points of a start.
const STARTS: [FailPoint; 3] = [
    FailPoint::RecoveryTables,
    FailPoint::RecoveryJournal,
    FailPoint::RecoveryDone,
];

#[test]
fn every_point_belongs_to_one_of_these_tests() {
    let tested: Vec<_> = [
        &ACCOUNTS[..],
        &CLAIMS,
        &ENDS,
        &super::payments::PAYMENTS,
        &TABLES,
        &OUTBOX,
        &IMPORTS,
        &STAFF,
        &STARTS,
    ]
    .concat();
    for point in FailPoint::ALL {
        let times = tested.iter().filter(|tested| **tested == point).count();
        assert_eq!(times, 1, "{point:?}");
    }
}

mod sqlite {
    use super::*;

    #[test]
    fn an_account_survives_a_kill() {
        accounts_survive(On::Sqlite, 10);
    }

    #[test]
    fn a_claim_survives_a_kill_at_every_point_of_its_way() {
        claims_survive(On::Sqlite, &CLAIMS, 11);
    }

    #[test]
    fn cascades_and_ends_survive_a_kill() {
        ends_survive(On::Sqlite, 12);
    }

    #[test]
    fn the_tables_survive_a_kill_in_their_checkpoint() {
        claims_survive(On::Sqlite, &TABLES, 13);
    }

    #[test]
    fn an_import_that_a_kill_cut_off_happens_wholly_or_not() {
        imports_survive(On::Sqlite, 14);
    }

    #[test]
    fn a_start_survives_a_kill() {
        starts_survive(On::Sqlite, 15);
    }
}

mod postgres {
    use super::*;

    #[test]
    fn an_account_survives_a_kill() {
        accounts_survive(On::Postgres, 20);
    }

    #[test]
    fn a_claim_survives_a_kill_at_every_point_of_its_way() {
        claims_survive(On::Postgres, &CLAIMS, 21);
    }

    #[test]
    fn cascades_and_ends_survive_a_kill() {
        ends_survive(On::Postgres, 22);
    }

    #[test]
    fn the_tables_survive_a_kill_in_their_checkpoint() {
        claims_survive(On::Postgres, &TABLES, 23);
    }

    #[test]
    fn an_import_that_a_kill_cut_off_happens_wholly_or_not() {
        imports_survive(On::Postgres, 24);
    }

    #[test]
    fn a_start_survives_a_kill() {
        starts_survive(On::Postgres, 25);
    }
}

fn accounts_survive(on: On, seed: u64) {
    for point in ACCOUNTS {
        claims_survive(on, &[point], seed);
    }
}

fn claims_survive(on: On, points: &[FailPoint], seed: u64) {
    let seed = seeded(seed);
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
    let server = die_at_each(&mut trial, points, seed);
    trial.close(server);
}

fn ends_survive(on: On, seed: u64) {
    let seed = seeded(seed);
    let mut trial = Trial::new(KAOWEI, on.url(), World::fleeting(seed));
    let server = die_at_each(&mut trial, &ENDS, seed);
    trial.close(server);
}

fn imports_survive(on: On, seed: u64) {
    let seed = seeded(seed);
    for point in IMPORTS {
        let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
        let server = trial.armed(point.name(), 1).answers();
        let round = trial.play_and_import(&server, Until::Gone);
        died(server, round, point);
        let server = trial.program.answering();
        trial.check_import(&server);
        trial.close(server);
    }
}

fn starts_survive(on: On, seed: u64) {
    let seed = seeded(seed);
    let mut trial = Trial::new(KAOWEI, on.url(), World::lasting(seed));
    for point in STARTS {
        let server = trial.program.answering();
        trial.play(&server, Until::Answers(200));
        server.kill();
        let end = trial.armed(point.name(), 1).ended();
        assert!(end.was_killed(), "{point:?}: {}", end.log);
    }
    let server = trial.program.answering();
    trial.close(server);
}

/// Kills at each point in turn, each at a later passing than the last; the judge looks after each. The last server.
fn die_at_each(trial: &mut Trial, points: &[FailPoint], seed: u64) -> Server {
    let mut last = None;
    for (at, point) in (1..).zip(points) {
        drop(last.take());
        let nth = nth_of(*point, at + seed);
        eprintln!("killed at {}:{nth}", point.name());
        match trial.armed(point.name(), nth) {
            Launch::Answers(server) => {
                // A pool that is asked all the time does what is due before its timer: then comes a rest.
                let until = if ENDS.contains(point) {
                    Until::Answers(1_000)
                } else {
                    Until::Gone
                };
                let round = trial.play(&server, until);
                died(server, round, *point);
            }
            Launch::Ended(end) => assert!(end.was_killed(), "{point:?}: {}", end.log),
        }
        let server = trial.program.answering();
        trial.judge(&server);
        last = Some(server);
    }
    last.expect("there are points")
}

/// At which passing of a point to die: rare ones at the first, others somewhere in the play.
fn nth_of(point: FailPoint, dice: u64) -> u32 {
    let most: u64 = match point {
        FailPoint::AccountBeforeWrite | FailPoint::AccountAfterWrite => 1,
        // Mostly a command does what is due before its timer does.
        FailPoint::DueNoticed => 2,
        FailPoint::CascadeNoticed | FailPoint::CascadeAsked | FailPoint::EnrolmentOver => 3,
        FailPoint::CheckpointWritten | FailPoint::CheckpointCommitted => 5,
        // A slow machine's tables look at the journal once a second.
        FailPoint::CheckpointRead => 20,
        _ => 60,
    };
    let roll = u32::try_from(dice * 2_654_435_761 % most).unwrap_or(0);
    roll + 1
}

fn died(server: Server, round: Round, point: FailPoint) {
    assert!(
        !round.too_long,
        "{point:?} was not reached: {round:?}\n{}",
        server.log()
    );
    let end = server.wait();
    assert!(end.was_killed(), "{point:?}: {}:\n{}", end.status, end.log);
    end.assert_sound();
}
