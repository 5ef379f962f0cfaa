//! What people use today, each as its users would tune it, on this machine and in the same run.

mod hello;
mod postgres;
mod redis;
mod sqlite;

use crate::measure::{Budget, Measured};
use crate::registry::Subject;
use crate::workload::Spread;

/// Every baseline, by name.
#[derive(Debug)]
pub struct Baselines {
    /// PostgreSQL: a stored function that locks the pool's row; everybody wants one pool.
    pub row_lock_hot_pool: ByClients,
    /// The same over 30,000 pools.
    pub row_lock_zipf: ByClients,
    /// PostgreSQL: what an ORM does, statement by statement; everybody wants one pool.
    pub round_trips_hot_pool: ByClients,
    /// SQLite: a transaction for each claim.
    pub sqlite: Subject,
    /// Redis: a script for each claim, on disk before the answer; 64 clients.
    pub redis_always: Subject,
    /// axum answering "hello" to wrk with 64 connections.
    pub hello_64: Subject,
    /// The same with 256.
    pub hello_256: Subject,
}

/// One baseline with more and more clients: contention shows in the difference.
#[derive(Debug)]
pub struct ByClients {
    /// With 8 clients.
    pub of_8: Subject,
    /// With 32 clients.
    pub of_32: Subject,
    /// With 96 clients.
    pub of_96: Subject,
}

impl Baselines {
    /// Describes them; nothing runs yet.
    pub fn new() -> Self {
        let row_lock = |spread: Spread| {
            let name = format!("PostgreSQL row lock, {}", spread.name());
            ByClients::new(&name, move |clients, budget| {
                postgres::row_lock(spread, clients, budget)
            })
        };
        Self {
            row_lock_hot_pool: row_lock(Spread::HotPool),
            row_lock_zipf: row_lock(Spread::Zipf),
            round_trips_hot_pool: ByClients::new("PostgreSQL by an ORM, hot pool", |clients, budget| {
                postgres::round_trips(Spread::HotPool, clients, budget)
            }),
            sqlite: Subject::new("SQLite, a transaction a claim", sqlite::transaction_a_claim),
            redis_always: Subject::new("Redis script, fsync always, 64 clients", |budget| {
                redis::script(64, budget)
            }),
            hello_64: Subject::new("hello by axum, 64 connections", |budget| hello::hello(64, budget)),
            hello_256: Subject::new("hello by axum, 256 connections", |budget| {
                hello::hello(256, budget)
            }),
        }
    }
}

impl Default for Baselines {
    fn default() -> Self {
        Self::new()
    }
}

impl ByClients {
    /// In the order of their clients.
    pub fn all(&self) -> [&Subject; 3] {
        [&self.of_8, &self.of_32, &self.of_96]
    }

    fn new(
        name: &str,
        measure: impl Fn(usize, &Budget) -> anyhow::Result<Measured> + Clone + 'static,
    ) -> Self {
        let with = |clients| {
            let measure = measure.clone();
            Subject::new(format!("{name}, {clients} clients"), move |budget| {
                measure(clients, budget)
            })
        };
        Self {
            of_8: with(8),
            of_32: with(32),
            of_96: with(96),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Not how fast they are, but that they work: a claim that fails fails the measurement.
    #[test]
    fn every_baseline_with_a_store_still_claims_seats() -> anyhow::Result<()> {
        const BRIEF: Budget = Budget {
            warm_up: Duration::from_millis(20),
            measured: Duration::from_millis(80),
        };
        for spread in [Spread::HotPool, Spread::Zipf] {
            assert_works(&postgres::row_lock(spread, 3, &BRIEF)?);
            assert_works(&postgres::round_trips(spread, 3, &BRIEF)?);
        }
        assert_works(&sqlite::transaction_a_claim(&BRIEF)?);
        assert_works(&redis::script(3, &BRIEF)?);
        Ok(())
    }

    fn assert_works(measured: &Measured) {
        match measured {
            Measured::PerSecond(rate) => assert!(*rate > 0.0),
            Measured::Skipped(reason) => println!("skipped: {reason}"),
        }
    }
}
