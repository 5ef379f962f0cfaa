//! SQLite as an embedded application uses it: one writer, one durable transaction for each claim.
//!
//! Tuned for what it is: WAL, `synchronous=FULL`, no network, and a trigger that decides, so that a claim is one prepared
//! statement (the driver runs SQLite on a thread of its own, and each statement crosses to it and back).

use anyhow::Context as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _};

use crate::measure::{self, Budget, Client, Measured};
use crate::workload::{CAPACITY, Claim, Spread};

const SCHEMA: &str = "
    CREATE TABLE pools (pool INTEGER PRIMARY KEY, capacity INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE claims (
        candidate INTEGER NOT NULL, pool INTEGER NOT NULL, place INTEGER, state TEXT,
        claimed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (candidate, pool)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX queue ON claims (pool, place);
    CREATE TRIGGER decide AFTER INSERT ON claims BEGIN
        UPDATE pools SET taken = taken + 1 WHERE pool = new.pool;
        UPDATE claims SET (place, state) = (
            SELECT taken, iif(taken <= capacity, 'held', 'waiting') FROM pools WHERE pool = new.pool
        ) WHERE candidate = new.candidate AND pool = new.pool;
    END;
";

struct Writer(SqliteConnection);

/// Claims a second of the one writer, over 30,000 pools (which pool makes no difference to it).
pub(super) fn transaction_a_claim(budget: &Budget) -> anyhow::Result<Measured> {
    let folder = tempfile::Builder::new()
        .prefix("kaowei-bench-sqlite-")
        .tempdir()?;
    measure::on_all_cores(async {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("claims.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await.context("can't open a SQLite store")?;
        connection.execute(SCHEMA).await?;
        let spread = Spread::Zipf;
        sqlx::query(
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $1)
             INSERT INTO pools (pool, capacity) SELECT n, $2 FROM numbers",
        )
        .bind(spread.pools())
        .bind(CAPACITY)
        .execute(&mut connection)
        .await?;
        measure::closed_loop(vec![Writer(connection)], spread, budget).await
    })
}

impl Client for Writer {
    async fn claim(&mut self, Claim { pool, candidate }: Claim) -> anyhow::Result<()> {
        // A transaction of its own, since none is open.
        let claim = sqlx::query("INSERT INTO claims (candidate, pool) VALUES ($1, $2)");
        claim
            .bind(i64::try_from(candidate)?)
            .bind(pool)
            .execute(&mut self.0)
            .await?;
        Ok(())
    }
}
