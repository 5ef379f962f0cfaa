//! An import that a lost database cut off is finished when the database is back, and never later: not over a file
//! that was imported since.

use kaowei_tests::crowd::Errand;
use kaowei_tests::postgres::{Postgres, Settings};
use kaowei_tests::trial::{EXTRA_STUDENTS, Trial, World};
use kaowei_tests::wait::{self, PATIENCE};

use super::KAOWEI;

const HELD_BACK: &str = "BEGIN; LOCK TABLE students IN SHARE MODE; SELECT pg_sleep(120)";
const IS_HELD_BACK: &str =
    "SELECT COUNT(*) FROM pg_locks WHERE relation = 'students'::regclass AND mode = 'ShareLock' AND granted";

#[test]
fn an_import_that_was_cut_off_does_not_come_back_over_a_later_one() {
    let cluster = Postgres::private(Settings::default()).expect("PostgreSQL starts");
    let database = cluster.create_database().expect("a database can be made");
    let trial = Trial::new(KAOWEI, Some(cluster.url(&database)), World::lasting(91));
    let server = trial.program.answering();

    let (staff, file) = (trial.staff(&server), trial.path("extra.csv"));
    let import: Errand = Box::pin(async move {
        let cut = staff
            .import("students", &file)
            .await
            .expect_err("the import is cut off");
        assert!(cut.to_string().contains("503"), "{cut}");
    });
    std::thread::scope(|scope| {
        // It can't end before it is cut off.
        scope.spawn(|| {
            cluster
                .sql(&database, HELD_BACK)
                .expect_err("the restart ends it")
        });
        let held_back = wait::until("the import to be held back", PATIENCE, || {
            Ok(cluster.sql(&database, IS_HELD_BACK)? == "1")
        });
        held_back.expect("nobody writes students");
        scope.spawn(|| {
            let begun = wait::until("the import to be applied", PATIENCE, || {
                Ok(cluster.sql(&database, "SELECT COUNT(*) FROM imports")? == "1")
            });
            begun.expect("the import begins");
            cluster.restart_immediate().expect("PostgreSQL restarts");
        });
        trial.crowd.block_on(import);
    });

    // The same people for other subjects, in two files; the store may need a moment for the first.
    let text = std::fs::read_to_string(trial.path("extra.csv")).expect("the file is there");
    let (staff, file) = (trial.staff(&server), trial.path("later.csv"));
    for subject in ["1", "2"] {
        let text = text.replace(",1;2;F;S,", &format!(",{subject},"));
        std::fs::write(&file, text).expect("a file can be written");
        let later = wait::until("a later import", PATIENCE, || {
            Ok(trial.crowd.block_on(staff.import("students", &file)).is_ok())
        });
        later.unwrap_or_else(|error| panic!("{error:#}:\n{}", server.log()));
    }
    let count = |rows: &str| {
        let count = format!("SELECT COUNT(*) FROM {rows}");
        cluster.sql(&database, &count).expect("rows are counted")
    };
    assert_eq!(count("students WHERE subjects = '2'"), EXTRA_STUDENTS.to_string());
    assert_eq!(count("imports"), "0");
    server.kill();
    let server = trial.program.answering();
    assert_eq!(count("students WHERE subjects = '2'"), EXTRA_STUDENTS.to_string());
    trial.close(server);
}
