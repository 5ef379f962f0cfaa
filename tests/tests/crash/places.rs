//! Places that can't be served from, and settings that are none: each is told in one sentence with exit code 1, and
//! nothing is changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kaowei_tests::crowd::Until;
use kaowei_tests::postgres::{Postgres, Settings};
use kaowei_tests::process::Program;
use kaowei_tests::trial::{Trial, World};
use sqlx::{Connection, SqliteConnection};

use super::{KAOWEI, On, files};

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let mut trial = Trial::new(KAOWEI, None, World::lasting(61));
    let first = trial.program.answering();
    let end = trial.program.serve(&[], &[]).ended();
    end.assert_sentence("another kaowei uses the data folder");
    // The same store by its address, from another folder.
    let other = tempfile::tempdir().expect("a folder can be made");
    let store = trial.program.data_dir().join("kaowei.sqlite3");
    let second = Program::new(
        KAOWEI,
        other.path(),
        Some(format!("sqlite://{}", store.display())),
    );
    let end = second.serve(&[], &[]).ended();
    end.assert_sentence("another kaowei uses the data folder");
    trial.play(&first, Until::Answers(100));
    trial.close(first);
}

#[test]
fn a_second_server_on_the_same_database_is_refused_and_the_first_goes_on() {
    let url = On::Postgres.url();
    let mut trial = Trial::new(KAOWEI, url.clone(), World::lasting(62));
    let first = trial.program.answering();
    let other = tempfile::tempdir().expect("a folder can be made");
    let end = Program::new(KAOWEI, other.path(), url).serve(&[], &[]).ended();
    end.assert_sentence("another kaowei serves this database");
    trial.play(&first, Until::Answers(100));
    trial.close(first);
}

#[test]
fn a_folder_that_can_not_be_used_is_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("a file can be written");
    let program = Program::new(KAOWEI, folder.path(), None);
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--data-dir",
    ];
    for place in [file.join("below"), file] {
        let place = place.to_str().expect("a path of letters");
        let end = program.serve_as(&[&serve[..], &[place]].concat(), &[]).ended();
        end.assert_sentence("can't be used");
    }
}

/// As an ordinary user, which root becomes for it: permissions don't bind root.
#[test]
fn a_folder_or_a_store_that_may_only_be_read_is_told_and_not_changed() {
    let trial = Trial::new(KAOWEI, None, World::lasting(63));
    let place = tempfile::tempdir().expect("a folder can be made");
    let data = place.path().join("data");
    files::copy(trial.program.data_dir(), &data);
    set_modes(place.path(), 0o755, 0o444);
    set_modes(&data, 0o555, 0o444);
    let before = files::contents(&data);
    let end = files::as_ordinary_user(&Program::new(KAOWEI, &data, None), place.path());
    end.assert_sentence("can't be used");
    assert_eq!(files::contents(&data), before);

    // The folder may be written, the store in it may not.
    set_modes(&data, 0o777, 0o444);
    std::fs::remove_file(data.join("kaowei.lock")).expect("the lock's file is there");
    let end = files::as_ordinary_user(&Program::new(KAOWEI, &data, None), place.path());
    end.assert_sentence("the store can't be opened");
}

#[test]
fn a_database_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (store, part) in [
        (
            "postgres://nobody@127.0.0.1:1/nothing",
            "the store can't be opened",
        ),
        ("mysql://root@localhost/kaowei", "is not a store"),
        ("sqlite://", "is not a store"),
        ("sqlite:///proc/kaowei/store.sqlite3", "can't be used"),
    ] {
        let program = Program::new(KAOWEI, folder.path(), Some(store.into()));
        program.serve(&[], &[]).ended().assert_sentence(part);
    }
}

#[test]
fn a_database_that_forgets_is_refused() {
    for (fsync, parameter) in [(false, None), (true, Some(("synchronous_commit", "off")))] {
        let parameters = parameter
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let settings = Settings {
            fsync,
            parameters: parameters.collect(),
            ..Settings::default()
        };
        let cluster = Postgres::private(settings).expect("PostgreSQL starts");
        let database = cluster.create_database().expect("a database can be made");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let program = Program::new(KAOWEI, folder.path(), Some(cluster.url(&database)));
        program
            .serve(&[], &[])
            .ended()
            .assert_sentence("acknowledged claims could be lost");
    }
}

const NEWER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
    VALUES (9999, 'tomorrow', TRUE, '\\x00', 0)";

#[test]
fn a_store_of_a_newer_release_is_refused_and_not_changed() {
    let trial = Trial::new(KAOWEI, None, World::lasting(64));
    for part in ["kaowei.sqlite3", "kaowei-people.sqlite3", "kaowei-tables.sqlite3"] {
        let path = trial.program.data_dir().join(part);
        change(&path, &NEWER.replace("'\\x00'", "x'00'"));
        trial
            .program
            .serve(&[], &[])
            .ended()
            .assert_sentence("written by a newer release");
        change(&path, "DELETE FROM _sqlx_migrations WHERE version = 9999");
    }
    let server = trial.program.answering();
    trial.close(server);
}

