//! `make bench`: P3 for a minute, with the lag of the tables at its end and the time that they take to catch up.

use std::time::Duration;

use clap::Parser;
use kaowei_benches::machine;
use kaowei_benches::ours::engine::Store;
use kaowei_benches::ours::http::sustained;

/// Claims over HTTP at full rate for a minute on each store; then the tables catch up with the journal.
#[derive(Debug, Parser)]
struct Arguments {
    /// For how long; there are new claims for about 70 s.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=70))]
    seconds: u64,
    /// Connections that each send when they have been answered.
    #[arg(long, default_value_t = 256)]
    connections: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!("{}", machine::description());
    for store in [Store::Sqlite, Store::Postgres] {
        let told = sustained(
            store,
            arguments.connections,
            Duration::from_secs(arguments.seconds),
        )?;
        match told {
            Some(told) => println!(
                "P3 for {} s, {}: {:.0} claims/s; {} events behind at the end, caught up {:.1} s later",
                arguments.seconds,
                store.name(),
                told.claims_per_second,
                told.lag_events,
                told.catch_up.as_secs_f32()
            ),
            None => println!(
                "P3 for {} s, {}: skipped, it is not installed",
                arguments.seconds,
                store.name()
            ),
        }
    }
    println!("at the end: {}", machine::description());
    Ok(())
}
