//! `make bench`: measures ours and the baselines in turn and prints one table.

use clap::Parser;
use kaowei_benches::baselines::Baselines;
use kaowei_benches::measure::Budget;
use kaowei_benches::registry::{Outcomes, Row};
use kaowei_benches::{machine, report, rows};
use mimalloc::MiMalloc;

/// As in the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Kaowei beside what people use today, in one run, and prints one table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Fewer and shorter rounds: for a look, not for publishing.
    #[arg(long)]
    quick: bool,
    /// How often each subject is measured; the table shows medians.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only rows whose goal or name contains this, for example "P2" or "hot pool".
    #[arg(long)]
    only: Option<String>,
    /// Print the rows and measure nothing.
    #[arg(long)]
    list: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (budget, rounds) = if arguments.quick {
        (Budget::QUICK, 3)
    } else {
        (Budget::FULL, 5)
    };
    let rounds = arguments.rounds.unwrap_or(rounds).max(1);
    let mut rows = rows::all(&Baselines::new());
    if let Some(only) = &arguments.only {
        rows.retain(|row| named(row).contains(only));
    }
    if arguments.list {
        for row in &rows {
            println!("{}", named(row));
        }
        return Ok(());
    }

    println!("{}", machine::description());
    println!(
        "{}; {}",
        machine::version("redis-server", "--version"),
        machine::version("wrk", "--version")
    );
    println!(
        "{rounds} rounds of {} s after {} s",
        budget.measured.as_secs_f32(),
        budget.warm_up.as_secs_f32()
    );
    let outcomes = Outcomes::of(&rows, rounds, &budget, |line| eprintln!("{line}"));
    println!("\n{}", report::table(&rows, &outcomes));
    println!("at the end: {}", machine::description());
    anyhow::ensure!(!outcomes.any_failed(), "some measurements failed, as named above");
    Ok(())
}

fn named(row: &Row) -> String {
    format!("{} {}", row.goal, row.what)
}
