//! The PostgreSQL fixture itself: what every test on that store relies on.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kaowei_tests::postgres::{Postgres, Settings};
use kaowei_tests::wait::{self, PATIENCE};
use sqlx::{Connection as _, PgConnection};

#[tokio::test]
async fn each_test_gets_an_empty_database_and_its_url_connects() -> anyhow::Result<()> {
    let postgres = Postgres::shared()?;
    let (first, second) = (postgres.create_database()?, postgres.create_database()?);
    postgres.sql(&first, "CREATE TABLE only_here ()")?;
    let mut connection = PgConnection::connect(&postgres.url(&second)).await?;
    let (tables,): (i64,) = sqlx::query_as("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(tables, 0);
    Ok(())
}

#[test]
fn commits_reach_the_disk_unless_a_test_says_otherwise() -> anyhow::Result<()> {
    let shown = |postgres: &Postgres| postgres.sql("postgres", "SELECT current_setting('fsync')");
    assert_eq!(shown(Postgres::shared()?)?, "on");
    let parameters = vec![("work_mem".to_owned(), "7MB".to_owned())];
    let quick = Postgres::private(Settings {
        fsync: false,
        parameters,
        ..Settings::default()
    })?;
    assert_eq!(shown(&quick)?, "off");
    assert_eq!(
        quick.sql("postgres", "SELECT current_setting('work_mem')")?,
        "7MB"
    );
    Ok(())
}

#[test]
fn what_was_committed_survives_a_stop_and_a_crash_and_what_was_not_does_not() -> anyhow::Result<()> {
    let postgres = Postgres::private(Settings::default())?;
    postgres.sql("postgres", "CREATE TABLE kept AS SELECT 1 AS number")?;
    postgres.stop()?;
    assert!(
        postgres.sql("postgres", "SELECT 1").is_err(),
        "a stopped server must not answer"
    );
    postgres.start()?;
    postgres.sql("postgres", "INSERT INTO kept VALUES (2)")?;
    postgres.restart_immediate()?;
    assert_eq!(postgres.sql("postgres", "SELECT sum(number) FROM kept")?, "3");
    assert!(
        postgres.end_of_log().contains("not properly shut down"),
        "{}",
        postgres.end_of_log()
    );
    Ok(())
}

#[tokio::test]
async fn ended_and_killed_backends_are_gone_and_the_server_takes_new_ones() -> anyhow::Result<()> {
    let postgres = Postgres::private(Settings::default())?;
    let database = postgres.create_database()?;
    let connect = async || PgConnection::connect(&postgres.url(&database)).await;

    let mut ended = connect().await?;
    assert_eq!(postgres.kill_backends(&database)?, 1);
    assert!(sqlx::query("SELECT 1").execute(&mut ended).await.is_err());

    let mut killed = connect().await?;
    assert_eq!(postgres.crash_backends(&database)?, 1);
    assert!(sqlx::query("SELECT 1").execute(&mut killed).await.is_err());
    postgres.wait_until_ready()?;
    connect().await?.ping().await?;
    Ok(())
}

#[tokio::test]
async fn a_frozen_server_keeps_its_connections_and_answers_when_it_goes_on() -> anyhow::Result<()> {
    let postgres = Postgres::private(Settings::default())?;
    let mut connection = PgConnection::connect(&postgres.url("postgres")).await?;
    postgres.sigstop()?;
    let answer = tokio::spawn(async move { connection.ping().await });
    tokio::task::yield_now().await;
    assert!(!answer.is_finished());
    postgres.sigcont()?;
    answer.await??;
    Ok(())
}

#[test]
fn a_dropped_server_is_gone_with_its_folder_even_when_frozen() -> anyhow::Result<()> {
    let postgres = Postgres::private(Settings::default())?;
    let folder = postgres.folder().to_path_buf();
    postgres.sigstop()?;
    drop(postgres);
    assert!(!folder.exists());
    assert!(!runs_in(&folder)?);
    Ok(())
}

#[test]
fn a_database_that_is_not_there_is_an_error_with_the_servers_words() -> anyhow::Result<()> {
    let error = Postgres::shared()?
        .sql("nowhere", "SELECT 1")
        .expect_err("no such database");
    assert!(
        format!("{error:#}").contains("\"nowhere\" does not exist"),
        "{error:#}"
    );
    Ok(())
}

/// Set in the process that [`nothing_outlives_a_test_process_that_was_killed`] starts and kills.
const HOLD: &str = "KAOWEI_TESTS_HOLD_A_SERVER";

#[test]
fn nothing_outlives_a_test_process_that_was_killed() -> anyhow::Result<()> {
    if std::env::var_os(HOLD).is_some() {
        return hold_a_server();
    }
    let mut test = Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "nothing_outlives_a_test_process_that_was_killed",
            "--nocapture",
        ])
        .env(HOLD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(test.stdout.take().expect("piped above")).lines();
    let told = lines
        .map_while(Result::ok)
        .find_map(|line| Some(PathBuf::from(line.strip_prefix("holds ")?)));
    let folder = told.expect("the process tells its server's folder");
    assert!(runs_in(&folder)?);

    test.kill()?;
    test.wait()?;
    wait::until("the killed test's PostgreSQL to be gone", PATIENCE, || {
        Ok(!runs_in(&folder)? && !folder.exists())
    })
}

fn hold_a_server() -> anyhow::Result<()> {
    let postgres = Postgres::private(Settings::default())?;
    println!("\nholds {}", postgres.folder().display());
    // Until the end of input, which comes with the kill.
    std::io::stdin().lines().for_each(drop);
    Ok(())
}

/// Whether any process works in `folder`.
fn runs_in(folder: &Path) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir("/proc")? {
        if std::fs::read_link(entry?.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)) {
            return Ok(true);
        }
    }
    Ok(false)
}