#[test]
fn a_database_of_a_newer_release_is_refused_and_not_changed() {
    let cluster = Postgres::private(Settings::default()).expect("PostgreSQL starts");
    let database = cluster.create_database().expect("a database can be made");
    let trial = Trial::new(KAOWEI, Some(cluster.url(&database)), World::lasting(65));
    cluster.sql(&database, NEWER).expect("a row can be added");
    trial
        .program
        .serve(&[], &[])
        .ended()
        .assert_sentence("written by a newer release");
    let back = "DELETE FROM _sqlx_migrations WHERE version = 9999";
    cluster.sql(&database, back).expect("a row can be deleted");
    let server = trial.program.answering();
    trial.close(server);
}

#[test]
fn a_journal_with_a_missing_or_a_rewritten_event_is_refused() {
    let mut trial = Trial::new(KAOWEI, None, World::lasting(66));
    let server = trial.program.answering();
    trial.play(&server, Until::Answers(200));
    server.kill();
    let (data, copy) = (trial.program.data_dir().to_path_buf(), trial.path("copy"));
    files::copy(&data, &copy);
    for harm in [
        format!("DELETE FROM journal WHERE {LAST}"),
        format!("UPDATE journal SET payload = replace(payload, '{{', '{{ ') WHERE {LAST}"),
    ] {
        change(&data.join("kaowei.sqlite3"), &harm);
        // From the journal alone: the tables may have taken over what is harmed now.
        for part in [
            "kaowei-tables.sqlite3",
            "kaowei-tables.sqlite3-wal",
            "kaowei-tables.sqlite3-shm",
        ] {
            std::fs::remove_file(data.join(part)).ok();
        }
        let end = trial.program.serve(&[], &[]).ended();
        assert_eq!(end.status.code(), Some(1), "{}", end.log);
        assert!(end.log.contains("the store is damaged"), "{harm}: {}", end.log);
        std::fs::remove_dir_all(&data).expect("a folder can be removed");
        files::copy(&copy, &data);
    }
    let server = trial.program.answering();
    trial.close(server);
}

/// The latest event of the only province.
const LAST: &str =
    "(cell, position) = (SELECT cell, MAX(position) FROM journal WHERE cell = '99' GROUP BY cell)";

#[test]
fn settings_that_are_none_are_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let program = Program::new(KAOWEI, folder.path(), None);
    let server = program.serve(&[], &[("KAOWEI_LISTN", "127.0.0.1:1")]).answers();
    assert!(
        server.log().contains("KAOWEI_LISTN is set but is no setting"),
        "{}",
        server.log()
    );
    let end = server.stop();
    assert_eq!(end.status.code(), Some(0), "{}", end.log);

    for (text, part) in [
        ("lisen = 1", "has the unknown setting \"lisen\""),
        ("listen = ", "is not TOML"),
        ("listen = [1]", "must be a text"),
    ] {
        std::fs::write(folder.path().join("kaowei.toml"), text).expect("a file can be written");
        program
            .serve(&["--config", "kaowei.toml"], &[])
            .ended()
            .assert_sentence(part);
    }
    let end = program.serve(&["--config", "none.toml"], &[]).ended();
    end.assert_sentence("can't be read");
    for flag in [
        ["--threads", "0"],
        ["--listen", "nowhere"],
        ["--account-burst", "-1"],
        ["--no-such", "1"],
    ] {
        let end = program.serve(&flag, &[]).ended();
        assert_eq!(end.status.code(), Some(2), "{flag:?}: {}", end.log);
        assert!(end.log.starts_with("error: "), "{flag:?}: {}", end.log);
        end.assert_sound();
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let program = Program::new(KAOWEI, folder.path(), None);
    for flag in ["--listen", "--metrics-listen"] {
        let other = if flag == "--listen" {
            "--metrics-listen"
        } else {
            "--listen"
        };
        let end = program
            .serve_as(&["serve", flag, &address, other, "127.0.0.1:0"], &[])
            .ended();
        end.assert_sentence(&address);
    }
}

fn set_modes(folder: &Path, folder_mode: u32, file_mode: u32) {
    let set = |path: &Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("permissions can be set");
    };
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        set(&path, if path.is_dir() { folder_mode } else { file_mode });
    }
    set(folder, folder_mode);
}

/// Runs a statement on a stopped embedded store.
fn change(path: &Path, statement: &str) {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let url = format!("sqlite://{}", path.display());
        let mut connection = SqliteConnection::connect(&url)
            .await
            .expect("the store can be opened");
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .expect("the statement runs");
        connection.close().await.expect("the store can be closed");
    });
}
