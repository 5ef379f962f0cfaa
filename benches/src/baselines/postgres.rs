//! PostgreSQL as a registration system uses it: the pool's row is locked, counted up and a claim is inserted.
//!
//! Two ways: in a stored function, one round trip a claim (the best that a row lock can do), and statement by statement
//! as an ORM does. A private cluster per measurement, tuned to favour it: durable commits, but no checkpoint within a
//! measurement, room for all pages, a socket instead of TCP, statements prepared, pages with room for updates in place,
//! and of all indexes only the two without which it would be wrong: one claim a candidate and pool, and the queue's order.

use anyhow::Context as _;
use kaowei_tests::postgres::{Postgres, Settings};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::measure::{self, Budget, Client, Measured};
use crate::workload::{CAPACITY, Claim, Spread};

const SCHEMA: &str = "
    CREATE TABLE pools (
        pool integer PRIMARY KEY, capacity integer NOT NULL, taken integer NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE TABLE claims (
        candidate bigint NOT NULL, pool integer NOT NULL, place integer NOT NULL, state text NOT NULL,
        claimed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (candidate, pool), UNIQUE (pool, place)
    );
    CREATE FUNCTION claim(wanted integer, who bigint) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        seats pools%ROWTYPE;
        outcome text;
    BEGIN
        SELECT * INTO STRICT seats FROM pools WHERE pool = wanted FOR UPDATE;
        outcome := CASE WHEN seats.taken < seats.capacity THEN 'held' ELSE 'waiting' END;
        UPDATE pools SET taken = taken + 1 WHERE pool = wanted;
        INSERT INTO claims (candidate, pool, place, state) VALUES (who, wanted, seats.taken + 1, outcome);
        RETURN outcome;
    END $$;
";

const TUNING: [(&str, &str); 5] = [
    ("shared_buffers", "512MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("synchronous_commit", "on"),
    ("max_connections", "120"),
];

struct RowLock(PgConnection);

struct RoundTrips(PgConnection);

/// Claims a second through the stored function.
pub(super) fn row_lock(spread: Spread, clients: usize, budget: &Budget) -> anyhow::Result<Measured> {
    with_clients(spread, clients, budget, RowLock)
}

/// Claims a second by four round trips each.
pub(super) fn round_trips(spread: Spread, clients: usize, budget: &Budget) -> anyhow::Result<Measured> {
    with_clients(spread, clients, budget, RoundTrips)
}

fn with_clients<C: Client>(
    spread: Spread,
    clients: usize,
    budget: &Budget,
    client: impl Fn(PgConnection) -> C,
) -> anyhow::Result<Measured> {
    if !Postgres::is_installed() {
        return Ok(Measured::Skipped(
            "PostgreSQL's server is not here: `make bench` installs it".into(),
        ));
    }
    let parameters = TUNING
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let postgres = Postgres::private(Settings {
        parameters,
        ..Settings::default()
    })?;
    let url = postgres.url("postgres");
    measure::on_all_cores(async {
        let mut setup = PgConnection::connect(&url)
            .await
            .context("can't connect to the bench's PostgreSQL")?;
        setup.execute(SCHEMA).await?;
        sqlx::query("INSERT INTO pools (pool, capacity) SELECT n, $2 FROM generate_series(0, $1 - 1) AS n")
            .bind(i32::try_from(spread.pools())?)
            .bind(i32::try_from(CAPACITY)?)
            .execute(&mut setup)
            .await?;
        setup.execute("VACUUM ANALYZE pools").await?;
        setup.close().await?;
        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(client(PgConnection::connect(&url).await?));
        }
        measure::closed_loop(connected, spread, budget).await
    })
}

impl Client for RowLock {
    async fn claim(&mut self, Claim { pool, candidate }: Claim) -> anyhow::Result<()> {
        let claimed = sqlx::query("SELECT claim($1, $2)")
            .bind(i32::try_from(pool)?)
            .bind(i64::try_from(candidate)?);
        claimed.execute(&mut self.0).await?;
        Ok(())
    }
}

impl Client for RoundTrips {
    async fn claim(&mut self, Claim { pool, candidate }: Claim) -> anyhow::Result<()> {
        let (pool, candidate) = (i32::try_from(pool)?, i64::try_from(candidate)?);
        // BEGIN travels with the first statement, as good drivers do it.
        let lock = format!("BEGIN; SELECT capacity, taken FROM pools WHERE pool = {pool} FOR UPDATE");
        let row = sqlx::raw_sql(AssertSqlSafe(lock)).fetch_one(&mut self.0).await?;
        let (capacity, taken): (i32, i32) = sqlx::FromRow::from_row(&row)?;
        let state = if taken < capacity { "held" } else { "waiting" };
        sqlx::query("INSERT INTO claims (candidate, pool, place, state) VALUES ($1, $2, $3, $4)")
            .bind(candidate)
            .bind(pool)
            .bind(taken + 1)
            .bind(state)
            .execute(&mut self.0)
            .await?;
        sqlx::query("UPDATE pools SET taken = $2 WHERE pool = $1")
            .bind(pool)
            .bind(taken + 1)
            .execute(&mut self.0)
            .await?;
        self.0.execute("COMMIT").await?;
        Ok(())
    }
}
